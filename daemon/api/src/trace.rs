//! What a call is known by, in the plugin, in the daemon and in what it has the store do: W3C Trace Context.
//!
//! A runtime that traces hands its context to the plugin in `TRACEPARENT`; else the plugin begins a trace of its own, so
//! that each call has an id. It goes along with each request, and is in the log of whoever had a part in it. What cannot
//! be read is ignored, as the specification has it: a trace is never a reason to refuse something.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher as _, Hasher as _},
};

/// The variable that a runtime says it in.
pub const TRACE_VARIABLE: &str = "TRACEPARENT";

/// `traceparent` of W3C Trace Context.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trace {
    /// Never 0.
    id: u128,
    /// Who calls; never 0.
    parent: u64,
    flags: u8,
}

impl Trace {
    /// Reads a `traceparent` (section 3.2); none where it is malformed. What a later version adds is passed over.
    pub fn parse(text: &str) -> Option<Trace> {
        let (version, rest) = text.split_once('-')?;
        let version = hex::<2>(version)?;
        let (id, rest) = rest.split_once('-')?;
        let (parent, rest) = rest.split_once('-')?;
        let (flags, more) = match rest.split_once('-') {
            Some((flags, _)) => (flags, true),
            None => (rest, false),
        };
        let trace = Trace {
            id: hex::<32>(id)?,
            parent: u64::try_from(hex::<16>(parent)?).ok()?,
            flags: u8::try_from(hex::<2>(flags)?).ok()?,
        };
        let sound = version != 0xff && !(version == 0 && more);
        (sound && trace.id != 0 && trace.parent != 0).then_some(trace)
    }

    /// That of a call which somebody with this context makes; without one, the first of a trace of its own, which nobody
    /// has sampled.
    pub fn of_call(context: Option<Trace>) -> Trace {
        let [parent, high, low] = [(); 3].map(|()| random());
        match context {
            Some(context) => Trace { parent, ..context },
            None => Trace {
                id: (u128::from(high) << 64) | u128::from(low),
                parent,
                flags: 0,
            },
        }
    }

    /// What is searched for: 32 digits.
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }
}

/// Lower case only, and of that length.
fn hex<const N: usize>(text: &str) -> Option<u128> {
    let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    let sound = text.len() == N && text.bytes().all(digit);
    sound.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Not 0. As good as it needs to be: two calls must not have the same by chance.
fn random() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trace { id, parent, flags } = self;
        write!(f, "00-{id:032x}-{parent:016x}-{flags:02x}")
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For `deserialize_with`: whatever is no trace is none.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Trace>, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(value.as_str().and_then(Trace::parse))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_and_written() {
        let trace = Trace::parse(GOOD).unwrap();
        assert_eq!(trace.to_string(), GOOD);
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        // A later version may say more, behind a dash.
        let later = GOOD.replacen("00", "cc", 1);
        assert_eq!(Trace::parse(&later), Some(trace));
        assert_eq!(Trace::parse(&format!("{later}-what-ever")), Some(trace));
    }

    #[test]
    fn what_is_malformed_is_none() {
        let zeroes = "0".repeat(32);
        for text in [
            "",
            "00",
            "junk",
            &GOOD.to_uppercase(),
            &GOOD[1..],
            &GOOD[..54],
            &format!("{GOOD}1"),
            &format!("{GOOD}-more"),
            &format!(" {GOOD}"),
            &format!("{GOOD}\n"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replacen("00", "0x", 1),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeroes),
            &GOOD.replace("00f067aa0ba902b7", &zeroes[..16]),
            &GOOD.replace("4bf9", "4bé"),
            &GOOD.replace("4bf9", "+bf9"),
            &format!("cc{}1", &GOOD[2..]),
        ] {
            assert_eq!(Trace::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_call_has_its_caller_s_trace_or_one_of_its_own() {
        let context = Trace::parse(GOOD).unwrap();
        let call = Trace::of_call(Some(context));
        assert_eq!((call.id, call.flags), (context.id, context.flags));
        assert_ne!(call.parent, context.parent);
        let [one, other] = [Trace::of_call(None), Trace::of_call(None)];
        assert!(one.id != other.id && one.parent != other.parent);
        assert_eq!(Trace::parse(&one.to_string()), Some(one));
    }

    proptest! {
        #[test]
        fn any_text_is_a_context_or_none(text in "\\PC{0,80}|[0-9a-f-]{50,60}") {
            if let Some(trace) = Trace::parse(&text) {
                prop_assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
                prop_assert!(text.contains(&trace.id()));
            }
        }

        #[test]
        fn each_context_is_read_back(id in 1u128.., parent in 1u64.., flags: u8) {
            let trace = Trace { id, parent, flags };
            prop_assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
        }
    }
}
