//! Codes, subcodes and names of what a NOTIFICATION can say.

use super::{
    Cease, HeaderError, Notification, OpenError, Reason, RefreshError, StateError, UpdateError,
};
use std::fmt;

/// Subcode, what it means here, and its name in IANA's registry.
type Row = (u8, Reason, &'static str);

const HEADER: u8 = 1;
const OPEN: u8 = 2;
const UPDATE: u8 = 3;
const HOLD_TIMER: u8 = 4;
const STATE: u8 = 5;
const CEASE: u8 = 6;
const REFRESH: u8 = 7;

macro_rules! rows {
    ($kind:path, $of:ident: $($what:ident $name:literal),+ $(,)?) => {
        &[$(($of::$what as u8, $kind($of::$what), $name)),+]
    };
}

const HEADERS: &[Row] = rows!(Reason::Header, HeaderError:
    NotSynchronized "Connection Not Synchronized",
    BadLength "Bad Message Length",
    BadType "Bad Message Type",
);
const OPENS: &[Row] = rows!(Reason::Open, OpenError:
    Unspecific "Unspecific",
    Version "Unsupported Version Number",
    PeerAs "Bad Peer AS",
    RouterId "Bad BGP Identifier",
    Parameter "Unsupported Optional Parameter",
    HoldTime "Unacceptable Hold Time",
    Capability "Unsupported Capability",
    Role "Role Mismatch",
);
const UPDATES: &[Row] = rows!(Reason::Update, UpdateError:
    Unspecific "Unspecific",
    AttributeList "Malformed Attribute List",
    UnknownWellKnown "Unrecognized Well-known Attribute",
    MissingWellKnown "Missing Well-known Attribute",
    AttributeFlags "Attribute Flags Error",
    AttributeLength "Attribute Length Error",
    Origin "Invalid ORIGIN Attribute",
    NextHop "Invalid NEXT_HOP Attribute",
    OptionalAttribute "Optional Attribute Error",
    NetworkField "Invalid Network Field",
    AsPath "Malformed AS_PATH",
);
const STATES: &[Row] = rows!(Reason::State, StateError:
    Unspecific "Unspecific",
    OpenSent "Receive Unexpected Message in OpenSent State",
    OpenConfirm "Receive Unexpected Message in OpenConfirm State",
    Established "Receive Unexpected Message in Established State",
);
const CEASES: &[Row] = rows!(Reason::Cease, Cease:
    Unspecific "Unspecific",
    MaximumPrefixes "Maximum Number of Prefixes Reached",
    Shutdown "Administrative Shutdown",
    Deconfigured "Peer De-configured",
    Reset "Administrative Reset",
    Rejected "Connection Rejected",
    ConfigChange "Other Configuration Change",
    Collision "Connection Collision Resolution",
    OutOfResources "Out of Resources",
    HardReset "Hard Reset",
    BfdDown "BFD Down",
);
const REFRESHES: &[Row] = rows!(Reason::Refresh, RefreshError:
    Length "Invalid Message Length",
);

/// The name of a code, and its subcodes.
fn table(code: u8) -> (&'static str, &'static [Row]) {
    match code {
        HEADER => ("Message Header Error", HEADERS),
        OPEN => ("OPEN Message Error", OPENS),
        UPDATE => ("UPDATE Message Error", UPDATES),
        HOLD_TIMER => (
            "Hold Timer Expired",
            &[(0, Reason::HoldTimer, "Unspecific")],
        ),
        STATE => ("Finite State Machine Error", STATES),
        CEASE => ("Cease", CEASES),
        REFRESH => ("ROUTE-REFRESH Message Error", REFRESHES),
        8 => ("Send Hold Timer Expired", &[]),
        _ => ("Unknown Error", &[]),
    }
}

impl Reason {
    /// Of code and subcode.
    pub fn of(code: u8, subcode: u8) -> Reason {
        let (_, rows) = table(code);
        let row = rows.iter().find(|(number, ..)| *number == subcode);
        row.map_or(Reason::Unknown(code, subcode), |(_, reason, _)| *reason)
    }

    /// Code and subcode.
    pub const fn codes(self) -> (u8, u8) {
        match self {
            Reason::Header(error) => (HEADER, error as u8),
            Reason::Open(error) => (OPEN, error as u8),
            Reason::Update(error) => (UPDATE, error as u8),
            Reason::HoldTimer => (HOLD_TIMER, 0),
            Reason::State(error) => (STATE, error as u8),
            Reason::Cease(cease) => (CEASE, cease as u8),
            Reason::Refresh(error) => (REFRESH, error as u8),
            Reason::Unknown(code, subcode) => (code, subcode),
        }
    }
}

/// As the registry names it, with its numbers: `Cease/Administrative Shutdown (6/2)`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, subcode) = self.codes();
        let (name, rows) = table(code);
        f.write_str(name)?;
        match rows.iter().find(|(number, ..)| *number == subcode) {
            Some((0, ..)) | None => {}
            Some((_, _, of)) => write!(f, "/{of}")?,
        }
        write!(f, " ({code}/{subcode})")
    }
}

impl From<Reason> for Notification {
    fn from(reason: Reason) -> Notification {
        Notification::of(reason, &[])
    }
}

impl Notification {
    /// The longest text that goes with a shutdown, in octets (RFC 9003).
    pub const LONGEST_TEXT: usize = 255;

