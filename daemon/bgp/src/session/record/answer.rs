//! Lines of what a session answered.

use super::codings::Codings;
use super::line::{Escaped, Hex, names};
use crate::message::{Message, Update};
use crate::session::{Agreed, Output};
use crate::wire::{self, Coding};

/// What an output is in a line, with the bytes of what is to be sent.
pub(super) fn answer(output: &Output, codings: &Codings) -> String {
    match output {
        Output::Connect(id) => format!("connect {id}"),
        Output::Send(id, message) => format!("send {id} {}", sent(message, &codings.of(*id))),
        Output::Close(id) => format!("close {id}"),
        Output::Up(id, agreed) => format!("up {id} {}", words(agreed)),
        Output::Down { why, kept } => {
            format!("down {} {}", names(*kept), Escaped(&why.to_string()))
        }
        Output::Update(update) => format!("update {}", counts(update)),
        Output::MarkStale(family) => format!("mark-stale {family}"),
        Output::DropStale(family) => format!("drop-stale {family}"),
        Output::RefreshWanted(family) => format!("refresh-wanted {family}"),
        Output::Complete(family, why) => format!("complete {family} {why:?}"),
        Output::Event(event) => format!("event {}", Escaped(&event.to_string())),
    }
}

fn sent(message: &Message, coding: &Coding) -> String {
    let mut bytes = Vec::new();
    match wire::write(message, coding, &mut bytes) {
        Ok(()) => Hex(&bytes).to_string(),
        Err(error) => format!("nothing: {error}"),
    }
}

/// Who the neighbour is, the hold time, and the families.
fn words(agreed: &Agreed) -> String {
    let (asn, router) = (agreed.remote.asn, agreed.remote.router);
    let (hold, families) = (agreed.hold_time.seconds(), names(agreed.families()));
    format!("{asn} {router} {hold} {families}")
}

/// Its bytes are in the line that it came by; this is what they were read as.
fn counts(update: &Update) -> String {
    let announced = update.announced.iter().map(|one| one.prefixes.len());
    let (announced, withdrawn) = (announced.sum::<usize>(), update.withdrawn.len());
    match update.end_of_rib {
        Some(family) => format!("+{announced} -{withdrawn} end-of-rib {family}"),
        None => format!("+{announced} -{withdrawn}"),
    }
}
