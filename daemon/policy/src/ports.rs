//! Port ranges as prefixes, and what several rules say of a port as one table.
//!
//! The kernel looks for the longest prefix of a port that is in the table. Each rule's range is cut into
//! prefixes; whatever rule covers a port has a prefix that is an ancestor of (or is) the longest one there,
//! so that one's value, the best rule of all its ancestors, is right.

use crate::{
    input::{Decision, PortPrefix, Side},
    spec::{NamedPort, Ports, Protocol},
};
use std::sync::{Arc, LazyLock};

/// Ports of one protocol; `None`: protocols that have none that policies could name, all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// Every port of every protocol.
pub(crate) static EVERYTHING: LazyLock<Arc<[Span]>> = LazyLock::new(|| {
    [
        None,
        Some(Protocol::Tcp),
        Some(Protocol::Udp),
        Some(Protocol::Sctp),
    ]
    .map(|protocol| Span {
        protocol,
        first: 0,
        last: if protocol.is_some() { u16::MAX } else { 0 },
    })
    .into()
});

/// What is said of ports, but for those with names.
pub(crate) fn fixed(ports: &[Ports]) -> impl Iterator<Item = Span> + '_ {
    ports.iter().filter_map(|port| {
        let (protocol, first, last) = match *port {
            Ports::All(protocol) => (protocol, 0, u16::MAX),
            Ports::Range(protocol, first, last) => (protocol, first, last),
            Ports::Named(..) => return None,
        };
        Some(Span {
            protocol: Some(protocol),
            first,
            last,
        })
    })
}

/// What the names among `ports` mean to somebody who has `owned`.
pub(crate) fn named<'a>(
    ports: &'a [Ports],
    owned: &'a [NamedPort],
) -> impl Iterator<Item = Span> + 'a {
    ports.iter().flat_map(move |port| {
        owned.iter().filter_map(move |own| match port {
            Ports::Named(protocol, name)
                if *name == own.name && protocol.is_none_or(|want| want == own.protocol) =>
            {
                Some(Span {
                    protocol: Some(own.protocol),
                    first: own.port,
                    last: own.port,
                })
            }
            _ => None,
        })
    })
}

/// What a rule says by ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Clause {
    /// Of the administrators' tier.
    pub(crate) high: bool,
    /// What it decides.
    pub(crate) side: Side,
    /// Of which ports.
    pub(crate) ports: Arc<[Span]>,
}

/// The table of what `clauses` say together.
pub(crate) fn table(clauses: &[Clause]) -> Vec<(PortPrefix, Decision)> {
    let mut entries: Vec<(PortPrefix, u32)> = Vec::with_capacity(clauses.len());
    for (at, clause) in (0..).zip(clauses) {
        for span in clause.ports.iter() {
            entries.extend(prefixes(*span).map(|prefix| (prefix, at)));
        }
    }
    // An ancestor comes before its descendants: the same bits, and then it is shorter.
    entries.sort_unstable_by_key(|(prefix, _)| packed(*prefix));
    let decision = |at: u32| {
        let clause = usize::try_from(at).ok().and_then(|at| clauses.get(at));
        let side = |high| clause.filter(|it| it.high == high).map(|it| it.side);
        Decision {
            high: side(true),
            low: side(false),
        }
    };
    let mut above: Vec<(PortPrefix, Decision)> = Vec::new();
    let mut result: Vec<(PortPrefix, Decision)> = Vec::new();
    let mut entries = entries.into_iter().peekable();
    while let Some((prefix, at)) = entries.next() {
        let mut said = decision(at);
        while let Some((_, other)) = entries.next_if(|(same, _)| *same == prefix) {
            said = best(said, decision(other));
        }
        while above.last().is_some_and(|(over, _)| !covers(*over, prefix)) {
            above.pop();
        }
        let inherited = above.last().map(|(_, said)| *said);
        if let Some(inherited) = inherited {
            said = best(said, inherited);
        }
        if inherited != Some(said) {
            above.push((prefix, said));
            result.push((prefix, said));
        }
    }
    result
}

/// The same order as that of the prefixes, faster to compare.
fn packed(prefix: PortPrefix) -> u32 {
    let protocol = match prefix.protocol {
        None => 0,
        Some(Protocol::Tcp) => 1,
        Some(Protocol::Udp) => 2,
        Some(Protocol::Sctp) => 3,
    };
    protocol << 21 | u32::from(prefix.port) << 5 | u32::from(prefix.length)
}

/// Which lengths a table has, bit n for length n.
pub(crate) fn lengths(table: &[(PortPrefix, Decision)]) -> u32 {
    table
        .iter()
        .fold(0, |bits, (prefix, _)| bits | 1 << prefix.length)
}

/// Of each tier the earlier one.
pub(crate) fn best(one: Decision, other: Decision) -> Decision {
    Decision {
        high: first(one.high, other.high),
        low: first(one.low, other.low),
    }
}

fn first(one: Option<Side>, other: Option<Side>) -> Option<Side> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Is `inner` the same or within?
fn covers(outer: PortPrefix, inner: PortPrefix) -> bool {
    outer.protocol == inner.protocol
        && outer.length <= inner.length
        && inner.port & mask(outer.length) == outer.port
}

/// The bits of a prefix of that length.
pub(crate) fn mask(length: u8) -> u16 {
    u16::try_from((0xffff_0000_u32 >> length.min(16)) & 0xffff).unwrap_or_default()
}

/// The fewest prefixes that make up a range.
fn prefixes(span: Span) -> impl Iterator<Item = PortPrefix> {
    let mut next = Some(u32::from(span.first));
    let last = u32::from(span.last);
    std::iter::from_fn(move || {
        let port = next.filter(|port| *port <= last)?;
        if span.protocol.is_none() {
            next = None;
            return Some(PortPrefix {
                protocol: None,
                port: 0,
                length: 0,
            });
        }
        let mut bits = port.trailing_zeros().min(16);
        while port + (1 << bits) - 1 > last {
            bits -= 1;
        }
        next = Some(port + (1 << bits));
        Some(PortPrefix {
            protocol: span.protocol,
            port: u16::try_from(port).ok()?,
            length: u8::try_from(16 - bits).ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_is_its_prefixes(first in 0u16.., last in 0u16.., port in 0u16..) {
            let (first, last) = (first.min(last), first.max(last));
            let all: Vec<_> = prefixes(Span { protocol: Some(Protocol::Tcp), first, last }).collect();
            prop_assert!(all.len() <= 30);
            let hits = all.iter().filter(|prefix| port & mask(prefix.length) == prefix.port).count();
            prop_assert_eq!(hits, usize::from((first..=last).contains(&port)));
        }
    }

    #[test]
    fn masks() {
        assert_eq!([mask(0), mask(1), mask(16)], [0, 0x8000, 0xffff]);
    }
}
