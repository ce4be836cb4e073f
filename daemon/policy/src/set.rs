//! Sets: what policies say to those for whom the same ones hold, by peer.

use crate::{
    input::{Direction, Number, Side},
    nets::Nets,
    policy::PolicyId,
    ports::Span,
    prefix::BlockMatch,
    selector::SelectorId,
    spec::{NamedPort, Ports},
    table::Tables,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(crate) type SetId = u32;

/// For what an endpoint has a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Role {
    pub(crate) direction: Direction,
    /// As if nothing were in audit.
    pub(crate) audit: bool,
}

impl Role {
    /// In the order of [`crate::identity::SetIds`].
    pub(crate) const ALL: [Role; 4] = [
        Role::new(Direction::Ingress, false),
        Role::new(Direction::Egress, false),
        Role::new(Direction::Ingress, true),
        Role::new(Direction::Egress, true),
    ];

    const fn new(direction: Direction, audit: bool) -> Self {
        Self { direction, audit }
    }
}

/// What a set follows from; those for whom it is the same share the set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SetKey {
    pub(crate) direction: Direction,
    /// Administrators' policies.
    pub(crate) high: Vec<PolicyId>,
    /// Network policies, or the baseline.
    pub(crate) low: Vec<PolicyId>,
    /// `low` are network policies (and groups): what they do not allow is refused.
    pub(crate) network: bool,
    /// Members of any of these get in.
    pub(crate) groups: Vec<String>,
    /// What names of ports in rules mean.
    pub(crate) ports: Vec<NamedPort>,
}

/// A rule, as the set needs it.
#[derive(Debug)]
pub(crate) struct SetRule {
    pub(crate) high: bool,
    pub(crate) side: Side,
    pub(crate) fixed: Arc<[Span]>,
    /// Names that mean what the peer calls so.
    pub(crate) named: Vec<Ports>,
    /// `fixed` holds for anybody already.
    pub(crate) anybody: bool,
}

/// A set's entry in the dataplane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Header {
    pub(crate) otherwise: bool,
    pub(crate) rule: Number,
    pub(crate) prefixes: bool,
    pub(crate) anybody: Number,
}

/// What is to be in the dataplane of a set.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) header: Header,
    /// Tables by identity or prefix.
    pub(crate) peers: BTreeMap<Number, Number>,
}

/// Which peers may not be in the dataplane as they should.
#[derive(Debug)]
pub(crate) enum Touched {
    All,
    Some(BTreeSet<Number>),
}

impl Default for Touched {
    fn default() -> Self {
        Touched::Some(BTreeSet::new())
    }
}

/// A set.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) key: Arc<SetKey>,
    /// Who has it, and as what (an index of [`Role::ALL`]).
    pub(crate) users: BTreeSet<(Number, usize)>,
    /// Its number in the dataplane, where it is there.
    pub(crate) number: Option<Number>,
    /// Number of the rule "nothing lets it through".
    pub(crate) nothing: Number,
    /// Selectors of its groups.
    pub(crate) groups: Vec<SelectorId>,

    /// Its policies have changed: everything has to be made anew.
    pub(crate) stale: bool,
    /// Otherwise: what is said of these,
    pub(crate) stale_peers: BTreeSet<Number>,
    /// of all prefixes in these,
    pub(crate) stale_nets: Vec<IpNetwork>,
    /// and of anybody.
    pub(crate) stale_header: bool,

    /// By their numbers.
    pub(crate) rules: HashMap<Number, SetRule>,
    pub(crate) by_selector: HashMap<SelectorId, Vec<Number>>,
    pub(crate) blocks: Nets<Vec<(Number, Arc<BlockMatch>)>>,

    pub(crate) content: Content,
    pub(crate) touched: Touched,
}

impl Set {
    pub(crate) fn new(key: Arc<SetKey>) -> Self {
        Self {
            key,
            users: BTreeSet::new(),
            number: None,
            nothing: 0,
            groups: Vec::new(),
            stale: true,
            stale_peers: BTreeSet::new(),
            stale_nets: Vec::new(),
            stale_header: false,
            rules: HashMap::new(),
            by_selector: HashMap::new(),
            blocks: Nets::default(),
            content: Content::default(),
            touched: Touched::default(),
        }
    }

    /// What is said of a peer is in that table (of which it takes the caller's hold).
    pub(crate) fn put(&mut self, peer: Number, table: Number, tables: &mut Tables) {
        let before = match table {
            0 => self.content.peers.remove(&peer),
            table => self.content.peers.insert(peer, table),
        };
        if let Some(before) = before {
            tables.unwant(before);
        }
        // Even where it is the same: a new prefix says first what the one around it says.
        if let Touched::Some(touched) = &mut self.touched {
            touched.insert(peer);
        }
    }

    /// Nothing is said any more.
    pub(crate) fn clear(&mut self, tables: &mut Tables) {
        let content = std::mem::take(&mut self.content);
        tables.unwant(content.header.anybody);
        for table in content.peers.into_values() {
            tables.unwant(table);
        }
        self.touched = Touched::All;
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    pub(crate) all: HashMap<SetId, Set>,
    pub(crate) by_key: HashMap<Arc<SetKey>, SetId>,
    pub(crate) next: SetId,
    /// Those that are to be compiled, in whole or in part.
    pub(crate) stale: BTreeSet<SetId>,
    /// Those that may not be in the dataplane as they should.
    pub(crate) dirty: BTreeSet<SetId>,
    /// Those in which prefixes are named.
    pub(crate) with_blocks: BTreeSet<SetId>,
}

impl Sets {
    /// What is said of a peer may have changed.
    pub(crate) fn touch(&mut self, id: SetId, peer: Number) {
        if let Some(set) = self.all.get_mut(&id)
            && !set.stale
        {
            set.stale_peers.insert(peer);
            self.stale.insert(id);
        }
    }
}
