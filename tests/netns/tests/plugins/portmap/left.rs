//! What is left: after DEL however little it is told, after GC, and for CHECK to find.

use super::{BACKENDS, behind, container, flat, mapped, mappings, rules};
use fairway_tests_netns::{Bed, Result, json, plugin_dir};

#[test]
fn del_needs_the_containers_name_and_no_more() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let other = json!([{"hostPort": 9090, "containerPort": 80}]);
        let stays = mapped(&bed, "b", &b, &flat(&bed, backend, other, json!({})))?;
        let before = rules(bed.node())?;
        for backend_then in [json!(backend), json!("nftables"), json!(null)] {
            mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), json!({})))?;
            let bare = flat(
                &bed,
                backend,
                mappings(),
                json!({
                    "runtimeConfig": null, "backend": backend_then, "conditionsV4": 7,
                }),
            );
            let cni = bed.cni("a", &a.ns, &bare).netns_path(None);
            for _ in 0..2 {
                cni.del(None)?.ok()?;
                assert_eq!(rules(bed.node())?, before);
            }
        }
        stays.check()?;
    }
    Ok(())
}

/// Two interfaces of a container, and a container of that name in another network.
#[test]
fn of_two_that_share_a_name_the_other_stays() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let a = container(&bed, "a")?;
        let port = |port: u16| json!([{"hostPort": port, "containerPort": 80}]);
        let first = mapped(&bed, "a", &a, &flat(&bed, backend, port(1001), json!({})))?;
        let second = behind(&bed, "a", &a, &flat(&bed, backend, port(1002), json!({})));
        // The result is that of eth0, so without an index.
        let mut conf = second.conf().clone();
        conf["prevResult"]["ips"][0]["interface"] = json!(null);
        let second = second.ifname("eth1").config(conf);
        let prev = second.add()?.ok()?;
        let other = flat(&bed, backend, port(1003), json!({"name": "other"}));
        let third = mapped(&bed, "a", &a, &other)?;
        first.check()?;
        second.check(&prev)?.ok()?;
        first.del()?;
        assert!(!rules(bed.node())?.contains("1001"));
        second.check(&prev)?.ok()?;
        third.check()?;
        second.del(None)?.ok()?;
        third.check()?;
        third.del()?;
        assert!(!rules(bed.node())?.contains("10.1.0.2"));
    }
    Ok(())
}

#[test]
fn gc_leaves_the_valid_ones() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let port = |port: u16, name: &str| {
            let mappings = json!([{"hostPort": port, "containerPort": 80}, {"containerPort": 81}]);
            let extra = json!({"name": name, "hostPortRange": "31000-31999"});
            flat(&bed, backend, mappings, extra)
        };
        let alive = mapped(&bed, "a", &a, &port(1001, "net"))?;
        let before = rules(bed.node())?;
        let foreign = mapped(&bed, "b", &b, &port(1003, "other"))?;
        let both = rules(bed.node())?;
        mapped(&bed, "b", &b, &port(1002, "net"))?;
        let gone = bed.scratch().join("ports/net/b:eth0");
        assert!(gone.exists());
        for _ in 0..2 {
            alive.cni.gc(&[("a", "eth0")])?.ok()?;
            assert_eq!(rules(bed.node())?, both);
        }
        assert!(!gone.exists());
        alive.check()?;
        foreign.check()?;
        foreign.cni.gc(&[])?.ok()?;
        assert_eq!(rules(bed.node())?, before);
        alive.check()?;
    }
    Ok(())
}

#[test]
fn check_finds_what_was_bent() -> Result {
    for (backend, bend, word) in [
        (
            "iptables",
            "iptables -t nat -F CNI-HOSTPORT-DNAT",
            "CNI-HOSTPORT-DNAT",
        ),
        ("iptables", "ip6tables -t nat -D PREROUTING 1", "PREROUTING"),
        (
            "iptables",
            "iptables -t nat -D $(iptables -t nat -S | grep -o 'CNI-DN-[0-9a-f]*' | head -n 1) 3",
            "rule",
        ),
        (
            "iptables",
            "iptables -t nat -F CNI-HOSTPORT-MASQ",
            "CNI-HOSTPORT-MASQ",
        ),
        (
            "nftables",
            "nft flush chain ip cni_hostport hostports",
            "tcp 8080 to 10.1.0.2",
        ),
        (
            "nftables",
            "nft flush chain ip6 cni_hostport masquerading",
            "masquerades",
        ),
        (
            "nftables",
            "nft flush chain ip cni_hostport output",
            "output",
        ),
        (
            "nftables",
            "nft delete table ip6 cni_hostport",
            "prerouting",
        ),
    ] {
        let bed = Bed::new()?;
        let a = container(&bed, "a")?;
        let ports = mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), json!({})))?;
        ports.check()?;
        bed.node().sh(bend)?;
        ports.check_finds(word)?;
        // An ADD, or a DEL, gets over it.
        mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), json!({})))?.check()?;
        bed.node().sh(bend)?;
        ports.del()?;
    }
    Ok(())
}

/// What a Mesos agent says of a task, by a flat configuration: ports, for the chain, and a rate by label. When its DEL
/// comes the agent's node was started again, or the agent alone, which says it once more.
#[test]
fn a_tasks_ports_and_rate() -> Result {
    let declared = json!({"portMappings": true});
    for (version, capabilities, again) in [("0.2.0", json!({}), false), ("0.3.0", declared, true)] {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let conf = bed.conf(
            "bridge",
            json!({
                "cniVersion": version, "isDefaultGateway": true,
                "chain": [{"type": "portmap", "backend": "nftables", "hostPortRange": "31000-31009",
                           "dataDir": bed.scratch().join("ports"), "capabilities": capabilities}],
                "args": {"org.apache.mesos": {"network_info": {
                    "name": "net",
                    "labels": {"labels": [
                        {"key": "app", "value": "x"}, {"key": "fairway.network/egress-rate", "value": "50M"},
                    ]},
                    "port_mappings": [
                        {"host_port": 31500, "container_port": 80, "protocol": "tcp"},
                        {"container_port": 81},
                    ],
                }}},
            }),
        );
        let ns = bed.container()?;
        let _server = super::traffic::Server::start(&ns, "a", 80, 53)?;
        let task = bed.cni_in(&plugin_dir(), "task", &ns, &conf);
        let result = task.add()?.ok()?;
        let address = match version {
            "0.2.0" => &result["ip4"]["ip"],
            _ => &result["ips"][0]["address"],
        };
        assert_eq!(address, "10.1.0.2/24", "{version}");
        let answer = super::traffic::tcp(&outside, "192.0.2.1", 31_500);
        assert_eq!(answer.as_deref(), Some("a 192.0.2.2"));
        assert!(bed.scratch().join("ports/net/task:eth0").exists());
        let limits = ns.sh("tc class show dev eth0; tc qdisc show dev eth0")?;
        assert!(limits.contains("50Mbit"), "{limits}");
        let gone = task.netns_path(None);
        for _ in 0..=usize::from(again) {
            gone.del(None)?.ok()?;
            assert!(!rules(bed.node())?.contains("10.1.0.2"));
            assert!(!bed.scratch().join("ports/net/task:eth0").exists());
            assert_eq!(bed.held("net"), [""; 0]);
        }
    }
    Ok(())
}
