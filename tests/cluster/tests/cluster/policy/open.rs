//! Connections that are open when policies come, change and go.

use super::objects::{apply, deny_ingress, namespace, policy, remove};
use super::reach;
use super::workload::plain;
use crate::overlay::life::{lossless, streams};
use crate::overlay::stage::{Pod, network};
use anyhow::Result;
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Plan, Talk, on};

/// A server in x, a friend and a foe on its own node, and the same on the other.
struct Scene {
    server: Pod,
    friends: [Pod; 2],
    foes: [Pod; 2],
}

impl Scene {
    fn new(bed: &Bed, net: u8) -> Result<Self> {
        network(bed, "net", net, "always")?;
        apply(
            &bed.door(1),
            &["x", "y", "z"].map(|ns| namespace(ns, json!({"ns": ns}))),
        )?;
        Ok(Self {
            server: plain(bed, 1, "x", "server")?,
            friends: [plain(bed, 1, "z", "near")?, plain(bed, 2, "z", "far")?],
            foes: [plain(bed, 1, "y", "near")?, plain(bed, 2, "y", "far")?],
        })
    }

    /// From each of these to the server, by both families.
    fn talks(&self, from: &[Pod], first: u16) -> Result<Vec<Talk>> {
        let mut talks = Vec::new();
        for pod in from {
            for ip in &self.server.ips {
                let port = first + u16::try_from(talks.len())?;
                let to = (&self.server.ns, *ip);
                talks.push(Talk::start(&pod.ns, to, port)?);
            }
        }
        Ok(talks)
    }
}

/// Only z may begin anything with x; ports of z are of no account, and only make the policy another one.
fn only_z(ports: Value) -> Value {
    let z = json!({"namespaceSelector": {"matchLabels": {"ns": "z"}}});
    let y = json!({"namespaceSelector": {"matchLabels": {"ns": "y"}}});
    let rules = json!([{"from": [z]}, {"from": [y], "ports": ports}]);
    policy("x", "only-z", json!({"podSelector": {}, "ingress": rules}))
}

#[test]
fn answers_come_back_where_only_ingress_is_restricted() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 153)?;
        let mut talks = Vec::new();
        let out = |port: u16, talks: &mut Vec<Talk>| -> Result<()> {
            for (number, foe) in scene.foes.iter().enumerate() {
                for (family, ip) in foe.ips.iter().enumerate() {
                    let port = port + u16::try_from(number * 2 + family)?;
                    talks.push(Talk::start(&scene.server.ns, (&foe.ns, *ip), port)?);
                }
            }
            Ok(())
        };
        out(7000, &mut talks)?;
        let _echo = Echo::start(&scene.server.ns, &[80])?;
        let _echoes = [
            Echo::start(&scene.foes[0].ns, &[80])?,
            Echo::start(&scene.foes[1].ns, &[80])?,
        ];
        apply(&bed.door(1), &[deny_ingress("x")])?;
        for foe in &scene.foes {
            reach::until(&foe.ns, scene.server.ips[0], 80, false)?;
            reach::shut(&foe.ns, &scene.server, 80)?;
        }
        // Those that were open, and those that begin now.
        talks.iter().try_for_each(Talk::goes_on)?;
        out(7010, &mut talks)?;
        talks.iter().try_for_each(Talk::goes_on)?;
        for foe in &scene.foes {
            reach::open(&scene.server.ns, foe, 80)?;
        }
        Ok(())
    })
}

#[test]
fn what_is_forbidden_now_is_cut_and_all_else_goes_on() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 154)?;
        let (friends, foes) = (
            scene.talks(&scene.friends, 7000)?,
            scene.talks(&scene.foes, 7100)?,
        );
        let mut out = Vec::new();
        for (number, ip) in scene.foes[1].ips.iter().enumerate() {
            let port = 7200 + u16::try_from(number)?;
            out.push(Talk::start(
                &scene.server.ns,
                (&scene.foes[1].ns, *ip),
                port,
            )?);
        }
        let pings = streams(&[&scene.friends[1], &scene.server])?;
        let all = || friends.iter().chain(&out);
        friends
            .iter()
            .chain(&foes)
            .chain(&out)
            .try_for_each(Talk::goes_on)?;
        let door = bed.door(1);
        let rules = only_z(json!([{"port": 9}]));
        apply(&door, std::slice::from_ref(&rules))?;
        foes.iter().try_for_each(Talk::is_cut)?;
        all().try_for_each(Talk::goes_on)?;
        // A policy that is another one and lets the same through.
        for round in 0..20 {
            let rules = only_z(json!([{"port": 1000 + round}]));
            apply(&bed.door(1 + round % 2), &[rules])?;
            all().try_for_each(Talk::goes_on)?;
        }
        foes.iter().try_for_each(Talk::is_cut)?;
        lossless(pings)?;
        // TCP sends again, so what was cut goes on where it was.
        remove(&door, &[rules])?;
        foes.iter().chain(all()).try_for_each(Talk::goes_on)?;
        Ok(())
    })
}

/// The same at the other end: what may not leave any more.
#[test]
fn an_egress_policy_cuts_what_it_forbids() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let scene = Scene::new(bed, 155)?;
        let (friends, foes) = (
            scene.talks(&scene.friends, 7000)?,
            scene.talks(&scene.foes, 7100)?,
        );
        let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [
            {"to": [{"namespaceSelector": {"matchLabels": {"ns": "z"}}}]}]});
        apply(&bed.door(2), &[policy("y", "out", spec)])?;
        foes.iter().try_for_each(Talk::is_cut)?;
        friends.iter().try_for_each(Talk::goes_on)?;
        Ok(())
    })
}
