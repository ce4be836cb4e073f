//! Which nodes an object is for: names, and patterns of names.

use super::read;
use fairway_policy::object::{
    field::{self, Faults, Path},
    form::Form,
};
use serde_json::Value;

/// Names of nodes, as the daemon has them, with `*` for any characters.
const PATTERN: Form = (
    pattern,
    "1 to 253 of a-z, A-Z, 0-9, ., _, - and *, beginning with a letter, a digit or *",
);

fn pattern(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
    let first = text.bytes().next();
    text.len() <= 253
        && first.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'*')
        && text.bytes().all(fits)
}

/// How an object says that it is for a node, the least exact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// It is for all.
    All,
    /// A pattern has the node's name.
    Pattern,
    /// It names the node.
    Name,
}

/// Nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nodes(Vec<String>);

impl Nodes {
    /// How a node is one of them; none where it is not.
    pub fn fit(&self, node: &str) -> Option<Fit> {
        if self.0.is_empty() {
            return Some(Fit::All);
        }
        let fits = self.0.iter().filter_map(|pattern| {
            if pattern.bytes().all(|byte| byte == b'*') {
                return Some(Fit::All);
            }
            match pattern.contains('*') {
                true => matches(pattern.as_bytes(), node.as_bytes()).then_some(Fit::Pattern),
                false => (pattern == node).then_some(Fit::Name),
            }
        });
        fits.max()
    }

    /// The only one there can be.
    pub fn single(&self) -> Option<&str> {
        match &self.0[..] {
            [one] if !one.contains('*') => Some(one),
            _ => None,
        }
    }

    /// As they were written; none: all nodes.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

/// `*` stands for any characters, also for none. What a `*` stood for is only ever made longer for the last one, which
/// is enough: so it costs at most the one length times the other, whatever the pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Nodes> {
    let names = read::each(value, at, faults, |value, at, faults| {
        field::formed(value, PATTERN, at, faults).map(str::to_owned)
    });
    names.map(Nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                naive(rest, name) || (!name.is_empty() && naive(pattern, &name[1..]))
            }
            ([p, pattern @ ..], [n, name @ ..]) => p == n && naive(pattern, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_has_what_it_has_by_definition(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(matches(pattern, name), naive(pattern, name));
        }
    }

    #[test]
    fn the_most_exact_counts() {
        let nodes = |all: &[&str]| Nodes(all.iter().map(|&one| one.to_owned()).collect());
        for (patterns, node, fit) in [
            (&[][..], "n1", Some(Fit::All)),
            (&["*"], "n1", Some(Fit::All)),
            (&["**"], "n1", Some(Fit::All)),
            (&["rack1-*"], "rack1-a", Some(Fit::Pattern)),
            (&["rack1-*"], "rack1-", Some(Fit::Pattern)),
            (&["rack1-*"], "rack10-a", None),
            (&["*-a"], "rack1-a", Some(Fit::Pattern)),
            (&["r*1-*a"], "rack1-a", Some(Fit::Pattern)),
            (&["n1"], "n1", Some(Fit::Name)),
            (&["n1"], "n11", None),
            (&["n1"], "N1", None),
            (&["*", "n*", "n1"], "n1", Some(Fit::Name)),
            (&["*", "n*", "n2"], "n1", Some(Fit::Pattern)),
            (&["m*", "*"], "n1", Some(Fit::All)),
        ] {
            assert_eq!(nodes(patterns).fit(node), fit, "{patterns:?} {node}");
        }
        assert_eq!(nodes(&["n1"]).single(), Some("n1"));
        assert_eq!(nodes(&["n*"]).single(), None);
        assert_eq!(nodes(&["n1", "n2"]).single(), None);
        assert_eq!(nodes(&[]).single(), None);
    }
}
