//! `flows --follow`: each flow as it comes.
//!
//! The daemon holds a question until there is an answer (a long poll), so a flow is shown as soon as it is
//! told. The daemon may be restarted meanwhile: that is said once, and it goes on with what the new one has.
//! Where whoever reads is gone, that shows only in writing; on a quiet node nothing is written, so the pipe
//! is looked at between two questions.

use crate::{
    document::Document,
    error::NetctlError,
    output::{self, Format},
    terminal::Screen,
    verbs::{line, missed},
    watch,
};
use fairway_api::{
    Client, ClientError, Method,
    admin::{Flow, FlowList, Flows},
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
    time::{Duration, Instant},
};

/// How long the daemon may hold a question. Not longer: the pipe is to be looked at.
const HOLD: Duration = Duration::from_secs(2);
/// A daemon that answers at once with nothing is not asked without a pause.
const PAUSE: Duration = Duration::from_millis(200);

struct Follow {
    format: Format,
    drops: bool,
    after: Option<u64>,
    /// When the last flow was.
    shown: u64,
    /// The connection is another than the one before: what is shown already may come again.
    anew: bool,
}

/// Shows until it is interrupted; ends by itself only where nobody reads, or the daemon was never there or
/// refuses.
pub(crate) fn follow(drops: bool, socket: &Path, format: Format) -> Result<u8, NetctlError> {
    let mut client = Some(watch::connect(socket)?);
    let mut said = String::new();
    let mut follow = Follow {
        format,
        drops,
        after: None,
        shown: 0,
        anew: false,
    };
    while is_read() {
        let begun = Instant::now();
        let answer = match client.take() {
            Some(client) => Ok(client),
            None => watch::connect(socket),
        }
        .and_then(|mut connected| {
            let answer = follow.ask(&mut connected)?;
            client = Some(connected);
            Ok(answer)
        });
        match answer {
            Ok(flows) => {
                said.clear();
                let none = flows.flows.is_empty();
                follow.show(flows)?;
                if none && begun.elapsed() < PAUSE {
                    watch::pause(PAUSE);
                }
            }
            Err(ClientError::Refused(body)) => return Err(ClientError::Refused(body).into()),
            Err(error) => {
                follow.after = None;
                follow.anew = true;
                let text = NetctlError::Daemon(error).shown();
                if text != said {
                    // Where nobody hears it, it goes on all the same.
                    let _ = writeln!(io::stderr(), "{text}");
                    said = text;
                }
                watch::pause(watch::EVERY);
            }
        }
    }
    Ok(0)
}

impl Follow {
    fn ask(&self, client: &mut Client) -> Result<Flows, ClientError> {
        client.call(Method::FlowList(FlowList {
            after: self.after,
            drops: self.drops,
            wait_ms: u64::try_from(HOLD.as_millis()).unwrap_or(u64::MAX),
        }))
    }

    fn show(&mut self, flows: Flows) -> Result<(), NetctlError> {
        if flows.missed > 0 {
            let _ = writeln!(io::stderr(), "netctl: {}", missed(flows.missed));
        }
        let screen = Screen::of_stdout();
        let mut text = String::new();
        for flow in &flows.flows {
            if !self.anew || flow.at > self.shown {
                text.push_str(&self.text(flow, &screen)?);
            }
        }
        self.shown = flows
            .flows
            .iter()
            .map(|flow| flow.at)
            .fold(self.shown, u64::max);
        self.after = Some(flows.next);
        self.anew = false;
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(NetctlError::Output)
    }

    fn text(&self, flow: &Flow, screen: &Screen) -> Result<String, NetctlError> {
        match self.format {
            Format::Table => Ok(line(flow, screen.colour) + "\n"),
            Format::Json | Format::Yaml => {
                output::one_of_many(flow as &dyn Document, self.format, screen)
            }
        }
    }
}

/// Does somebody read standard output? Where that cannot be known, yes.
fn is_read() -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    match poll(&mut fds, PollTimeout::ZERO) {
        Ok(_) => !fds[0]
            .revents()
            .is_some_and(|found| found.contains(PollFlags::POLLERR)),
        Err(_) => true,
    }
}
