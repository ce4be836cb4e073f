//! A node with a network whose packets are not encapsulated, and BIRD on the same wire.

use super::OPEN;
use crate::overlay::stage::network;
use crate::support::eventually;
use anyhow::{Context as _, Result, ensure};
use fairway_api::Method;
use fairway_api::admin::{BgpPeer, BgpPeers, BgpRoute, BgpRouteList, ObjectApply, RouteWhy};
use fairway_bgp_bed::Bird;
use fairway_lab::{Ns, Value, json};
use fairway_tests_cluster::Bed;
use std::net::IpAddr;
use std::path::Path;

/// An address behind the router.
pub(super) const BEHIND: &str = "203.0.113.1";
/// Where nobody is.
pub(super) const OTHER: &str = "192.0.2.99";

/// The router.
pub(super) struct Fabric<'b> {
    bed: &'b Bed,
    pub(super) ns: Ns,
    pub(super) bird: Bird,
    pub(super) address: IpAddr,
}

impl<'b> Fabric<'b> {
    /// `more`: of the session, in BIRD's words.
    pub(super) fn new(bed: &'b Bed, more: &str) -> Result<Fabric<'b>> {
        network(bed, "net", 77, "never")?;
        let ns = bed.lab.machine("router")?;
        let address = bed.lan.plug(&ns)?.address;
        ns.set_sysctl("ipv4/ip_forward", "1")?;
        ns.run(&format!("ip addr add {BEHIND}/32 dev lo"))?;
        let node = &bed.node(1).cable.address;
        let bird = Bird::start(
            &ns,
            &format!(
                "router id {address};
                 protocol device {{ scan time 1; }}
                 protocol static {{
                   ipv4;
                   route 203.0.113.0/24 unreachable;
                   route 10.77.9.0/26 unreachable;
                 }}
                 protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
                 protocol bgp n1 {{
                   local {address} as 65001; neighbor {node} as 64512;
                   connect delay time 1; {more}
                   ipv4 {{ import all; export where source = RTS_STATIC; }};
                 }}"
            ),
        )?;
        let address = address.parse()?;
        Ok(Fabric {
            bed,
            ns,
            bird,
            address,
        })
    }

    /// Applies an object; the warnings.
    pub(super) fn apply(&self, kind: &str, name: &str, spec: &Value) -> Result<Vec<String>> {
        let object = json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        });
        let objects = vec![object];
        let applied = self.bed.door(1).apply(ObjectApply { objects })?;
        let applied = applied.into_iter().next().context("no answer")?;
        Ok(applied.warnings)
    }

    /// The router as a neighbour, to whom blocks are told.
    pub(super) fn peer(&self, key: Option<&Path>) -> Result<()> {
        let open: Value = serde_json::from_str(OPEN)?;
        let mut spec = json!({
            "address": self.address, "asn": 65001, "connectRetry": "1s",
            "import": open,
            "export": {"rules": [{"match": {"sources": ["Block"]}, "then": "Accept"}]},
        });
        if let Some(key) = key {
            spec["passwordFile"] = json!(key);
        }
        let warnings = self.apply("BgpPeer", "router", &spec)?;
        // The default route itself is not taken so, which is what is wanted here.
        ensure!(
            warnings.iter().all(|text| text.starts_with("spec.import")),
            "{warnings:?}"
        );
        Ok(())
    }

    pub(super) fn peers(&self) -> Result<BgpPeers> {
        Ok(self.bed.door(1).call(Method::BgpPeers)?)
    }

    pub(super) fn find(&self, address: &str) -> Result<BgpPeer> {
        let peers = self.peers()?;
        let address: IpAddr = address.parse()?;
        let mut all = peers.peers.into_iter();
        let found = all.find(|peer| peer.address == address);
        found.with_context(|| format!("{address} is no neighbour"))
    }

    pub(super) fn is_up(&self) -> Result<()> {
        eventually("the session is up", || {
            let peer = self.find(&self.address.to_string())?;
            let log = self.bird.ask("show protocols all n1")?;
            ensure!(peer.state == "Established", "{peer:?}\n{log}");
            Ok(())
        })
    }

    pub(super) fn routes(&self, list: BgpRouteList) -> Result<Vec<BgpRoute>> {
        Ok(self.bed.door(1).call(Method::BgpRoutes(list))?)
    }

    /// The node's block of IPv4.
    pub(super) fn block(&self) -> Result<String> {
        let all = self.routes(BgpRouteList::default())?;
        let mut own = all.into_iter().filter(|one| one.source == "block");
        let block = own.find(|one| !one.prefix.contains(':'));
        Ok(block.context("no block")?.prefix)
    }

    /// Waits until the router has a route from the node, or has none.
    pub(super) fn knows(&self, prefix: &str, wanted: bool) -> Result<()> {
        eventually("the router knows the block, or does not", || {
            let all = self.bird.ask("show route protocol n1")?;
            ensure!(all.contains(prefix) == wanted, "{all}");
            Ok(())
        })
    }

    /// Which way the node sends packets of containers to an address.
    pub(super) fn way(&self, address: IpAddr) -> Result<String> {
        let network = Some("net".to_owned());
        let why = self.bed.door(1).why(RouteWhy { address, network })?;
        Ok(format!("{why:?}"))
    }
}
