//! containerd 1.6 with its CRI plugin, driven as a kubelet does it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Result, ensure};
use fairway_tests_interop::conf::Network;
use fairway_tests_interop::containerd::Containerd;
use fairway_tests_interop::cri::{PortMapping, pod};
use fairway_tests_interop::host::{Host, on_private_host};
use fairway_tests_interop::podman::GREETING;
use fairway_tests_interop::seen;
use serde_json::json;

const V4: &str = "10.81.0.0/24";
const V6: &str = "fd81::/64";

/// Two sandboxes from the first to the last call, addresses as wanted.
fn two_sandboxes(host: &Host, network: &Network, prefixes: &[u8]) -> Result<()> {
    network.write(host)?;
    let containerd = Containerd::new(host)?;
    let cri = containerd.cri();
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        ids.push(cri.run(pod(name, &host.cgroup_parent()))?);
    }
    let mut all = Vec::new();
    for id in &ids {
        let status = cri.status(id)?;
        ensure!(status.ready, "{status:?}");
        let with_prefix = status.addresses.iter().zip(prefixes);
        let expected: Vec<_> = with_prefix.map(|(a, p)| format!("{a}/{p}")).collect();
        assert_eq!(seen::addresses(host, containerd.pid(id)?)?, expected);
        all.push(status.addresses);
    }
    let mut files: Vec<IpAddr> = Vec::new();
    for address in all.iter().flatten() {
        files.push(address.parse()?);
    }
    files.sort();
    assert_eq!(seen::taken(network)?, files);
    assert_eq!(files.len(), 2 * prefixes.len());
    for (from, to) in [(0, 1), (1, 0)] {
        for address in &all[to] {
            containerd.ping(&ids[from], address)?;
        }
    }
    let mut marks: Vec<_> = all.iter().flatten().map(String::as_str).collect();
    for mark in &marks {
        seen::some_rule_for(host, mark)?;
    }
    for id in &ids {
        cri.stop(id)?;
        ensure!(!cri.status(id)?.ready);
        cri.remove(id)?;
    }
    marks.extend(ids.iter().map(String::as_str));
    seen::nothing_left(host, network, &marks)
}

#[test]
fn two_sandboxes_on_version_1_0_0() -> Result<()> {
    on_private_host(|host| two_sandboxes(host, &Network::new(host, "fw", &[V4]), &[24]))
}

#[test]
fn two_sandboxes_on_version_0_4_0() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).version("0.4.0");
        two_sandboxes(host, &network, &[24])
    })
}

/// The first family of the configuration is the pod's first address.
#[test]
fn two_sandboxes_on_dual_stack() -> Result<()> {
    on_private_host(|host| two_sandboxes(host, &Network::new(host, "fw", &[V4, V6]), &[24, 64]))
}

#[test]
fn two_sandboxes_on_ipv6() -> Result<()> {
    on_private_host(|host| two_sandboxes(host, &Network::new(host, "fw", &[V6]), &[64]))
}

/// A pod's hostPort, which comes to portmap by the capability portMappings.
#[test]
fn a_host_port_answers() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).with_ports();
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let mut web = pod("web", &host.cgroup_parent());
        web.port_mappings.push(PortMapping {
            protocol: 0,
            container_port: 80,
            host_port: 8081,
            host_ip: String::new(),
        });
        let id = containerd.cri().run(web)?;
        let status = containerd.cri().status(&id)?;
        for front in ["127.0.0.1:8081", "10.81.0.1:8081"] {
            let page = seen::fetch(front.parse()?)?;
            ensure!(page.contains(GREETING), "{front} answers {page:?}");
        }
        let address = status.addresses[0].as_str();
        seen::some_rule_for(host, &format!("{address}:80"))?;
        containerd.cri().stop(&id)?;
        containerd.cri().remove(&id)?;
        seen::nothing_left(host, &network, &[address, &id])
    })
}