    /// With data.
    pub fn of(reason: Reason, data: &[u8]) -> Notification {
        let data = data.to_vec();
        Notification { reason, data }
    }

    /// An end that somebody wants, with a text for the other side's operator (RFC 9003); what of it is longer than
    /// [`Notification::LONGEST_TEXT`] is cut.
    pub fn with_text(cease: Cease, text: &str) -> Notification {
        let text = &text[..text.floor_char_boundary(Notification::LONGEST_TEXT)];
        let [.., length] = text.len().to_be_bytes();
        Notification {
            reason: Reason::Cease(cease),
            data: [&[length], text.as_bytes()].concat(),
        }
    }

    /// The text that goes with a shutdown or a reset (RFC 9003); none where there is none, or where it is malformed.
    pub fn text(&self) -> Option<&str> {
        let (Reason::Cease(Cease::Shutdown | Cease::Reset), [length, text @ ..]) =
            (self.reason, &self.data[..])
        else {
            return None;
        };
        let text = str::from_utf8(text.get(..usize::from(*length))?).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// The same, meant as the end in spite of graceful restart (RFC 8538).
    #[must_use]
    pub fn as_hard_reset(&self) -> Notification {
        let (code, subcode) = self.reason.codes();
        Notification {
            reason: Reason::Cease(Cease::HardReset),
            data: [&[code, subcode], &self.data[..]].concat(),
        }
    }

    /// What is meant by a hard reset (RFC 8538); none where it is no such thing, or where it says nothing.
    pub fn hard_reset(&self) -> Option<Notification> {
        match (self.reason, &self.data[..]) {
            (Reason::Cease(Cease::HardReset), [code, subcode, data @ ..]) => {
                Some(Notification::of(Reason::of(*code, *subcode), data))
            }
            _ => None,
        }
    }
}

/// The reason, and its text if it has one. A text comes from the other side: what could forge lines or move a terminal's
/// cursor is escaped.
impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(meant) = self.hard_reset() {
            // One within the other is not followed further.
            write!(f, ": {}", meant.reason)?;
            return meant.text().map_or(Ok(()), |text| write!(f, ": {text:?}"));
        }
        self.text().map_or(Ok(()), |text| write!(f, ": {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_there_and_back() {
        let mut known = 0;
        for code in 0..=255 {
            for subcode in 0..=255 {
                let reason = Reason::of(code, subcode);
                assert_eq!(reason.codes(), (code, subcode));
                known += usize::from(!matches!(reason, Reason::Unknown(..)));
            }
        }
        assert_eq!(known, 3 + 8 + 11 + 1 + 4 + 11 + 1);
    }

    #[test]
    fn names() {
        for (code, subcode, name) in [
            (1, 2, "Message Header Error/Bad Message Length (1/2)"),
            (2, 0, "OPEN Message Error (2/0)"),
            (2, 5, "OPEN Message Error (2/5)"),
            (4, 0, "Hold Timer Expired (4/0)"),
            (6, 9, "Cease/Hard Reset (6/9)"),
            (8, 0, "Send Hold Timer Expired (8/0)"),
            (99, 1, "Unknown Error (99/1)"),
        ] {
            assert_eq!(Reason::of(code, subcode).to_string(), name);
        }
    }

    #[test]
    fn a_shutdown_with_a_text() {
        let text = "Wartung bis 12 Uhr – Gruß";
        let shutdown = Notification::with_text(Cease::Shutdown, text);
        assert_eq!(usize::from(shutdown.data[0]), text.len());
        assert_eq!(&shutdown.data[1..], text.as_bytes());
        assert_eq!(shutdown.text(), Some(text));
        let hard = shutdown.as_hard_reset();
        assert_eq!(hard.reason.codes(), (6, 9));
        assert_eq!(hard.data[..2], [6, 2]);
        assert_eq!(hard.hard_reset(), Some(shutdown));
        assert_eq!(
            hard.to_string(),
            format!("Cease/Hard Reset (6/9): Cease/Administrative Shutdown (6/2): {text:?}")
        );
    }

    #[test]
    fn texts_of_others_are_not_trusted() {
        let of = |data: &[u8]| Notification::of(Reason::Cease(Cease::Reset), data);
        assert_eq!(of(b"").text(), None);
        assert_eq!(of(b"\x00").text(), None);
        assert_eq!(of(b"\x03no").text(), None, "cut");
        assert_eq!(of(b"\x02\xFF\xFE").text(), None, "not UTF-8");
        assert_eq!(of(b"\x02no, and more").text(), Some("no"));
        let forged = of(b"\x07a\nb\x1b[2J");
        assert_eq!(
            forged.to_string(),
            r#"Cease/Administrative Reset (6/4): "a\nb\u{1b}[2J""#
        );
        let other = Notification::of(Reason::Cease(Cease::Collision), b"\x02no");
        assert_eq!(other.text(), None, "only a shutdown and a reset have one");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "ß".repeat(200);
        let cut = Notification::with_text(Cease::Reset, &text);
        assert_eq!(cut.data.len(), 255);
        assert_eq!(cut.text(), Some(&text[..254]));
    }

    #[test]
    fn a_hard_reset_that_says_nothing() {
        let hard = Notification::of(Reason::Cease(Cease::HardReset), &[6]);
        assert_eq!(hard.hard_reset(), None);
        assert_eq!(hard.to_string(), "Cease/Hard Reset (6/9)");
    }
}
