//! Who one is, and who the neighbours are.

use crate::attr::NextHop;
use crate::policy::{Party, Policy};
use crate::{Asn, Family, Prefix, RouterId};
use std::net::IpAddr;
use std::sync::Arc;

/// What holds for all neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The own AS.
    pub asn: Asn,
    /// The own identifier.
    pub router: RouterId,
    /// The cluster that one reflects for (RFC 4456); mostly the own identifier.
    pub cluster: RouterId,
    /// MEDs of different AS are compared as well.
    pub always_compare_med: bool,
    /// So many paths are used beside each other where they are equal but for who told them. 1 is no such thing.
    pub multipath: usize,
    /// Also those with other AS in their paths, where these are as long.
    pub multipath_relax: bool,
}

impl Settings {
    /// With nothing out of the ordinary.
    pub fn new(asn: Asn, router: RouterId) -> Settings {
        Settings {
            asn,
            router,
            cluster: router,
            always_compare_med: false,
            multipath: 1,
            multipath_relax: false,
        }
    }
}

/// What a neighbour is to this speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Of another AS.
    External,
    /// Of the same.
    Internal,
    /// Of the same, and it is told what others of the AS told: this speaker is its reflector.
    Client,
}

/// What is taken from a neighbour and what it is told. The one thing that changes while a session goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filters {
    /// What is taken.
    pub import: Option<Arc<Policy>>,
    /// What is told.
    pub export: Option<Arc<Policy>>,
    /// Whether a neighbour of another AS needs them (RFC 8212).
    pub needed: bool,
}

impl Filters {
    /// None: a neighbour of another AS is told nothing and nothing is taken from it.
    pub fn none() -> Filters {
        Filters {
            import: None,
            export: None,
            needed: true,
        }
    }
}

/// A neighbour whose session stands.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
    /// Its identifier.
    pub router: RouterId,
    /// The AS that it was told this speaker is of, where that is another than its own.
    pub local: Option<Asn>,
    /// What it is.
    pub relation: Relation,
    /// What is taken from it and told to it.
    pub filters: Filters,
    /// The own address as next hop of routes of each family, where there is one.
    pub own_hops: [Option<NextHop>; 2],
    /// It is on the same link, and so has to be what it tells as next hop (RFC 4271, 6.3). Where an import policy puts
    /// another in its place, that may be anywhere.
    pub adjacent: bool,
    /// Networks that both are in: a next hop of another speaker there is told to a neighbour of another AS as it is
    /// (RFC 4271, 5.1.3). Mostly none.
    pub shared: Vec<Prefix>,
    /// More prefixes than these are not taken, of each family.
    pub most: [Option<u32>; 2],
    /// Paths of a neighbour of another AS have to begin with its AS. Route servers' do not.
    pub enforce_first_as: bool,
}

impl Neighbour {
    /// As policies see it.
    pub fn party(&self) -> Party {
        Party {
            address: self.address,
            asn: self.asn,
            internal: self.is_internal(),
        }
    }

    pub(super) fn is_internal(&self) -> bool {
        self.relation != Relation::External
    }

    pub(super) fn needs_policy(&self) -> bool {
        self.filters.needed && !self.is_internal()
    }
}

/// One of the two of a family.
pub(super) trait Of<T> {
    fn of(&self, family: Family) -> &T;
    fn of_mut(&mut self, family: Family) -> &mut T;
}

impl<T> Of<T> for [T; 2] {
    fn of(&self, family: Family) -> &T {
        let [v4, v6] = self;
        match family {
            Family::Ipv4 => v4,
            Family::Ipv6 => v6,
        }
    }

    fn of_mut(&mut self, family: Family) -> &mut T {
        let [v4, v6] = self;
        match family {
            Family::Ipv4 => v4,
            Family::Ipv6 => v6,
        }
    }
}

/// Whether the node is being emptied, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drain {
    /// It is not.
    #[default]
    Off,
    /// Own routes are told as ones that go soon (RFC 8326): others take other ways while these still lead here.
    Announced,
    /// Own routes are told to nobody.
    Withdrawn,
}
