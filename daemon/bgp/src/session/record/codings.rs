//! How the bytes of each connection are read and written: as everybody does, and once the session is up as was agreed on.

use super::line::Step;
use crate::message::Message;
use crate::session::{Connection, Input, Output};
use crate::wire::{self, Coding};

/// Follows a session, as whoever has its bytes does.
#[derive(Debug, Clone, Default)]
pub(super) struct Codings(Option<(Connection, Coding)>);

impl Codings {
    pub(super) fn of(&self, id: Connection) -> Coding {
        let up = self.0.filter(|(up, _)| *up == id);
        up.map_or_else(Coding::default, |(_, coding)| coding)
    }

    pub(super) fn follow(&mut self, output: &Output) {
        match output {
            Output::Up(id, agreed) => self.0 = Some((*id, agreed.coding())),
            Output::Down { .. } => self.0 = None,
            _ => {}
        }
    }

    /// What a session is told by a line. None where its bytes are not one message that says something.
    pub(super) fn input(&self, step: &Step) -> Option<Input> {
        match step {
            Step::Input(input) => Some((**input).clone()),
            Step::Frame(id, bytes) => {
                let coding = self.of(*id);
                let read = wire::split(bytes, &coding).and_then(|frame| {
                    frame
                        .filter(|frame| frame.bytes().len() == bytes.len())
                        .map(|frame| wire::read(&frame, &coding))
                        .transpose()
                });
                match read {
                    Ok(read) => Some(Input::Received(*id, read?.message?)),
                    Err(said) => Some(Input::Malformed(*id, said)),
                }
            }
            Step::Tell(bytes) => {
                let coding = self.0.map_or_else(Coding::default, |(_, coding)| coding);
                let frame = wire::split(bytes, &coding).ok()??;
                match wire::read(&frame, &coding).ok()?.message? {
                    Message::Update(update) => Some(Input::Tell(update)),
                    _ => None,
                }
            }
        }
    }
}
