//! What is wanted of the speaker.

use super::Core;
use crate::speaker::Command;
use fairway_bgp::message::Cease;
use fairway_bgp::session::{Input, Text};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::sleep;

/// For neighbours to hear that this was the end.
pub(super) const FAREWELL: Duration = Duration::from_millis(500);

impl Core {
    pub(super) fn obey(&mut self, command: Command) {
        // Who asked and went away needs no answer.
        match command {
            Command::Configure(config) => self.configure(config),
            Command::Originate(source, prefix, attributes) => {
                self.table.originate(source, prefix, *attributes);
            }
            Command::Retract(source, prefix) => self.table.retract(source, prefix),
            Command::Drain(drain) => self.table.drain(drain),
            Command::ResolveAnew => self.table.resolve_anew(),
            Command::Reset(address) => {
                let (reason, text) = (Cease::Reset, Text::default());
                self.handle(address, Input::Stop { reason, text });
                self.handle(address, Input::Start { restarted: None });
            }
            Command::Refresh(address, family) => {
                self.handle(address, Input::Refresh(family));
                let id = self.peers.get(&address).and_then(|peer| peer.id);
                if let Some(id) = id {
                    self.table.refresh(id, family);
                }
            }
            Command::Status(answer) => drop(answer.send(self.status())),
            Command::Listening(answer) => drop(answer.send(self.listeners.all())),
            Command::List(which, answer) => drop(answer.send(self.list(which))),
            Command::Explain(some, answer) => drop(answer.send(self.explain(some))),
            // Whoever reads commands ends then.
            Command::Leave => {}
            Command::Why(prefix, answer) => drop(answer.send(self.table.why(prefix))),
        }
    }

    /// All sessions end, and neighbours are told.
    pub(super) async fn farewell(&mut self) {
        let all: Vec<IpAddr> = self.peers.keys().copied().collect();
        for address in all {
            self.end(address, Cease::Shutdown);
        }
        sleep(FAREWELL).await;
    }
}
