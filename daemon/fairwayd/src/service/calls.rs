//! What becomes of calls: counted, timed, told to the log once, and those that failed remembered for a while.
//!
//! A container that does not come up is often gone before anybody looks. Its runtime has read an error with the call's
//! trace in it; by that the log says what the daemon did, and the last few hundred failures can be listed, also those of
//! plugins that failed before they asked the daemon anything.

use crate::{
    metrics::{
        keep::{Counters, Timings, timings},
        names,
        page::Page,
    },
    trace,
};
use fairway_api::{
    ErrorBody, Part, Request, Trace,
    call::{CallFailed, FailedCall},
    ipam::Attachment,
};
use fairway_cni::Code;
use prometheus_client::metrics::gauge::Gauge;
use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tracing::{Span, debug, info_span, warn};

/// So many failures are remembered.
const KEPT: usize = 256;
/// So much of each text of theirs, in bytes.
const TEXT: usize = 1024;
/// And of each name.
const NAME: usize = 256;

/// The types of plugins that metrics know by name.
const PLUGINS: &[&str] = &[
    "bandwidth",
    "bridge",
    "dummy",
    "fairway",
    "firewall",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "multi",
    "portmap",
    "ptp",
    "sbr",
    "sriov",
    "static",
    "tap",
    "tuning",
    "vlan",
    "vrf",
    "vxlan",
];

/// See the module's head.
#[derive(Debug)]
pub struct Calls {
    answered: Counters<3>,
    took: Timings<2>,
    abandoned: Counters<2>,
    now: Gauge,
    told: Counters<3>,
    failed: Mutex<VecDeque<FailedCall>>,
}

impl Default for Calls {
    fn default() -> Self {
        Calls {
            answered: Counters::default(),
            took: timings(),
            abandoned: Counters::default(),
            now: Gauge::default(),
            told: Counters::default(),
            failed: Mutex::default(),
        }
    }
}

/// A call that is being answered.
pub(super) struct Call<'a> {
    calls: &'a Calls,
    part: Part,
    method: &'static str,
    trace: Option<Trace>,
    attachment: Option<Attachment>,
    begun: Instant,
    ended: bool,
}

impl Calls {
    /// Begins one.
    pub(super) fn begin(&self, request: &Request) -> Call<'_> {
        self.now.inc();
        Call {
            calls: self,
            part: request.method.part(),
            method: request.method.name(),
            trace: request.trace,
            attachment: request.method.attachment().cloned(),
            begun: Instant::now(),
            ended: false,
        }
    }

    /// Takes what a plugin tells of a call of its own.
    pub(super) fn told(&self, failed: &CallFailed, trace: Option<Trace>) {
        let verb = verb(&failed.verb);
        let plugin = PLUGINS.iter().find(|known| **known == failed.plugin);
        let labels = [
            ("verb", verb.into()),
            ("plugin", plugin.map_or("other", |known| *known).into()),
            ("code", code(failed.code)),
        ];
        self.told.get_or_create(&labels).inc();
        let container = failed.container.as_ref().zip(failed.ifname.as_ref());
        let attachment = container.map(|(container, ifname)| Attachment {
            network: clip(failed.network.as_deref().unwrap_or_default(), NAME),
            container: clip(container, NAME),
            ifname: clip(ifname, NAME),
        });
        let (message, details) = (clip(&failed.message, TEXT), clip(&failed.details, TEXT));
        let known = self.remember(FailedCall {
            at: now(),
            trace: trace.map(|trace| trace.id()),
            verb: verb.to_owned(),
            plugin: Some(clip(&failed.plugin, NAME)),
            method: None,
            attachment: attachment.clone(),
            code: failed.code,
            message: message.clone(),
            details: details.clone(),
        });
        let span = span("call.failed", trace, attachment.as_ref());
        let _entered = span.enter();
        let plugin = clip(&failed.plugin, NAME);
        match known {
            // What led to it was said when it was refused.
            true => debug!(code = failed.code, "{plugin} failed ({verb}): {message}"),
            false if details.is_empty() => {
                warn!(code = failed.code, "{plugin} failed ({verb}): {message}");
            }
            false => {
                warn!(
                    code = failed.code,
                    "{plugin} failed ({verb}): {message}; {details}"
                );
            }
        }
    }

    /// The last ones that failed, the newest last.
    pub(super) fn failed(&self) -> Vec<FailedCall> {
        self.kept().iter().cloned().collect()
    }

    /// One failure a call: what the daemon refused and what the plugin made of it are one. True: there was one.
    fn remember(&self, mut failed: FailedCall) -> bool {
        let mut kept = self.kept();
        let same = |one: &FailedCall| {
            let other = one.attachment.is_some() && failed.attachment.is_some();
            failed.trace.is_some()
                && one.trace == failed.trace
                && one.verb == failed.verb
                && !(other && one.attachment != failed.attachment)
        };
        let known = kept.iter().rposition(same).and_then(|at| kept.remove(at));
        let was = known.is_some();
        if let Some(known) = known {
            failed.plugin = failed.plugin.or(known.plugin);
            failed.method = failed.method.or(known.method);
            failed.attachment = failed.attachment.or(known.attachment);
        }
        kept.push_back(failed);
        if kept.len() > KEPT {
            kept.pop_front();
        }
        was
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<FailedCall>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a scrape.
    pub(crate) fn show(&self, page: &mut Page) {
        page.keep(names::REQUESTS, self.answered.clone());
        page.keep(names::REQUEST_SECONDS, self.took.clone());
        page.keep(names::ABANDONED, self.abandoned.clone());
        page.keep(names::PLUGIN_FAILURES, self.told.clone());
        page.keep(names::REQUESTS_NOW, self.now.clone());
    }
}

