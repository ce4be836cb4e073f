//! What NOTIFICATIONs say, as numbers and as the RFCs' names.

use super::Text;
use crate::message::{
    Cease, HeaderError, Notification, OpenError, Reason, RefreshError, StateError, UpdateError,
};

/// Code and subcode.
pub(super) fn code(reason: Reason) -> (u8, u8) {
    match reason {
        Reason::Header(error) => (1, error as u8),
        Reason::Open(error) => (2, error as u8),
        Reason::Update(error) => (3, error as u8),
        Reason::HoldTimer => (4, 0),
        Reason::State(error) => (5, error as u8),
        Reason::Cease(cease) => (6, cease as u8),
        Reason::Refresh(error) => (7, error as u8),
        Reason::Unknown(code, subcode) => (code, subcode),
    }
}

/// Of a subcode of Cease.
pub(super) fn cease_of(subcode: u8) -> Option<Cease> {
    let all = [
        Cease::Unspecific,
        Cease::MaximumPrefixes,
        Cease::Shutdown,
        Cease::Deconfigured,
        Cease::Reset,
        Cease::Rejected,
        Cease::ConfigChange,
        Cease::Collision,
        Cease::OutOfResources,
        Cease::HardReset,
        Cease::BfdDown,
    ];
    all.into_iter().find(|cease| *cease as u8 == subcode)
}

fn cease(cease: Cease) -> &'static str {
    match cease {
        Cease::Unspecific => "Cease",
        Cease::MaximumPrefixes => "Cease, Maximum Number of Prefixes Reached",
        Cease::Shutdown => "Cease, Administrative Shutdown",
        Cease::Deconfigured => "Cease, Peer De-configured",
        Cease::Reset => "Cease, Administrative Reset",
        Cease::Rejected => "Cease, Connection Rejected",
        Cease::ConfigChange => "Cease, Other Configuration Change",
        Cease::Collision => "Cease, Connection Collision Resolution",
        Cease::OutOfResources => "Cease, Out of Resources",
        Cease::HardReset => "Cease, Hard Reset",
        Cease::BfdDown => "Cease, BFD Down",
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Header(HeaderError::NotSynchronized) => {
            "Message Header Error, Connection Not Synchronized"
        }
        Reason::Header(HeaderError::BadLength) => "Message Header Error, Bad Message Length",
        Reason::Header(HeaderError::BadType) => "Message Header Error, Bad Message Type",
        Reason::Open(OpenError::Unspecific) => "OPEN Message Error",
        Reason::Open(OpenError::Version) => "OPEN Message Error, Unsupported Version Number",
        Reason::Open(OpenError::PeerAs) => "OPEN Message Error, Bad Peer AS",
        Reason::Open(OpenError::RouterId) => "OPEN Message Error, Bad BGP Identifier",
        Reason::Open(OpenError::Parameter) => "OPEN Message Error, Unsupported Optional Parameter",
        Reason::Open(OpenError::HoldTime) => "OPEN Message Error, Unacceptable Hold Time",
        Reason::Open(OpenError::Capability) => "OPEN Message Error, Unsupported Capability",
        Reason::Open(OpenError::Role) => "OPEN Message Error, Role Mismatch",
        Reason::Update(UpdateError::Unspecific) => "UPDATE Message Error",
        Reason::Update(UpdateError::AttributeList) => {
            "UPDATE Message Error, Malformed Attribute List"
        }
        Reason::Update(UpdateError::UnknownWellKnown) => {
            "UPDATE Message Error, Unrecognized Well-known Attribute"
        }
        Reason::Update(UpdateError::MissingWellKnown) => {
            "UPDATE Message Error, Missing Well-known Attribute"
        }
        Reason::Update(UpdateError::AttributeFlags) => {
            "UPDATE Message Error, Attribute Flags Error"
        }
        Reason::Update(UpdateError::AttributeLength) => {
            "UPDATE Message Error, Attribute Length Error"
        }
        Reason::Update(UpdateError::Origin) => "UPDATE Message Error, Invalid ORIGIN Attribute",
        Reason::Update(UpdateError::NextHop) => "UPDATE Message Error, Invalid NEXT_HOP Attribute",
        Reason::Update(UpdateError::OptionalAttribute) => {
            "UPDATE Message Error, Optional Attribute Error"
        }
        Reason::Update(UpdateError::NetworkField) => "UPDATE Message Error, Invalid Network Field",
        Reason::Update(UpdateError::AsPath) => "UPDATE Message Error, Malformed AS_PATH",
        Reason::HoldTimer => "Hold Timer Expired",
        Reason::State(StateError::Unspecific) => "Finite State Machine Error",
        Reason::State(StateError::OpenSent) => "Unexpected Message in OpenSent State",
        Reason::State(StateError::OpenConfirm) => "Unexpected Message in OpenConfirm State",
        Reason::State(StateError::Established) => "Unexpected Message in Established State",
        Reason::Cease(subcode) => cease(subcode),
        Reason::Refresh(RefreshError::Length) => {
            "ROUTE-REFRESH Message Error, Invalid Message Length"
        }
        Reason::Unknown(..) => "an error that is not known here",
    }
}

