//! What a rule does with a route that it accepts.

use super::{CommunityMatch, LargeMatch};
use crate::Asn;
use crate::attr::{Attributes, Community, LargeCommunity, NextHop};
use std::fmt;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// LOCAL_PREF; of what is told to other AS there is none, so that it changes nothing there.
    LocalPref(u32),
    /// MULTI_EXIT_DISC, or none.
    Med(Option<u32>),
    /// The next hop.
    NextHop(HopChange),
    /// The AS in front so many times more: the own one in what is told, the neighbour's in what is taken.
    Prepend(u8),
    /// Communities beside those that are there.
    AddCommunities(Vec<Community>),
    /// Those that match are taken away.
    RemoveCommunities(Vec<CommunityMatch>),
    /// These, and no others.
    SetCommunities(Vec<Community>),
    /// Large communities beside those that are there.
    AddLarge(Vec<LargeCommunity>),
    /// Those that match are taken away.
    RemoveLarge(Vec<LargeMatch>),
    /// These, and no others.
    SetLarge(Vec<LargeCommunity>),
}

/// Which next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HopChange {
    /// One's own address.
    Own,
    /// As it came, also for neighbours of other AS.
    Unchanged,
    /// This one.
    Address(NextHop),
}

impl Action {
    /// Changes all but the next hop, which is whose task it is to know one's own: what is wanted of it is the answer.
    pub(super) fn apply(&self, attributes: &mut Attributes, prepended: Asn) -> Option<HopChange> {
        let Attributes {
            communities, large, ..
        } = attributes;
        match self {
            Action::LocalPref(value) => attributes.local_pref = Some(*value),
            Action::Med(value) => attributes.med = *value,
            Action::NextHop(change) => return Some(*change),
            Action::Prepend(times) => {
                attributes.as_path = attributes.as_path.prepended(prepended, (*times).into());
            }
            Action::AddCommunities(more) => add(communities, more),
            Action::RemoveCommunities(some) => {
                communities.retain(|c| !some.iter().any(|one| one.has(*c)));
            }
            Action::SetCommunities(all) => {
                communities.clear();
                add(communities, all);
            }
            Action::AddLarge(more) => add(large, more),
            Action::RemoveLarge(some) => large.retain(|c| !some.iter().any(|one| one.has(*c))),
            Action::SetLarge(all) => {
                large.clear();
                add(large, all);
            }
        }
        None
    }

    /// What it sets; two actions of one rule must not set the same.
    pub(super) fn sets(&self) -> Option<&'static str> {
        match self {
            Action::LocalPref(_) => Some("the local preference"),
            Action::Med(_) => Some("the MED"),
            Action::NextHop(_) => Some("the next hop"),
            Action::Prepend(_) => Some("what is prepended"),
            Action::SetCommunities(_) => Some("the communities"),
            Action::SetLarge(_) => Some("the large communities"),
            _ => None,
        }
    }
}

/// Ascending, each once.
fn add<T: Ord + Copy>(all: &mut Vec<T>, more: &[T]) {
    all.extend_from_slice(more);
    all.sort_unstable();
    all.dedup();
}

impl fmt::Display for HopChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HopChange::Own => f.write_str("self"),
            HopChange::Unchanged => f.write_str("unchanged"),
            HopChange::Address(hop) => hop.address().fmt(f),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::term::list;
        let (text, put): (_, &dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result) = match self {
            Action::LocalPref(value) => ("local preference ", &move |f| value.fmt(f)),
            Action::Med(Some(value)) => ("MED ", &move |f| value.fmt(f)),
            Action::Med(None) => ("no MED", &|_| Ok(())),
            Action::NextHop(change) => ("next hop ", &move |f| change.fmt(f)),
            Action::Prepend(times) => ("prepend ", &move |f| write!(f, "{times} times")),
            Action::AddCommunities(more) => ("add community ", &move |f| list(f, more)),
            Action::RemoveCommunities(some) => ("remove community ", &move |f| list(f, some)),
            Action::SetCommunities(all) => ("communities ", &move |f| list(f, all)),
            Action::AddLarge(more) => ("add large community ", &move |f| list(f, more)),
            Action::RemoveLarge(some) => ("remove large community ", &move |f| list(f, some)),
            Action::SetLarge(all) => ("large communities ", &move |f| list(f, all)),
        };
        f.write_str(text)?;
        put(f)
    }
}