impl Call<'_> {
    /// What its lines in the log are known by.
    pub(super) fn span(&self) -> Span {
        span(self.method, self.trace, self.attachment.as_ref())
    }

    /// It was answered, by an error or by none.
    pub(super) fn end(mut self, refused: Option<&ErrorBody>) {
        self.ended = true;
        let (verb, method) = (self.part.name(), self.method);
        let labels = [
            ("verb", verb.into()),
            ("method", method.into()),
            ("code", code(refused.map_or(0, |error| error.code))),
        ];
        self.calls.answered.get_or_create(&labels).inc();
        let took = self.begun.elapsed();
        if self.part != Part::Other {
            let labels = [("verb", verb.into()), ("method", method.into())];
            let timed = self.calls.took.get_or_create(&labels);
            timed.observe(took.as_secs_f64());
        }
        match (refused, self.part) {
            (None, _) => debug!("done in {took:?}"),
            // Asked by the runtime every few seconds, or seen by whoever asked.
            (Some(error), Part::Status | Part::Other) => {
                debug!(code = error.code, "refused: {error}");
            }
            (Some(error), _) => {
                warn!(code = error.code, "refused: {error}");
                self.calls.remember(FailedCall {
                    at: now(),
                    trace: self.trace.map(|trace| trace.id()),
                    verb: verb.to_owned(),
                    plugin: None,
                    method: Some(method.to_owned()),
                    attachment: self.attachment.take(),
                    code: error.code,
                    message: clip(&error.message, TEXT),
                    details: clip(&error.details, TEXT),
                });
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.now.dec();
        if !self.ended {
            debug!("whoever asked has gone");
            let labels = [
                ("verb", self.part.name().into()),
                ("method", self.method.into()),
            ];
            self.calls.abandoned.get_or_create(&labels).inc();
        }
    }
}

fn span(method: &'static str, trace: Option<Trace>, attachment: Option<&Attachment>) -> Span {
    info_span!(
        "call",
        method,
        trace = trace::field(trace),
        network = attachment.map(|of| of.network.as_str()),
        container = attachment.map(|of| of.container.as_str()),
        ifname = attachment.map(|of| of.ifname.as_str()),
    )
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// One of those that there are.
fn verb(text: &str) -> &'static str {
    let all = [Part::Add, Part::Del, Part::Check, Part::Gc, Part::Status];
    let known = all.into_iter().find(|part| part.name() == text);
    known.unwrap_or(Part::Other).name()
}

/// Delegates may answer with any number.
fn code(number: u32) -> Cow<'static, str> {
    let known = number == 0 || Code::ALL.iter().any(|(known, ..)| *known == number);
    match known {
        true => number.to_string().into(),
        false => "other".into(),
    }
}

fn clip(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
