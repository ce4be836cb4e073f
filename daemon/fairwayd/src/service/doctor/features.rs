//! What this kernel can do, and what is lost where it cannot.
//!
//! Each is tried for real, in a network namespace that is made for it and gone a moment later: a list of modules tells
//! of what may be built in, and a kernel's version of nothing. What is missing and has a substitute is worth knowing
//! and no more.

use super::judge::{failed, ok, warning};
use crate::routes::Ground;
use fairway_api::admin::Check;
use fairway_netfilter::node::NodeTable;
use fairway_netlink::{
    BridgeSpec, Handle, Netlink, Qdisc, QdiscKind, Qdiscs, TcHandle, VethPeer, VethSpec, VxlanSpec,
};
use nix::sched::{CloneFlags, unshare};

const NAME: &str = "kernel";

/// One feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Feature {
    name: &'static str,
    /// What is lost without.
    lost: &'static str,
    /// The module to load, and the option of the kernel's configuration.
    module: &'static str,
    option: &'static str,
    /// Why it is not there.
    missing: Option<String>,
}

/// What was tried; or why nothing could be.
pub(super) type Tried = Result<Vec<Feature>, String>;

/// Blocks for as long as the kernel takes.
pub(super) fn read() -> Tried {
    // A namespace belongs to a thread: one of its own takes it along.
    let tried = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| errno.to_string())?;
        let handle = Handle::open().map_err(|error| error.to_string())?;
        Ok(tries(handle))
    });
    let died = |_| Err("the thread that tries it died".to_owned());
    tried.join().unwrap_or_else(died)
}

