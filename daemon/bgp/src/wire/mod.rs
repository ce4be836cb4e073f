//! Bytes (RFC 4271, 4; and the RFCs named below).
//!
//! ```text
//! buffer ─split→ Frame ─read→ Message, Faults        Message ─write→ buffer
//!                                Attributes ─Encoded::new→ Encoded ─announce→ buffer
//! ```
//!
//! - [`Coding`] is what both sides agreed on as far as bytes go.
//! - [`split`] takes whole messages off the front of a buffer and judges their headers (RFC 4271, 6.1; 8654).
//! - [`read`] makes a message of one. An UPDATE's errors have the treatment that RFC 7606 gives each: the end of the
//!   session (an `Err`, which is the NOTIFICATION to be sent), routes that are taken as withdrawn, or an attribute that
//!   is left out (both a [`Fault`] beside the message). Where it allows a family to be disabled instead, the session
//!   ends.
//! - [`write()`] makes bytes of a message; [`announce`], [`withdraw`] and [`end_of_rib`] do so for many prefixes, with
//!   attributes that were encoded once. No message that they make is longer than the neighbour takes it.
//!
//! What is no matter of bytes is left to others: whether the first AS of a path is the neighbour's, whether a next hop is
//! one's own, what a prefix is good for.

mod code;
mod coding;
mod cursor;
mod encode;
mod fault;
mod frame;
mod nlri;
mod notification;
mod open;
mod path;
mod refresh;
mod update;
mod write;

pub use coding::Coding;
pub use encode::{Encoded, announce, end_of_rib, withdraw};
pub use fault::{Fault, Field, Treatment, Wrong};
pub use frame::{Frame, HEADER, LONGEST, LONGEST_EXTENDED, split};
pub use write::{Unwritable, write};

use crate::message::{Kind, Message, Notification};

/// What came of a message's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What was said; none where it is to be ignored: a ROUTE-REFRESH of a family or a subtype that is not known here.
    pub message: Option<Message>,
    /// What was wrong with it and could be borne. Only an UPDATE has any.
    pub faults: Vec<Fault>,
}

/// Makes a message of its bytes.
///
/// # Errors
/// With what is to be sent before the connection ends.
pub fn read(frame: &Frame<'_>, coding: &Coding) -> Result<Read, Notification> {
    let mut faults = Vec::new();
    let message = match frame.kind() {
        Kind::Open => Some(Message::Open(open::read(frame.body())?)),
        Kind::Update => {
            let update = update::read(frame.body(), coding, &mut faults)?;
            Some(Message::Update(update))
        }
        Kind::Notification => Some(Message::Notification(notification::read(frame.body()))),
        Kind::Keepalive => Some(Message::Keepalive),
        Kind::Refresh => refresh::read(frame, coding)?.map(Message::Refresh),
    };
    Ok(Read { message, faults })
}
