//! 250 pods through containerd, as a kubelet starts them, by turns of what they have for a network.
//!
//! One daemon for all sides: a pod names the handler whose network it gets. What a start takes is from the request to the
//! answer; what of it is the network's, [`fairway-bench-front`](../../bin/front.rs) notes.

use super::raw::Raw;
use super::sides::{self, Sides};
use super::{AT_A_TIME, PODS, calls, overlay};
use crate::ipam::daemon::Daemon;
use anyhow::{Result, ensure};
use fairway_lab::{Lab, Ns};
use fairway_tests_interop::containerd::{Containerd, Setup};
use fairway_tests_interop::cri::{
    LinuxSandboxSecurityContext, NamespaceOption, PodSandboxConfig, pod,
};
use fairway_tests_interop::host::Host;
use fairway_tests_interop::podman::PAUSE;
use std::time::Instant;

const PART: &str = "start";
/// The node's own network namespace, in the runtime's words.
const NODE: i32 = 2;

/// By turns; before the first round each side starts a few that are not counted, which make what is the node's.
pub(super) fn run(host: &Host, rounds: usize, raw: &mut Raw) -> Result<()> {
    let (lab, node) = (Lab::new()?, Ns::host()?);
    let _far = overlay::underlay(&lab, &node)?;
    let daemon = Daemon::alone(&node, lab.scratch())?;
    overlay::network(&daemon)?;
    let sides = Sides::new(host, lab.scratch())?;
    let setup = Setup {
        image: PAUSE,
        plugins: Some(sides.front.clone()),
        handlers: sides.handlers.clone(),
        env: vec![
            ("FAIRWAY_SOCKET".into(), daemon.socket.clone().into()),
            ("FAIRWAY_STATE_DIR".into(), daemon.state.clone().into()),
            ("FAIRWAY_BENCH_SIDES".into(), sides.folders.clone().into()),
            ("FAIRWAY_BENCH_CALLS".into(), sides.calls.clone().into()),
        ],
        ..Setup::default()
    };
    let containerd = Containerd::with(host, setup)?;
    let wanted = |side: &&str| crate::named("FAIRWAY_BENCH_SIDES", side);
    let wanted: Vec<_> = sides::ALL.into_iter().filter(wanted).collect();
    for round in 0..=rounds {
        for turn in 0..wanted.len() {
            let side = wanted[(round + turn) % wanted.len()];
            let counted = round > 0;
            let pods = if counted { PODS } else { AT_A_TIME };
            let took = one(host, (&containerd, &sides), (side, round, pods))?;
            eprintln!(
                "    {side}: {pods} pods in {:.1} s, gone in {:.1} s",
                took.start, took.end
            );
            if counted {
                took.note(side, raw);
            }
        }
    }
    Ok(())
}

/// One side's turn.
#[derive(Debug)]
struct Took {
    /// Seconds from the first request to the last answer.
    start: f64,
    /// The same of their end.
    end: f64,
    /// Each pod's start, in ms.
    each: Vec<f64>,
    /// ADD of the network's list, in ms.
    add: Vec<f64>,
    /// The time in which any plugin ran for an ADD, in ms.
    any: f64,
    /// CPU time of the plugins, in ms.
    cpu: f64,
}

impl Took {
    fn note(self, side: &str, raw: &mut Raw) {
        raw.note(PART, side, "wall", self.start);
        raw.note(PART, side, "end", self.end);
        if !self.add.is_empty() {
            let all: f64 = self.each.iter().sum();
            raw.note(PART, side, "share", self.any / all * 100.0);
            raw.note(PART, side, "cpu", self.cpu / self.add.len() as f64);
            raw.spread(PART, side, "add", self.add);
        }
        raw.spread(PART, side, "pod", self.each);
    }
}

fn one(
    host: &Host,
    (containerd, sides): (&Containerd<'_>, &Sides),
    (side, round, pods): (&'static str, usize, usize),
) -> Result<Took> {
    calls::forget(&sides.calls)?;
    let handler = if side == sides::HOST { "" } else { side };
    let configs = (0..pods).map(|number| config(host, side, &format!("{round}-{number}")));
    let cri = containerd.cri();
    let begin = Instant::now();
    let started = cri.run_together(configs.collect(), handler, AT_A_TIME)?;
    let start = begin.elapsed().as_secs_f64();
    let attached = calls::attached(&sides.calls)?;
    let networks = if side == sides::HOST { 0 } else { pods };
    ensure!(
        attached.len() == networks && started.len() == pods,
        "{side}: {} of {networks} networks were made for {} of {pods} pods",
        attached.len(),
        started.len(),
    );
    let each = started.iter().map(|one| one.took.as_secs_f64() * 1e3);
    let each = each.collect();
    let begin = Instant::now();
    let ids = started.into_iter().map(|one| one.id).collect();
    cri.end_together(ids, AT_A_TIME)?;
    Ok(Took {
        start,
        end: begin.elapsed().as_secs_f64(),
        each,
        add: attached.values().map(calls::Attached::network).collect(),
        any: attached.values().map(calls::Attached::any).sum(),
        cpu: attached.values().map(|one| one.cpu).sum(),
    })
}

/// The pod's namespace tells the front whose plugins are to be called.
fn config(host: &Host, side: &str, name: &str) -> PodSandboxConfig {
    let mut config = pod(name, &host.cgroup_parent());
    if let Some(metadata) = &mut config.metadata {
        side.clone_into(&mut metadata.namespace);
        metadata.uid = format!("{side}-{name}");
    }
    if side == sides::HOST
        && let Some(linux) = &mut config.linux
    {
        // It would need a namespace of its own.
        config.hostname.clear();
        linux.security_context = Some(LinuxSandboxSecurityContext {
            namespace_options: Some(NamespaceOption { network: NODE }),
        });
    }
    config
}
