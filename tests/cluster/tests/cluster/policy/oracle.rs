//! The evaluator that the engine is tested against, held against what packets meet.
//!
//! It reads objects as the specifications read; should it read them otherwise than the hand-written
//! predicates, all that is proven by it would be worth nothing.

use super::table::{Expect, Member, Table, What};
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

/// With these objects it says of all pairs what is expected.
///
/// # Errors
/// Where it does not.
pub(crate) fn agrees(table: &Table, objects: &[Value], expect: Expect<'_>) -> Result<()> {
    let mut world = World::default();
    for member in &table.members {
        world.apply(&Input::Endpoint(endpoint(member)));
    }
    for object in table.told.iter().chain(objects) {
        world.apply(&Input::Object(object::parse(object.clone())?.object));
    }
    let fine = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict.allowed);
    for from in &table.members {
        for to in &table.members {
            for what in What::all() {
                let packet = Packet {
                    protocol: Some(match what.protocol {
                        Protocol::Tcp => spec::Protocol::Tcp,
                        Protocol::Udp => spec::Protocol::Udp,
                    }),
                    port: what.port,
                };
                let found = world.verdict(from.ip(what.v6)?, to.ip(what.v6)?, packet);
                let wanted = from.who == to.who || expect(from.who, to.who, what);
                ensure!(
                    (fine(found.egress) && fine(found.ingress)) == wanted,
                    "{:?} to {:?} by {what:?}: {found:?}",
                    from.who,
                    to.who
                );
            }
        }
    }
    Ok(())
}
