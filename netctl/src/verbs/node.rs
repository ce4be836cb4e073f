//! `netctl node` and `netctl status`.

use super::{lines, maybe};
use crate::{
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
};
use clap::Subcommand;
use fairway_api::{
    Method,
    admin::{Info, Node, NodeDrain, NodeRemove, NodeRemoved},
};

#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// List the nodes
    Ls,
    /// Have a node take no new containers; those that it has stay
    Drain {
        /// Its name
        name: String,
    },
    /// Have it take new containers again
    Undrain {
        /// Its name
        name: String,
    },
    /// Remove a node that never returns: its blocks and claims are free
    Rm {
        /// Its name
        name: String,
        /// Also while it is alive: its containers are cut off
        #[arg(long)]
        force: bool,
        /// Only its claims, so that their workloads can start elsewhere; its blocks stay its own
        #[arg(long)]
        claims_only: bool,
    },
}

impl NodeVerb {
    pub(crate) fn job(&self) -> Job {
        match self {
            NodeVerb::Ls => Job::list::<Node>(Method::NodeList).watchable(),
            NodeVerb::Drain { name } => drain(name, false),
            NodeVerb::Undrain { name } => drain(name, true),
            NodeVerb::Rm {
                name,
                force,
                claims_only,
            } => Job::new::<NodeRemoved>(Method::NodeRemove(NodeRemove {
                name: name.clone(),
                force: *force,
                claims_only: *claims_only,
            })),
        }
    }
}

fn drain(name: &str, undo: bool) -> Job {
    let name = name.to_owned();
    Job::new::<Node>(Method::NodeDrain(NodeDrain { name, undo }))
}

/// `netctl status`.
pub(crate) fn status() -> Job {
    Job::new::<Info>(Method::Info).watchable()
}

impl Answer for Vec<Node> {
    fn sheet(&self) -> Sheet {
        rows(self)
    }
}

impl Answer for Node {
    fn sheet(&self) -> Sheet {
        rows([self])
    }
}

fn rows<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Sheet {
    let heads = [
        "NAME",
        "STATE",
        "BLOCKS",
        "LIVE",
        "CLAIMS",
        "DAEMON?",
        "HOST?",
        "UNDERLAY?",
        "MTU?",
        "LABELS?",
        "?",
    ];
    let mut sheet = Sheet::new(&heads, "no nodes");
    for node in nodes {
        let labels: Vec<String> = node
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let state = match node.drained {
            true => format!("{}, drained", node.state),
            false => node.state.clone(),
        };
        sheet.row([
            Cell::from(&node.name),
            Cell::from(&state).tone(match state.as_str() {
                "alive" => Tone::Good,
                _ => Tone::Bad,
            }),
            Cell::from(node.blocks),
            Cell::from(node.live),
            Cell::from(node.claims),
            Cell::from(&node.daemon),
            Cell::from(&node.host),
            lines(&node.underlay),
            maybe(node.mtu.as_ref()),
            Cell::from(labels.join(",")),
            Cell::from(if node.here { "(answers)" } else { "" }),
        ]);
    }
    sheet
}

impl Answer for NodeRemoved {
    fn sheet(&self) -> Sheet {
        let heads = ["FREED BLOCKS", "RESTING ADDRESSES", "FREED CLAIMS"];
        let mut sheet = Sheet::new(&heads, "");
        sheet.row([self.blocks, self.addresses, self.claims].map(Cell::from));
        sheet
    }
}

impl Answer for Info {
    fn sheet(&self) -> Sheet {
        let heads = ["NODE", "DAEMON", "API", "STORE", "CONNECTED", "JOURNAL"];
        let mut sheet = Sheet::new(&heads, "");
        let (connected, tone) = match self.connected {
            true => ("yes", Tone::Good),
            false => ("NO", Tone::Bad),
        };
        let journal = match &self.fault {
            None => Cell::from("ok").tone(Tone::Good),
            Some(_) => Cell::from("FAILS").tone(Tone::Bad),
        };
        sheet.row([
            Cell::from(&self.node),
            Cell::from(&self.daemon),
            Cell::from(self.api),
            Cell::from(&self.store),
            Cell::from(connected).tone(tone),
            journal,
        ]);
        if let Some(fault) = &self.fault {
            sheet.note(fault.clone());
        }
        for problem in &self.problems {
            sheet.note(format!("problem: {problem}"));
        }
        sheet
    }
}
