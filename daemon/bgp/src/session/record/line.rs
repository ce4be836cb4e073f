//! Lines of a record.

use crate::message::{Message, Update};
use crate::session::config::Invalid;
use crate::session::{Connection, Families, Input, Text, words};
use crate::{Family, Time};
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Anything that has no message.
    Input(Box<Input>),
    /// Bytes of a message that came: whole, or what could not be read.
    Frame(Connection, Vec<u8>),
    /// Bytes of an UPDATE that the table told.
    Tell(Vec<u8>),
}

/// Why a line is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALine {
    /// It begins with a time.
    #[error("{0:?} is no time: SECONDS.NANOSECONDS is wanted")]
    Time(String),
    /// Then comes what happened.
    #[error("{0:?} is nothing that happens to a session")]
    Operation(String),
    /// Then what it happened to.
    #[error("{found:?} is no {wanted}")]
    Word {
        /// What is there.
        found: String,
        /// What should be.
        wanted: &'static str,
    },
    /// What a session answered stands below what it was told.
    #[error("nothing happened that this could be the answer to")]
    Unasked,
    /// A recording begins with the neighbour that it is of.
    #[error("{0} is wanted here")]
    Missing(&'static str),
    /// Such a neighbour cannot be.
    #[error("there can be no such neighbour: {0}")]
    Neighbour(#[from] Invalid),
}

/// A moment, as lines have it.
pub(super) struct Moment(pub(super) Time);

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.0 - Time::default();
        write!(f, "{}.{:09}", at.as_secs(), at.subsec_nanos())
    }
}

/// The families, as lines have them.
pub(super) fn names(families: Families) -> String {
    let all: Vec<_> = families.iter().map(|family| family.to_string()).collect();
    match all.is_empty() {
        true => "-".to_owned(),
        false => all.join(","),
    }
}

/// The line of what was read from one.
pub(super) fn again(at: Time, step: &Step) -> String {
    match step {
        Step::Input(input) => line(at, input, &[]),
        Step::Frame(id, bytes) => line(at, &Input::Received(*id, Message::Keepalive), bytes),
        Step::Tell(bytes) => line(at, &Input::Tell(Update::default()), bytes),
    }
}

/// The line of an input. `bytes` are those of its message, where it has one.
pub fn line(at: Time, input: &Input, bytes: &[u8]) -> String {
    let rest = match input {
        Input::Start { restarted: None } => "start -".to_owned(),
        Input::Start {
            restarted: Some(kept),
        } => format!("start restarted {}", names(*kept)),
        Input::Stop { reason, text } => {
            format!("stop {} {}", *reason as u8, Escaped(text.as_str()))
        }
        Input::Connected(id) => format!("connected {id}"),
        Input::ConnectFailed(id, why) => format!("failed {id} {}", Escaped(why)),
        Input::Closed(id, why) => format!("closed {id} {}", Escaped(why)),
        Input::Received(id, _) | Input::Malformed(id, _) => format!("frame {id} {}", Hex(bytes)),
        Input::Tick => "tick".to_owned(),
        Input::Tell(_) => format!("tell {}", Hex(bytes)),
        Input::Wrote(id, updates) => format!("wrote {id} {updates}"),
        Input::Told(family) => format!("told {family}"),
        Input::Refresh(family) => format!("refresh {family}"),
        Input::Prefixes(family, prefixes) => format!("prefixes {family} {prefixes}"),
        Input::Blocked(id) => format!("blocked {id}"),
        Input::Flowing(id) => format!("flowing {id}"),
    };
    format!("{} {rest}", Moment(at))
}

/// What a line says, and when it happened.
///
/// # Errors
/// Where it says nothing.
pub fn parse(line: &str) -> Result<(Time, Step), NotALine> {
    let (at, rest) = line.split_once(' ').unwrap_or((line, ""));
    let at = time(at).ok_or_else(|| NotALine::Time(at.to_owned()))?;
    let (operation, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (first, last) = rest.split_once(' ').unwrap_or((rest, ""));
    let input = match operation {
        "start" => start(first, last)?,
        "stop" => Input::Stop {
            reason: number::<u8>(first)
                .ok()
                .and_then(words::cease_of)
                .ok_or_else(|| bad(first, "subcode of Cease"))?,
            text: Text::from(plain(last).as_str()),
        },
        "connected" => Input::Connected(connection(first)?),
        "failed" => Input::ConnectFailed(connection(first)?, plain(last)),
        "closed" => Input::Closed(connection(first)?, plain(last)),
        "frame" => return Ok((at, Step::Frame(connection(first)?, bytes(last)?))),
        "tick" => Input::Tick,
        "tell" => return Ok((at, Step::Tell(bytes(first)?))),
        "wrote" => Input::Wrote(connection(first)?, number(last)?),
        "told" => Input::Told(family(first)?),
        "refresh" => Input::Refresh(family(first)?),
        "prefixes" => Input::Prefixes(family(first)?, number(last)?),
        "blocked" => Input::Blocked(connection(first)?),
        "flowing" => Input::Flowing(connection(first)?),
        other => return Err(NotALine::Operation(other.to_owned())),
    };
    Ok((at, Step::Input(Box::new(input))))
}

pub(super) fn bad(found: &str, wanted: &'static str) -> NotALine {
    NotALine::Word {
        found: found.to_owned(),
        wanted,
    }
}

pub(super) fn time(text: &str) -> Option<Time> {
    let (seconds, nanos) = text.split_once('.')?;
    let nanos = Some(nanos).filter(|nanos| nanos.len() == 9)?.parse().ok()?;
    let seconds = seconds.parse().ok()?;
    (nanos < 1_000_000_000).then(|| Time::after(Duration::new(seconds, nanos)))
}

fn start(first: &str, last: &str) -> Result<Input, NotALine> {
    let restarted = match first {
        "-" => None,
        "restarted" => {
            let names = last.split(',').filter(|name| *name != "-");
            Some(names.map(family).collect::<Result<Families, _>>()?)
        }
        other => return Err(bad(other, "kind of start")),
    };
    Ok(Input::Start { restarted })
}

fn connection(text: &str) -> Result<Connection, NotALine> {
    text.parse().map_err(|()| bad(text, "connection"))
}

pub(super) fn family(text: &str) -> Result<Family, NotALine> {
    let mut all = Family::ALL.into_iter();
    all.find(|family| family.to_string() == text)
        .ok_or_else(|| bad(text, "family"))
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, NotALine> {
    text.parse().map_err(|_| bad(text, "number"))
}

pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, NotALine> {
    let refuse = || bad(text, "row of hexadecimal bytes");
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.ok_or_else(refuse)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    match rest.is_empty() {
        true => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        false => Err(refuse()),
    }
}

/// Without what ends a line.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            c => f.write_char(c),
        })
    }
}

fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => {}
            },
            c => plain.push(c),
        }
    }
    plain
}
