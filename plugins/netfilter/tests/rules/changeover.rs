//! A node changes over with containers running: theirs set up, ours takes down,
//! and the other way round.

use fairway_lab::{Cni, Lab, Ns, Result, json};
use fairway_netfilter::{Attachment, Backend, Netfilter, masq};
use ipnetwork::IpNetwork;

use crate::common::*;

const ID: &str = "d1f0b2a7c6e5948372615049f8e7d6c5b4a39281706f5e4d3c2b1a0987654321";

fn attachment() -> Attachment<'static> {
    Attachment {
        network: "changing",
        container_id: ID,
        ifname: "eth0",
    }
}

fn reference(lab: &Lab, kind: &str, container: &Ns, masquerade: bool) -> Cni {
    lab.reference(kind)
        .container(ID)
        .netns(container)
        .config(json!({
            "cniVersion": "1.0.0", "name": "changing", "type": kind,
            "bridge": "br0", "isGateway": true, "ipMasq": masquerade,
            "ipam": {
                "type": "host-local", "dataDir": lab.scratch().join("ipam"),
                "ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd00:88::/64"}]],
            },
        }))
}

/// Runs the test for both plugins, and with both faces of iptables.
fn for_all(test: impl Fn(&Lab, &str, Option<&str>) -> Result) -> Result {
    for kind in ["bridge", "ptp"] {
        for legacy in [false, true] {
            let lab = Lab::new()?;
            let path = legacy_path(&lab).display().to_string();
            test(&lab, kind, legacy.then_some(path.as_str()))?;
        }
    }
    Ok(())
}

fn with_path(cni: Cni, path: Option<&str>) -> Cni {
    match path {
        Some(path) => cni.env("PATH", path),
        None => cni,
    }
}

fn netfilter(path: Option<&str>) -> Netfilter {
    let netfilter = Netfilter::open().unwrap();
    match path {
        Some(path) => netfilter.with_path(path.as_ref()),
        None => netfilter,
    }
}

/// All rules of both faces, without comments on times and without counts.
fn all_saved(ns: &Ns) -> Result<String> {
    let text = ns.sh("for face in nft legacy; do for family in ip ip6; do
             echo $face $family; ${family}tables-$face-save -t nat
         done; done 2>/dev/null")?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .map(|line| line.split(" [").next().unwrap_or(line).to_owned() + "\n")
        .collect())
}

/// The same without the frame of the table, which whoever comes last leaves.
fn without_frame(saved: &str) -> Vec<&str> {
    let frame = |line: &&str| line.starts_with("-A") || line.starts_with(":CNI");
    saved.lines().filter(frame).collect()
}

fn result_addresses(result: &fairway_lab::Value) -> Vec<IpNetwork> {
    let ips = result["ips"].as_array().unwrap().iter();
    ips.map(|ip| ip["address"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn we_leave_what_they_leave_and_take_it_away() -> Result {
    for_all(|lab, kind, path| {
        let container = lab.container()?;
        let theirs = with_path(reference(lab, kind, &container, true), path);
        let result = theirs.add()?.ok()?;
        let addresses = result_addresses(&result);
        let twin = lab.machine("twin")?;
        within(&twin, |_| {
            let mut netfilter = netfilter(path);
            masq::setup(&mut netfilter, Backend::Iptables, &attachment(), &addresses)
        })
        .unwrap();
        let by_theirs = all_saved(lab.node())?;
        assert_eq!(all_saved(&twin)?, by_theirs, "{kind} {path:?}");
        assert_eq!(without_frame(&by_theirs).len(), 8, "{by_theirs}");

        // Over theirs, ours have nothing to do, and find all that is to go.
        let node = lab.node();
        within(node, |_| {
            let mut netfilter = netfilter(path);
            let attachment = attachment();
            masq::check(&mut netfilter, Backend::Iptables, &attachment, &addresses).unwrap();
            masq::setup(&mut netfilter, Backend::Iptables, &attachment, &addresses).unwrap();
        });
        assert_eq!(all_saved(node)?, by_theirs, "{kind} {path:?}");
        teardown(node, &attachment()).unwrap();
        let left = all_saved(node)?;
        assert_eq!(without_frame(&left), [""; 0], "{kind} {path:?}");
        Ok(())
    })
}

#[test]
fn they_take_away_what_we_leave() -> Result {
    for_all(|lab, kind, path| {
        let container = lab.container()?;
        let result = with_path(reference(lab, kind, &container, false), path)
            .add()?
            .ok()?;
        let addresses = result_addresses(&result);
        within(lab.node(), |_| {
            let mut netfilter = netfilter(path);
            masq::setup(&mut netfilter, Backend::Iptables, &attachment(), &addresses)
        })
        .unwrap();
        assert_eq!(without_frame(&all_saved(lab.node())?).len(), 8);
        let theirs = with_path(reference(lab, kind, &container, true), path);
        theirs.del(Some(&result))?.ok()?;
        let left = all_saved(lab.node())?;
        assert_eq!(without_frame(&left), [""; 0], "{kind} {path:?}");
        Ok(())
    })
}
