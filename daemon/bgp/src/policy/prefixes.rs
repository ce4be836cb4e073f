//! Sets of prefixes.

use super::PolicyError;
use crate::{Bits, Net, Prefix};
use std::fmt;

/// The prefixes within one, by their lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixMatch {
    prefix: Prefix,
    from: u8,
    to: u8,
}

impl PrefixMatch {
    /// This one alone.
    pub fn exact(prefix: Prefix) -> PrefixMatch {
        let length = prefix.length();
        PrefixMatch {
            prefix,
            from: length,
            to: length,
        }
    }

    /// It, and all that lie in it.
    pub fn within(prefix: Prefix) -> PrefixMatch {
        PrefixMatch {
            prefix,
            from: prefix.length(),
            to: prefix.family().bits(),
        }
    }

    /// Those in it that have at least and at most these lengths.
    ///
    /// # Errors
    ///
    /// Where no prefix in it has such a length.
    pub fn lengths(prefix: Prefix, from: u8, to: u8) -> Result<PrefixMatch, PolicyError> {
        let (least, most) = (prefix.length(), prefix.family().bits());
        match least <= from && from <= to && to <= most {
            true => Ok(PrefixMatch { prefix, from, to }),
            false => Err(PolicyError::Lengths {
                prefix,
                from,
                to,
                least,
                most,
            }),
        }
    }

    /// What they lie in.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// Whether it is one of them.
    pub fn has(&self, prefix: Prefix) -> bool {
        (self.from..=self.to).contains(&prefix.length()) && self.prefix.holds(prefix)
    }

    /// Whether it is a default route and nothing else.
    fn is_default(&self) -> bool {
        self.to == 0
    }
}

impl fmt::Display for PrefixMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PrefixMatch { prefix, from, to } = self;
        prefix.fmt(f)?;
        if *from != prefix.length() {
            write!(f, " ge {from}")?;
        }
        match *to == prefix.length() {
            true => Ok(()),
            false => write!(f, " le {to}"),
        }
    }
}

/// A set of them. What it costs to ask depends on how many lengths there are and hardly on how many prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrefixSet {
    all: Vec<PrefixMatch>,
    v4: Lengths<u32>,
    v6: Lengths<u128>,
}

impl PrefixSet {
    /// As they were given.
    pub fn all(&self) -> &[PrefixMatch] {
        &self.all
    }

    /// Whether it is in one of them.
    pub fn has(&self, prefix: Prefix) -> bool {
        match prefix {
            Prefix::V4(net) => self.v4.has(net),
            Prefix::V6(net) => self.v6.has(net),
        }
    }

    /// Whether the default route of the prefix's family is named: exactly, and not as one of many.
    pub fn names_default(&self, prefix: Prefix) -> bool {
        let family = prefix.family();
        let mut all = self.all.iter();
        all.any(|one| one.is_default() && one.prefix.family() == family)
    }
}

impl FromIterator<PrefixMatch> for PrefixSet {
    fn from_iter<T: IntoIterator<Item = PrefixMatch>>(matches: T) -> PrefixSet {
        let all: Vec<PrefixMatch> = matches.into_iter().collect();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for one in &all {
            match one.prefix {
                Prefix::V4(net) => v4.push((net, one.from, one.to)),
                Prefix::V6(net) => v6.push((net, one.from, one.to)),
            }
        }
        PrefixSet {
            all,
            v4: Lengths::of(v4),
            v6: Lengths::of(v6),
        }
    }
}

impl fmt::Display for PrefixSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::term::list(f, &self.all)
    }
}

/// Of one family, sorted, and which lengths there are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lengths<A: Bits> {
    sorted: Vec<(Net<A>, u8, u8)>,
    lengths: Vec<u8>,
}

impl<A: Bits> Default for Lengths<A> {
    fn default() -> Lengths<A> {
        Lengths {
            sorted: Vec::new(),
            lengths: Vec::new(),
        }
    }
}

impl<A: Bits> Lengths<A> {
    fn of(mut sorted: Vec<(Net<A>, u8, u8)>) -> Lengths<A> {
        sorted.sort_unstable();
        let mut lengths: Vec<u8> = sorted.iter().map(|(net, ..)| net.length()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Lengths { sorted, lengths }
    }

    fn has(&self, net: Net<A>) -> bool {
        let length = net.length();
        let outer = self.lengths.iter().take_while(|outer| **outer <= length);
        outer
            .filter_map(|outer| Net::new(net.address(), *outer))
            .any(|outer| {
                let first = self.sorted.partition_point(|(net, ..)| *net < outer);
                let mut same = self.sorted.iter().skip(first);
                let same = same.by_ref().take_while(|(net, ..)| *net == outer);
                same.into_iter()
                    .any(|(_, from, to)| (*from..=*to).contains(&length))
            })
    }
}
