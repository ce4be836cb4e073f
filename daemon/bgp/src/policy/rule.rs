//! A rule.

use super::{Action, Fault, HopChange, Subject, Term};
use crate::attr::{Attributes, NextHop};
use crate::{Asn, Family, Prefix};
use std::fmt;
use std::net::IpAddr;

/// If all terms hold, it decides. It is built piece by piece and checked by the policy that it becomes part of:
///
/// ```
/// use fairway_bgp::policy::{Action, Policy, PrefixMatch, Rule, Source, Term};
///
/// let pods = "10.1.0.0/16".parse()?;
/// let policy = Policy::new("to-fabric", [
///     Rule::accept("blocks")
///         .when(Term::Source(vec![Source::Block]))
///         .when(Term::Prefixes([PrefixMatch::lengths(pods, 24, 28)?].into_iter().collect()))
///         .then(Action::Prepend(1)),
///     Rule::refuse("rest"),
/// ])?;
/// assert_eq!(
///     policy.rules()[0].to_string(),
///     "blocks: if source block, prefix 10.1.0.0/16 ge 24 le 28: accept, prepend 1 times"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    name: String,
    terms: Vec<Term>,
    actions: Vec<Action>,
    accepts: bool,
}

/// More of one's own AS in front than any neighbour takes for serious.
const PREPENDED: std::ops::RangeInclusive<u8> = 1..=32;

impl Rule {
    /// One that accepts.
    pub fn accept(name: impl Into<String>) -> Rule {
        Rule {
            name: name.into(),
            terms: Vec::new(),
            actions: Vec::new(),
            accepts: true,
        }
    }

    /// One that refuses.
    pub fn refuse(name: impl Into<String>) -> Rule {
        Rule {
            accepts: false,
            ..Rule::accept(name)
        }
    }

    /// If this holds as well.
    #[must_use]
    pub fn when(mut self, term: Term) -> Rule {
        self.terms.push(term);
        self
    }

    /// This is done as well, in the order that it is said.
    #[must_use]
    pub fn then(mut self, action: Action) -> Rule {
        self.actions.push(action);
        self
    }

    /// As it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of which have to hold.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What is changed.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Whether it accepts.
    pub fn accepts(&self) -> bool {
        self.accepts
    }

    /// Whether all terms hold.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.terms.iter().all(|term| term.matches(subject))
    }

    /// Whether it names the default route of the prefix's family.
    pub(super) fn names(&self, prefix: Prefix) -> bool {
        let mut terms = self.terms.iter();
        terms.any(|term| matches!(term, Term::Prefixes(set) if set.names_default(prefix)))
    }

    /// Changes the attributes; answers which next hop is wanted, if any was named.
    pub fn apply(&self, attributes: &mut Attributes, prepended: Asn) -> Option<HopChange> {
        let mut hop = None;
        for action in &self.actions {
            hop = action.apply(attributes, prepended).or(hop);
        }
        hop
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.name.is_empty() {
            return Err(Fault::NoName);
        }
        self.terms
            .iter()
            .try_for_each(|term| self.check_term(term))?;
        if let (false, Some(action)) = (self.accepts, self.actions.first()) {
            return Err(Fault::RefusedChange(action.to_string()));
        }
        let mut set = Vec::new();
        for action in &self.actions {
            if let Some(what) = action.sets() {
                if set.contains(&what) {
                    return Err(Fault::SetTwice(what));
                }
                set.push(what);
            }
            self.check_action(action)?;
        }
        Ok(())
    }

    fn check_term(&self, term: &Term) -> Result<(), Fault> {
        let nothing = |what, empty| match empty {
            true => Err(Fault::Nothing(what)),
            false => Ok(()),
        };
        match term {
            Term::Prefixes(set) => {
                nothing("prefixes", set.all().is_empty())?;
                let families = self.terms.iter().filter_map(Term::family);
                let wrong = families.into_iter().find_map(|asked| {
                    let mut all = set.all().iter().copied();
                    all.find(|one| one.prefix().family() != asked)
                });
                wrong.map_or(Ok(()), |one| Err(Fault::OtherFamily(one)))
            }
            Term::Communities(any) => nothing("communities", any.is_empty()),
            Term::Large(any) => nothing("large communities", any.is_empty()),
            Term::Neighbour(any) => nothing("neighbours", any.is_empty()),
            Term::NeighbourAs(any) => nothing("AS numbers", any.is_empty()),
            Term::Source(any) => nothing("sources", any.is_empty()),
            Term::Path(super::PathMatch::Length(least, most)) if least > most => {
                Err(Fault::PathLength(*least, *most))
            }
            Term::Path(_) | Term::Family(_) | Term::Internal(_) | Term::Origin(_) => Ok(()),
        }
    }

    fn check_action(&self, action: &Action) -> Result<(), Fault> {
        match action {
            Action::Prepend(times) if !PREPENDED.contains(times) => Err(Fault::Prepend(*times)),
            Action::NextHop(HopChange::Address(hop)) => {
                let address = hop.address();
                let nowhere = match address {
                    IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
                    IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
                };
                if nowhere {
                    return Err(Fault::NoHop(address));
                }
                match hop {
                    NextHop::V4(_) if !self.is_of_ipv4() => Err(Fault::NextHopFamily),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether it matches routes of IPv4 alone.
    fn is_of_ipv4(&self) -> bool {
        self.terms.iter().any(|term| match term {
            Term::Family(family) => *family == Family::Ipv4,
            Term::Prefixes(set) => {
                let mut all = set.all().iter();
                all.all(|one| one.prefix().family() == Family::Ipv4)
            }
            _ => false,
        })
    }
}

impl Term {
    fn family(&self) -> Option<Family> {
        match self {
            Term::Family(family) => Some(*family),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        for (term, between) in self
            .terms
            .iter()
            .zip(std::iter::once("if ").chain(std::iter::repeat(", ")))
        {
            write!(f, "{between}{term}")?;
        }
        f.write_str(match (self.terms.is_empty(), self.accepts) {
            (true, true) => "accept",
            (true, false) => "refuse",
            (false, true) => ": accept",
            (false, false) => ": refuse",
        })?;
        let mut actions = self.actions.iter();
        actions.try_for_each(|action| write!(f, ", {action}"))
    }
}
