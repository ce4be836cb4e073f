//! Which nodes are there, and since when others are not.
//!
//! A node whose lease ended may only be cut off from the store, or be restarting; its containers run on.
//! So its routes stay for a while. A node that a route names and nobody has heard of is treated alike:
//! after a restart of ours it may be one that is away just now, and whose routes the kernel still has.

use crate::Node;
use fairway_ipam::{Millis, NodeName};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
enum State {
    Alive(Node),
    Missing { node: Option<Node>, until: Millis },
    Gone,
}

/// What is known of a node that a route leads to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// Where it is, or was when it was last heard of.
    Node(&'a Node),
    /// Not heard of, and its grace period goes on.
    NotHeardOf,
    /// Gone.
    Away,
}

#[derive(Debug)]
pub(crate) struct Nodes {
    grace: u64,
    now: Millis,
    states: BTreeMap<NodeName, State>,
    ends: BTreeSet<(Millis, NodeName)>,
}

impl Nodes {
    pub(crate) fn new(grace: u64) -> Nodes {
        Nodes {
            grace,
            now: Millis::default(),
            states: BTreeMap::new(),
            ends: BTreeSet::new(),
        }
    }

    pub(crate) fn find(&self, name: &NodeName) -> Found<'_> {
        match self.states.get(name) {
            Some(State::Alive(node)) => Found::Node(node),
            Some(State::Missing { node, .. }) => {
                node.as_ref().map_or(Found::NotHeardOf, Found::Node)
            }
            Some(State::Gone) | None => Found::Away,
        }
    }

    /// A node is there. Does any route change?
    pub(crate) fn set(&mut self, node: Node) -> bool {
        let name = node.name().clone();
        let same = matches!(self.find(&name), Found::Node(known) if *known == node);
        self.put(name, State::Alive(node));
        !same
    }

    /// Its lease is gone. No route changes.
    pub(crate) fn lost(&mut self, name: NodeName) {
        if let Some(State::Alive(node)) = self.states.get(&name) {
            let node = Some(node.clone());
            let until = self.now + self.grace;
            self.put(name, State::Missing { node, until });
        }
    }

    /// It is gone for good.
    pub(crate) fn left(&mut self, name: NodeName) {
        if self.states.contains_key(&name) {
            self.put(name, State::Gone);
        }
    }

    /// A route leads to it.
    pub(crate) fn named(&mut self, name: &NodeName) {
        if !self.states.contains_key(name) {
            let until = self.now + self.grace;
            self.put(name.clone(), State::Missing { node: None, until });
        }
    }

    /// No route leads to it any more: what is only known from routes is forgotten.
    pub(crate) fn unnamed(&mut self, name: &NodeName) {
        match self.states.get(name) {
            Some(State::Gone) => {
                self.states.remove(name);
            }
            Some(State::Missing { node: None, until }) => {
                self.ends.remove(&(*until, name.clone()));
                self.states.remove(name);
            }
            _ => {}
        }
    }

    /// The time is that, or later. Time that goes back is none.
    pub(crate) fn tick(&mut self, now: Millis) {
        self.now = self.now.max(now);
    }

    /// Those whose grace period is over by now.
    pub(crate) fn expired(&mut self) -> Vec<NodeName> {
        let mut gone = Vec::new();
        while let Some((until, name)) = self.ends.first().cloned() {
            if until > self.now {
                break;
            }
            self.put(name.clone(), State::Gone);
            gone.push(name);
        }
        gone
    }

    /// When the next grace period is over.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Nodes of which routes were told and nothing else.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = &NodeName> {
        let unheard =
            |state: &State| matches!(state, State::Gone | State::Missing { node: None, .. });
        let states = self.states.iter();
        states
            .filter(move |(_, s)| unheard(s))
            .map(|(name, _)| name)
    }

    fn put(&mut self, name: NodeName, state: State) {
        if let State::Missing { until, .. } = &state {
            self.ends.insert((*until, name.clone()));
        }
        let ends = match &state {
            State::Missing { until, .. } => Some(*until),
            _ => None,
        };
        if let Some(State::Missing { until, .. }) = self.states.insert(name.clone(), state)
            && ends != Some(until)
        {
            self.ends.remove(&(until, name));
        }
    }
}