/// In words, with the text that the other operator sent. Of a hard reset, what is meant by it.
pub(super) fn notification(said: &Notification) -> String {
    if let (Reason::Cease(Cease::HardReset), [6, subcode, data @ ..]) =
        (said.reason, said.data.as_slice())
        && let Some(meant) = cease_of(*subcode).filter(|cease| *cease != Cease::HardReset)
    {
        let meant = notification(&Notification {
            reason: Reason::Cease(meant),
            data: data.to_vec(),
        });
        return format!("{meant} (Hard Reset)");
    }
    let name = reason(said.reason);
    match said.reason {
        Reason::Unknown(code, subcode) => format!("{name} ({code}/{subcode})"),
        Reason::Cease(Cease::Shutdown | Cease::Reset) => match Text::of_data(&said.data) {
            Some(text) => format!("{name}: {:?}", text.as_str()),
            None => name.to_owned(),
        },
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operators_say_to_each_other_is_shown() {
        let say = |reason, data: &[u8]| {
            notification(&Notification {
                reason,
                data: data.to_vec(),
            })
        };
        let shutdown = Reason::Cease(Cease::Shutdown);
        let hard = Reason::Cease(Cease::HardReset);
        for (said, words) in [
            (
                say(shutdown, b"\x02hi"),
                "Cease, Administrative Shutdown: \"hi\"",
            ),
            (say(shutdown, b"\x09hi"), "Cease, Administrative Shutdown"),
            (
                say(hard, b"\x06\x02\x02hi"),
                "Cease, Administrative Shutdown: \"hi\" (Hard Reset)",
            ),
            (say(hard, b""), "Cease, Hard Reset"),
            // It does not hold itself.
            (say(hard, b"\x06\x09\x06\x09"), "Cease, Hard Reset"),
            (
                say(Reason::Unknown(9, 1), b""),
                "an error that is not known here (9/1)",
            ),
        ] {
            assert_eq!(said, words);
        }
    }

    #[test]
    fn codes_are_those_of_the_rfcs() {
        for (reason, numbers) in [
            (Reason::Header(HeaderError::BadType), (1, 3)),
            (Reason::Open(OpenError::Capability), (2, 7)),
            (Reason::Update(UpdateError::AsPath), (3, 11)),
            (Reason::HoldTimer, (4, 0)),
            (Reason::State(StateError::OpenConfirm), (5, 2)),
            (Reason::Cease(Cease::HardReset), (6, 9)),
            (Reason::Refresh(RefreshError::Length), (7, 1)),
            (Reason::Unknown(8, 3), (8, 3)),
        ] {
            assert_eq!(code(reason), numbers);
        }
        assert_eq!(cease_of(7), Some(Cease::Collision));
        assert_eq!(cease_of(11), None);
    }
}
