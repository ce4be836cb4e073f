//! A node changes its plugins while containers run, to ours and back: what one has set up the
//! other checks and takes away, links, rules and addresses, with nothing left over.

use fairway_lab::Result;
use fairway_tests_differential::{Case, Maker, Pair};

/// One side lives with the reference alone; on the other `first` adds and `then` does the rest.
fn changed(case: Case, first: Maker, then: Maker) -> Result {
    let mut pair = Pair::new(case)?;
    pair.mixed();
    let by = |side: Maker, maker: Maker| match side {
        Maker::Reference => Maker::Reference,
        Maker::Ours => maker,
    };
    for id in ["c1", "c2"] {
        let (theirs, ours) = pair.call(&format!("ADD {id}"), |side, case, version| {
            side.cni_by(by(side.maker, first), case, version, id)?.add()
        })?;
        pair.theirs.keep(id, &theirs);
        pair.ours.keep(id, &ours);
    }
    for verb in ["CHECK", "DEL"] {
        pair.call(&format!("{verb} c1"), |side, case, version| {
            let cni = side.cni_by(by(side.maker, then), case, version, "c1")?;
            let result = side.result("c1").cloned().unwrap_or_default();
            match verb {
                "DEL" => cni.del(Some(&result)),
                _ => cni.check(&result),
            }
        })?;
    }
    pair.files()?;
    pair.state("after DEL by the other")?;
    let (_, ours) = pair.call("ADD c3 by the other", |side, case, version| {
        side.cni_by(by(side.maker, then), case, version, "c3")?
            .add()
    })?;
    ours.ok()?;
    pair.files()?;
    pair.call("DEL c2, late", |side, case, version| {
        let cni = side.cni_by(by(side.maker, then), case, version, "c2")?;
        cni.netns_path(None).del(None)
    })?;
    pair.files()?;
    pair.finish()
}

fn to_ours(plugin: &str, keys: &'static str) -> Result {
    changed(Case::new(plugin, keys), Maker::Reference, Maker::Ours)
}

fn back(plugin: &str, keys: &'static str) -> Result {
    changed(Case::new(plugin, keys), Maker::Ours, Maker::Reference)
}

fn macvlan() -> Case {
    Case::new("macvlan", r#"{"master": "up0"}"#).prepare(
        "ip link add up0 type veth peer name far
         ip link set up0 addrgenmode none; ip link set far addrgenmode none
         ip link set up0 up; ip link set far up",
    )
}

const GATEWAY: &str = r#"{"isDefaultGateway": true, "ipMasq": true}"#;
const GUARDED: &str = r#"{"isDefaultGateway": true, "macspoofchk": true, "hairpinMode": true}"#;
const MASQUERADE: &str = r#"{"ipMasq": true}"#;

cases! {
    bridge_to_ours: to_ours("bridge", GATEWAY);
    bridge_and_back: back("bridge", GATEWAY);
    guarded_bridge_to_ours: to_ours("bridge", GUARDED);
    guarded_bridge_and_back: back("bridge", GUARDED);
    macvlan_to_ours: changed(macvlan(), Maker::Reference, Maker::Ours);
    macvlan_and_back: changed(macvlan(), Maker::Ours, Maker::Reference);
    ptp_to_ours: to_ours("ptp", MASQUERADE);
    ptp_and_back: back("ptp", MASQUERADE);
}
