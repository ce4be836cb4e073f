//! Nodes in two subnets, with nothing but a router between them and nothing encapsulated: it has to be told where
//! containers are, and tells it on.

use super::OPEN;
use crate::overlay::fabric::{Families, fabric};
use crate::overlay::stage::{Pod, all_pairs, network, ping};
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{ObjectApply, RouteWhy};
use fairway_bgp_bed::Bird;
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Plan, before};

/// Each node is an AS of its own, or none would take what another told.
fn apply(bed: &Bed) -> Result<()> {
    let open: Value = serde_json::from_str(OPEN)?;
    let mut objects = Vec::new();
    let mut add = |kind: &str, node: &str, mut spec: Value| {
        spec["nodes"] = json!([node]);
        objects.push(json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": node}, "spec": spec,
        }));
    };
    for number in [1, 2] {
        let node = format!("n{number}");
        add("BgpConfig", &node, json!({"asn": 64600 + number}));
        let peer = json!({
            "address": format!("198.18.{number}.254"), "asn": 65001, "connectRetry": "1s",
            "import": open,
            "export": {"rules": [{"match": {"sources": ["Block", "Claim"]}, "then": "Accept"}]},
        });
        add("BgpPeer", &node, peer);
    }
    bed.door(1).apply(ObjectApply { objects })?;
    Ok(())
}

#[test]
fn nodes_of_two_subnets_reach_each_other_by_what_the_router_tells() -> Result<()> {
    before(&Plan::nodes(2).members(1), |bed| {
        let router = fabric(bed, Families::V4)?;
        network(bed, "net", 78, "never")?;
        let pods = [
            Pod::add(bed, 1, "one", "net")?,
            Pod::add(bed, 2, "two", "net")?,
        ];
        let far = *pods[1].ips.first().context("an address")?;
        ensure!(
            !ping(&pods[0].ns, far, 56),
            "nobody has told the router yet"
        );
        let session = |number: u8| {
            format!(
                "protocol bgp n{number} {{
                   local 198.18.{number}.254 as 65001; neighbor 198.18.{number}.{number} as {};
                   connect delay time 1;
                   ipv4 {{ import all; export all; }};
                 }}",
                64600 + u32::from(number)
            )
        };
        let _bird = Bird::start(
            &router,
            &format!(
                "router id 198.18.1.254;
                 protocol device {{}}
                 protocol kernel {{ ipv4 {{ import none; export all; }}; }}
                 {} {}",
                session(1),
                session(2)
            ),
        )?;
        apply(bed)?;
        crate::support::eventually("the first node has a way", || {
            let network = Some("net".to_owned());
            let why = bed.door(1).why(RouteWhy {
                address: far,
                network,
            })?;
            let way = why.route.context("a route")?.forward;
            ensure!(way == "via 198.18.1.254 dev fab0", "{way}");
            ensure!(ping(&pods[0].ns, far, 56), "by {way}");
            Ok(())
        })?;
        // Of IPv6 nobody told anything.
        let v4: Vec<Pod> = pods
            .into_iter()
            .map(|pod| Pod {
                ips: pod.ips.iter().copied().filter(|ip| ip.is_ipv4()).collect(),
                ..pod
            })
            .collect();
        all_pairs(&v4)?;
        v4.iter().try_for_each(Pod::del)
    })
}
