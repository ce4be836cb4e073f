//! The evaluator that the engine is tested against, held against what packets meet.
//!
//! It reads objects as the specifications read; should it read them otherwise than the hand-written
//! predicates, all that is proven by it would be worth nothing.

use super::table::{Expect, Member, Table, What, Who};
use anyhow::{Result, ensure};
use fairway_lab::Value;
use fairway_policy::input::{Endpoint, EndpointId, Input, Packet};
use fairway_policy::oracle::{Verdict, World};
use fairway_policy::{object, spec};
use fairway_tests_cluster::Protocol;

fn endpoint(member: &Member) -> Endpoint {
    let who = member.who;
    Endpoint {
        id: EndpointId {
            node: format!("n{}", who.node),
            container: member.pod.name.clone(),
            ifname: "eth0".to_owned(),
            network: "net".to_owned(),
        },
        namespace: who.ns.to_owned(),
        pod: who.pod.to_owned(),
        labels: [("pod".to_owned(), who.pod.to_owned())].into(),
        groups: Default::default(),
        ports: Vec::new(),
        addresses: member.pod.ips.clone(),
        local: true,
    }
}

/// What it says of a table with these objects besides those that tell of the pods.
pub(crate) struct Oracle<'a> {
    table: &'a Table,
    world: World,
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(table: &'a Table, objects: &[Value]) -> Result<Self> {
        let mut world = World::default();
        for member in &table.members {
            world.apply(&Input::Endpoint(endpoint(member)));
        }
        for object in table.told.iter().chain(objects) {
            world.apply(&Input::Object(object::parse(object.clone())?.object));
        }
        Ok(Self { table, world })
    }

    pub(crate) fn says(&self, from: Who, to: Who, what: What) -> Result<bool> {
        let ip = |who: Who| self.table.member(&who.name())?.ip(what.v6);
        let packet = Packet {
            protocol: Some(match what.protocol {
                Protocol::Tcp => spec::Protocol::Tcp,
                Protocol::Udp => spec::Protocol::Udp,
                Protocol::Sctp => spec::Protocol::Sctp,
            }),
            port: what.port,
        };
        let found = self.world.verdict(ip(from)?, ip(to)?, packet);
        let fine = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict.allowed);
        Ok(fine(found.egress) && fine(found.ingress))
    }

    /// How many of all it lets through.
    pub(crate) fn open(&self) -> Result<usize> {
        let mut open = 0;
        for from in self.table.members.iter().map(|member| member.who) {
            for to in self.table.members.iter().map(|member| member.who) {
                for what in What::all() {
                    open += usize::from(self.says(from, to, what)?);
                }
            }
        }
        Ok(open)
    }
}

/// With these objects it says of all pairs what is expected.
///
/// # Errors
/// Where it does not.
pub(crate) fn agrees(table: &Table, objects: &[Value], expect: Expect<'_>) -> Result<()> {
    let oracle = Oracle::new(table, objects)?;
    for from in table.members.iter().map(|member| member.who) {
        for to in table.members.iter().map(|member| member.who) {
            for what in What::all() {
                let wanted = from == to || expect(from, to, what);
                let found = oracle.says(from, to, what)?;
                ensure!(found == wanted, "{from:?} to {to:?} by {what:?}: {found}");
            }
        }
    }
    Ok(())
}