fn tries(mut handle: Handle) -> Vec<Feature> {
    let why = |result: Result<(), fairway_netlink::Error>| result.err().map(|e| e.to_string());
    let pair = VethSpec {
        name: "fwtry0".to_owned(),
        peer: VethPeer {
            name: "fwtry1".to_owned(),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    };
    let bridge = BridgeSpec {
        name: "fwtry2".to_owned(),
        ..BridgeSpec::default()
    };
    let feature = |name, lost, module, option, missing| Feature {
        name,
        lost,
        module,
        option,
        missing,
    };
    let veth = why(handle.create_veth(&pair));
    let link = handle.link_by_name("fwtry0").ok().flatten();
    let mut queue = |kind: QdiscKind| match &link {
        None => Some("there is no link to try it on".to_owned()),
        Some(link) => {
            let qdisc = Qdisc {
                parent: TcHandle::ROOT,
                handle: TcHandle::new(0xfa17, 0),
                kind,
            };
            let added = why(handle.add_qdisc(link.index, &qdisc));
            // The next one takes its place; a refusal would be told there.
            let gone = handle.delete_qdisc(link.index, qdisc.parent, qdisc.handle);
            added.or_else(|| gone.err().map(|error| error.to_string()))
        }
    };
    let htb = queue(QdiscKind::Htb { default: 0 });
    let fq = queue(QdiscKind::Fq {
        limit: 100,
        flow_limit: 100,
    });
    let nft = NodeTable::open().and_then(|mut table| table.remove());
    vec![
        feature(
            "veth",
            "no container gets a link of bridge, ptp or vxlan",
            "veth",
            "CONFIG_VETH",
            veth,
        ),
        feature(
            "bridge",
            "the bridge plugin works not at all",
            "bridge",
            "CONFIG_BRIDGE",
            why(handle.create_bridge(&bridge)),
        ),
        feature(
            "vxlan",
            "containers of other nodes are reached only where routes lead there without a tunnel",
            "vxlan",
            "CONFIG_VXLAN",
            why(handle.create_vxlan(&VxlanSpec::new("fwtry3")).map(drop)),
        ),
        feature(
            "nf_tables",
            "masquerading and host ports take iptables-legacy, and a node's own table cannot be",
            "nf_tables",
            "CONFIG_NF_TABLES_INET",
            nft.err().map(|error| error.to_string()),
        ),
        feature(
            "htb",
            "limits are kept by one token bucket, or by dropping",
            "sch_htb",
            "CONFIG_NET_SCH_HTB",
            htb,
        ),
        feature(
            "fq",
            "limits are kept by htb: each change goes to each link, and packets wait longer",
            "sch_fq",
            "CONFIG_NET_SCH_FQ",
            fq,
        ),
    ]
}

/// What is wanted and missing fails; what is missing otherwise is told.
pub(super) fn judge(ground: &Ground, tried: Tried) -> Vec<Check> {
    let features = match tried {
        Ok(features) => features,
        Err(error) => {
            let text = format!("what it can do was not tried: {error}");
            return vec![warning(NAME, text, None)];
        }
    };
    let wanted = |feature: &Feature| match feature.name {
        "veth" => true,
        "vxlan" => ground.device,
        _ => false,
    };
    let (there, missing): (Vec<&Feature>, Vec<&Feature>) = features
        .iter()
        .partition(|feature| feature.missing.is_none());
    let names = |features: &[&Feature]| {
        let names: Vec<_> = features.iter().map(|feature| feature.name).collect();
        names.join(", ")
    };
    let mut text = format!("it has {}", names(&there));
    let mut checks = Vec::new();
    for feature in missing {
        match wanted(feature) {
            true => checks.push(lost(feature)),
            false => text += &format!("; without {}: {}", feature.name, feature.lost),
        }
    }
    checks.insert(0, ok(NAME, text));
    checks
}

fn lost(feature: &Feature) -> Check {
    let why = feature.missing.clone().unwrap_or_default();
    let text = format!("it has no {} ({why}): {}", feature.name, feature.lost);
    let remedy = format!(
        "modprobe {}, or a kernel with {}",
        feature.module, feature.option
    );
    failed(NAME, text, Some(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(name: &'static str, missing: Option<&str>) -> Feature {
        Feature {
            name,
            lost: "much is lost",
            module: "the_module",
            option: "CONFIG_IT",
            missing: missing.map(str::to_owned),
        }
    }

    fn ground(device: bool) -> Ground {
        Ground {
            underlay: None,
            no_underlay: String::new(),
            problems: Vec::new(),
            networks: 0,
            families: Vec::new(),
            wraps: device,
            device,
        }
    }

    #[test]
    fn what_is_missing_is_told_and_what_is_wanted_fails() {
        let all = || vec![feature("veth", None), feature("fq", Some("ENOENT"))];
        let checks = judge(&ground(false), Ok(all()));
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].state, "ok");
        assert_eq!(checks[0].text, "it has veth; without fq: much is lost");
        let vxlan = || vec![feature("vxlan", Some("EOPNOTSUPP"))];
        assert_eq!(judge(&ground(false), Ok(vxlan())).len(), 1);
        let checks = judge(&ground(true), Ok(vxlan()));
        assert_eq!((checks.len(), checks[1].state.as_str()), (2, "failed"));
        assert_eq!(checks[1].text, "it has no vxlan (EOPNOTSUPP): much is lost");
        assert_eq!(
            checks[1].remedy.as_deref(),
            Some("modprobe the_module, or a kernel with CONFIG_IT")
        );
        let untried = judge(&ground(true), Err("EPERM".to_owned()));
        assert_eq!(untried[0].state, "warning");
    }

    /// It leaves nothing here, and what is there is found.
    #[test]
    fn a_kernel_is_tried_elsewhere() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: needs root to make a network namespace");
            return;
        }
        let links = || Handle::open().unwrap().links().unwrap();
        let tried = read().unwrap();
        assert!(!links().iter().any(|link| link.name.starts_with("fwtry")));
        let names: Vec<_> = tried.iter().map(|feature| feature.name).collect();
        assert_eq!(names, ["veth", "bridge", "vxlan", "nf_tables", "htb", "fq"]);
        // Without these nothing else here could be tested.
        for feature in tried
            .iter()
            .filter(|f| ["veth", "bridge"].contains(&f.name))
        {
            assert_eq!(feature.missing, None, "{feature:?}");
        }
    }
}
