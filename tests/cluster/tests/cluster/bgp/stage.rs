//! Nodes with a network whose packets are not encapsulated, and BIRD on the same wire.

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
/// And one of IPv6, where sessions are over IPv6.
pub(super) const BEHIND6: &str = "2001:db8:113::1";
/// Where nobody is.
pub(super) const OTHER: &str = "192.0.2.99";

fn own6(number: usize) -> String {
    format!("2001:db8:9::{number}")
}

/// The router.
pub(super) struct Fabric<'b> {
    bed: &'b Bed,
    pub(super) ns: Ns,
    pub(super) bird: Bird,
    pub(super) address: IpAddr,
}

impl<'b> Fabric<'b> {
    /// `more`: of the sessions, in BIRD's words.
    pub(super) fn new(bed: &'b Bed, more: &str) -> Result<Fabric<'b>> {
        Fabric::with(bed, more, false)
    }

    /// Its sessions are over IPv6, and have both families.
    pub(super) fn over_ipv6(bed: &'b Bed) -> Result<Fabric<'b>> {
        Fabric::with(bed, "", true)
    }

    fn with(bed: &'b Bed, more: &str, six: bool) -> Result<Fabric<'b>> {
        let ns = bed.lab.machine("router")?;
        let four = bed.lan.plug(&ns)?.address;
        for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            ns.set_sysctl(key, "1")?;
        }
        ns.run(&format!("ip addr add {BEHIND}/32 dev lo"))?;
        let mut address = four.clone();
        let mut families = "ipv4 { import all; export where source = RTS_STATIC; };".to_owned();
        if six {
            ns.run(&format!("ip addr add {BEHIND6}/128 dev lo"))?;
            address = own6(254);
            for (number, ns) in (1..).zip(bed.daemons.iter().map(|daemon| &daemon.ns)) {
                ns.run(&format!("ip addr add {}/64 dev uplink nodad", own6(number)))?;
            }
            ns.run(&format!("ip addr add {address}/64 dev uplink nodad"))?;
            let hop = format!("{{ next hop address {four};");
            families = families.replacen('{', &hop, 1)
                + "ipv6 { import all; export where source = RTS_STATIC; };";
        }
        network(bed, "net", 77, "never")?;
        let sessions = (1..).zip(&bed.daemons).map(|(number, daemon)| {
            let node = match six {
                true => own6(number),
                false => daemon.cable.address.clone(),
            };
            format!(
                "protocol bgp {} {{
                   local {address} as 65001; neighbor {node} as 64512;
                   connect delay time 1; {more} {families}
                 }}",
                daemon.name
            )
        });
        let sessions: String = sessions.collect();
        let kernel = "persist; graceful restart on;";
        let bird = Bird::start(
            &ns,
            &format!(
                "router id {four};
                 graceful restart wait 10;
                 protocol device {{ scan time 1; }}
                 protocol static {{
                   ipv4;
                   route 203.0.113.0/24 unreachable;
                   route 10.77.9.0/26 unreachable;
                 }}
                 protocol static {{ ipv6; route 2001:db8:113::/48 unreachable; }}
                 protocol kernel {{ {kernel} ipv4 {{ import none; export where source = RTS_BGP; }}; }}
                 protocol kernel {{ {kernel} ipv6 {{ import none; export where source = RTS_BGP; }}; }}
                 {sessions}"
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
            "export": {"rules": [{"match": {"sources": ["Block", "Claim"]}, "then": "Accept"}]},
        });
        if self.address.is_ipv6() {
            spec["families"] = json!({"ipv4": {}, "ipv6": {}});
            let all = json!({"prefix": "::/0", "ge": 1});
            let prefixes = spec.pointer_mut("/import/rules/0/match/prefixes");
            let prefixes = prefixes.and_then(Value::as_array_mut);
            prefixes.context("prefixes of the import")?.push(all);
        }
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
        self.block_of(|prefix| !prefix.contains(':'))
    }

    /// One of the node's blocks.
    pub(super) fn block_of(&self, which: impl Fn(&str) -> bool) -> Result<String> {
        eventually("the speaker knows the block", || {
            let all = self.routes(BgpRouteList::default())?;
            let mut own = all.into_iter().filter(|one| one.source == "block");
            let block = own.find(|one| which(&one.prefix));
            Ok(block.context("no block")?.prefix)
        })
    }

    /// Waits until the router has a route from the node, or has none.
    pub(super) fn knows(&self, prefix: &str, wanted: bool) -> Result<()> {
        self.knows_by(1, prefix, wanted)
    }

    /// Likewise of a node by number.
    pub(super) fn knows_by(&self, node: usize, prefix: &str, wanted: bool) -> Result<()> {
        eventually("the router knows the route, or does not", || {
            let all = self.bird.ask(&format!("show route protocol n{node}"))?;
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