/// Stop's DEL has the namespace and the result, Remove's has neither.
#[test]
fn the_second_delete_has_no_namespace_and_no_result() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).recorded();
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let cri = containerd.cri();
        let id = cri.run(pod("box", &host.cgroup_parent()))?;
        cri.stop(&id)?;
        seen::nothing_left(host, &network, &[&id])?;
        cri.remove(&id)?;
        seen::nothing_left(host, &network, &[&id])?;

        let calls = host.plugins().calls()?;
        ensure!(calls.iter().all(|c| c.container == id), "{calls:#?}");
        let verbs: Vec<_> = calls.iter().map(|c| c.command.as_str()).collect();
        assert_eq!(verbs, ["ADD", "DEL", "DEL"]);
        let [_, first, second] = &calls[..] else {
            unreachable!("three verbs above");
        };
        ensure!(
            first.netns.as_deref().is_some_and(|n| n.starts_with("/")),
            "{first:#?}"
        );
        ensure!(first.stdin["prevResult"]["ips"].is_array(), "{first:#?}");
        assert_eq!(second.netns.as_deref(), Some(""));
        ensure!(second.stdin.get("prevResult").is_none(), "{second:#?}");
        Ok(())
    })
}

/// The daemon is killed between ADD and DEL, as by an upgrade.
#[test]
fn a_restarted_daemon_still_deletes() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]);
        network.write(host)?;
        let mut containerd = Containerd::new(host)?;
        let id = containerd.cri().run(pod("box", &host.cgroup_parent()))?;
        let before = containerd.cri().status(&id)?;
        containerd.restart()?;
        let cri = containerd.cri();
        let after = cri.status(&id)?;
        ensure!(after.ready, "{after:?}");
        assert_eq!(after.addresses, before.addresses);
        cri.stop(&id)?;
        cri.remove(&id)?;
        seen::nothing_left(host, &network, &[&id, &before.addresses[0]])
    })
}

/// A firewall's reload throws all rules away while the pod runs.
#[test]
fn flushed_rules_do_not_stop_the_delete() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4, V6]);
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let cri = containerd.cri();
        let id = cri.run(pod("box", &host.cgroup_parent()))?;
        seen::some_rule_for(host, &cri.status(&id)?.addresses[0])?;
        host.sh(&["nft", "flush", "ruleset"])?;
        cri.stop(&id)?;
        cri.remove(&id)?;
        seen::nothing_left(host, &network, &[&id])
    })
}

/// Six pods at once: six addresses.
#[test]
fn sandboxes_start_together() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]);
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let cri = containerd.cri();
        let pods = (0..6).map(|n| pod(&format!("box-{n}"), &host.cgroup_parent()));
        let started = cri.run_together(pods.collect(), "", 6)?;
        let ids: Vec<_> = started.into_iter().map(|one| one.id).collect();
        let mut addresses = BTreeSet::new();
        for id in &ids {
            addresses.extend(cri.status(id)?.addresses);
        }
        assert_eq!(addresses.len(), ids.len(), "{addresses:?}");
        cri.end_together(ids, 6)?;
        seen::nothing_left(host, &network, &[])
    })
}

/// `plugin type="bridge" failed (add): …`, and nothing of the second pod.
#[test]
fn a_full_range_is_told_to_the_user() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &["10.81.0.0/30"]);
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let cri = containerd.cri();
        let first = cri.run(pod("first", &host.cgroup_parent()))?;
        let told = cri.run(pod("second", &host.cgroup_parent())).err();
        let told = told.map(|e| e.to_string()).unwrap_or_default();
        ensure!(
            told.contains(r#"plugin type="bridge" failed (add): "#)
                && told.contains("no IP addresses available")
                && told.contains("10.81.0."),
            "the user reads: {told:?}"
        );
        assert_eq!(seen::taken(&network)?.len(), 1);
        assert_eq!(seen::veths(host)?.len(), 1);
        containerd.ping(&first, "10.81.0.1")?;
        cri.stop(&first)?;
        cri.remove(&first)?;
        seen::nothing_left(host, &network, &[&first])
    })
}

#[test]
fn a_bad_value_is_told_to_the_user() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).key("vlan", json!(5000));
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let told = containerd
            .cri()
            .run(pod("box", &host.cgroup_parent()))
            .err();
        let told = told.map(|e| e.to_string()).unwrap_or_default();
        ensure!(
            told.contains(r#"plugin type="bridge" failed (add): "#)
                && told.to_lowercase().contains("vlan")
                && told.contains("5000"),
            "the user reads: {told:?}"
        );
        seen::nothing_left(host, &network, &[])
    })
}
