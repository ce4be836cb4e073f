//! All that is known, and what follows from it.

use crate::{
    address::Claims,
    identity::{Identities, SetIds},
    input::{Endpoint, EndpointId, Node, Number},
    namespace::Namespaces,
    number::Numbers,
    placed::Holder,
    policy::Policies,
    prefix::Universe,
    rule::Rules,
    selector::Selectors,
    set::{SetId, Sets},
    spec::Pod,
    table::Tables,
};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

/// An endpoint, and who it is.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) endpoint: Endpoint,
    pub(crate) identity: Number,
}

/// What may differ from what the dataplane has.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) endpoints: BTreeSet<Arc<EndpointId>>,
    /// Those whose policies have to be looked up anew.
    pub(crate) identities: BTreeSet<Number>,
    /// Prefixes that have come (true) or gone.
    pub(crate) prefixes: HashMap<Number, (IpNetwork, bool)>,
    /// Sets that nobody has any more.
    pub(crate) sets: BTreeSet<SetId>,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) namespaces: Namespaces,
    pub(crate) pods: HashMap<(String, String), Pod>,
    pub(crate) endpoints: BTreeMap<Arc<EndpointId>, Resident>,
    pub(crate) by_pod: HashMap<(String, String), BTreeSet<Arc<EndpointId>>>,
    pub(crate) nodes: BTreeMap<String, (Node, Number)>,
    pub(crate) claims: Claims,
    pub(crate) identities: Identities,
    pub(crate) selectors: Selectors,
    pub(crate) policies: Policies,
    pub(crate) rules: Rules,
    pub(crate) universe: Universe,
    pub(crate) sets: Sets,
    pub(crate) set_numbers: Numbers,
    pub(crate) tables: Tables,
    pub(crate) dirty: Dirty,
    /// What is between this node and its containers is judged; only explanations need to know.
    pub(crate) judges_node: bool,
}

impl Wanted {
    pub(crate) fn new() -> Self {
        Self {
            namespaces: Namespaces::default(),
            pods: HashMap::new(),
            endpoints: BTreeMap::new(),
            by_pod: HashMap::new(),
            nodes: BTreeMap::new(),
            claims: Claims::default(),
            identities: Identities::new(),
            selectors: Selectors::default(),
            policies: Policies::default(),
            rules: Rules::new(),
            universe: Universe::new(),
            sets: Sets::default(),
            set_numbers: Numbers::from(1),
            tables: Tables::new(),
            dirty: Dirty::default(),
            judges_node: false,
        }
    }

    /// Who is to have an address.
    pub(crate) fn holder(&self, address: IpAddr) -> Option<Holder> {
        use crate::address::Claim;
        let node = |name: &String| self.nodes.get(name).map(|(_, identity)| *identity);
        let endpoint = |id| self.endpoints.get(id).map(|resident| resident.identity);
        Some(match self.claims.first(address)? {
            Claim::Here(name) => Holder {
                identity: node(name)?,
                here: true,
                endpoint: None,
            },
            Claim::Local(id) => Holder {
                identity: endpoint(id)?,
                here: false,
                endpoint: Some(Arc::clone(id)),
            },
            Claim::Remote(id) => Holder {
                identity: endpoint(id)?,
                here: false,
                endpoint: None,
            },
            Claim::Node(name) => Holder {
                identity: node(name)?,
                here: false,
                endpoint: None,
            },
        })
    }

    /// The sets of those of this node who are so.
    pub(crate) fn sets_of(&self, identity: Number) -> SetIds {
        let identity = self.identities.get(identity);
        identity.map_or([None; 4], |identity| identity.sets)
    }

    /// Nothing differs any more.
    pub(crate) fn settle(&mut self, removed_tables: &[Number]) {
        self.identities.numbers.settle();
        self.universe.numbers.settle();
        self.set_numbers.settle();
        self.rules.settle();
        self.tables.settle(removed_tables);
        self.dirty = Dirty::default();
    }
}
