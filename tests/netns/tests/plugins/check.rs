//! CHECK: each thing that can go wrong with an attachment is found (code 100) and named; a good one
//! passes, also with what later plugins and administrators added.

use fairway_tests_netns::{Bed, Member, Result, json};
use std::fs;

/// Breaks the attachment by a script in the container (`c`) or on the node (`n`), in which `PORT` stands
/// for the host's end, and wants CHECK to name `word`.
struct Breakage {
    place: char,
    script: &'static str,
    word: &'static str,
}

const fn breakage(place: char, script: &'static str, word: &'static str) -> Breakage {
    Breakage {
        place,
        script,
        word,
    }
}

const BOTH: &[Breakage] = &[
    breakage('c', "ip addr del 10.1.0.2/24 dev eth0", "10.1.0.2/24"),
    breakage('c', "ip addr del fd00:1::2/64 dev eth0", "fd00:1::2/64"),
    breakage('c', "ip link set eth0 name eth9", "eth0"),
    breakage(
        'c',
        "ip link set eth0 address 02:00:00:00:00:01",
        "hardware address",
    ),
    breakage('c', "ip link del eth0", "eth0"),
    breakage(
        'c',
        "ip link del eth0; ip link add eth0 type bridge",
        "eth0",
    ),
    breakage('c', "ip route del 0.0.0.0/0", "0.0.0.0/0"),
    breakage('c', "ip -6 route del ::/0", "::/0"),
    breakage(
        'c',
        "ip route replace 0.0.0.0/0 via 10.1.0.99 dev eth0 onlink",
        "0.0.0.0/0 via 10.1.0.1",
    ),
    breakage('c', "ip link set eth0 down", "0.0.0.0/0"),
    breakage('n', "ip link del PORT", "eth0"),
    breakage('n', "rm DATA/10.1.0.2", "10.1.0.2"),
    breakage('n', "rm DATA/fd00:1::2", "fd00:1::2"),
    breakage('n', "rm DATA/*.* DATA/*:*", "a"),
    breakage('n', "printf 'other\\r\\neth0' > DATA/10.1.0.2", "10.1.0.2"),
    breakage('n', "nft flush ruleset", "table"),
];

const BRIDGE: &[Breakage] = &[
    breakage('n', "ip link set PORT nomaster", "br0"),
    breakage(
        'n',
        "ip link add br9 type bridge; ip link set PORT master br9",
        "br0",
    ),
    breakage('n', "ip link set PORT name other0", "eth0"),
    breakage('n', "ip link del br0", "br0"),
    breakage('n', "ip link set br0 address 02:00:00:00:00:02", "br0"),
    breakage('n', "bridge link set dev PORT hairpin off", "hairpinMode"),
    breakage(
        'n',
        "bridge link set dev PORT isolated off",
        "portIsolation",
    ),
    breakage('n', "nft delete table bridge nat", "bridge table nat"),
];

const PTP: &[Breakage] = &[
    breakage('n', "ip route del 10.1.0.2", "10.1.0.2"),
    breakage('n', "ip -6 route del fd00:1::2", "fd00:1::2"),
];

fn attach(kind: &str, backend: &str) -> Result<(Bed, Member)> {
    let bed = Bed::new()?;
    let mut conf = bed.conf(kind, json!({"ipMasq": true, "ipMasqBackend": backend}));
    match kind {
        "bridge" => {
            for key in [
                "isDefaultGateway",
                "macspoofchk",
                "hairpinMode",
                "portIsolation",
            ] {
                conf[key] = json!(true);
            }
        }
        _ => {
            conf["ipam"]["routes"] =
                json!([{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}, {"dst": "::/0", "gw": "fd00:1::1"}]);
        }
    }
    let member = bed.add("a", &conf)?;
    Ok((bed, member))
}

fn breaks(kind: &str, backend: &str, breakages: &[Breakage]) -> Result {
    for Breakage {
        place,
        script,
        word,
    } in breakages
    {
        let (bed, member) = attach(kind, backend)?;
        member.check()?;
        let data = bed.data().join("net");
        let script = script
            .replace("PORT", &member.host_link())
            .replace("DATA", &data.display().to_string());
        let ns = if *place == 'c' {
            &member.ns
        } else {
            bed.node()
        };
        ns.sh(&script)?;
        let found = member.check_finds(word);
        assert!(found.is_ok(), "{kind}: {script}: {found:?}");
        // Whatever it is, DEL copes with it.
        member.del()?;
        let held = bed.held("net");
        assert!(
            held.iter().all(|name| name == "10.1.0.2") && held.len() < 2,
            "{script}: {held:?}"
        );
    }
    Ok(())
}

#[test]
fn bridge_with_nftables() -> Result {
    breaks("bridge", "nftables", BOTH)
}

#[test]
fn bridge_with_its_own() -> Result {
    breaks("bridge", "nftables", BRIDGE)
}

#[test]
fn bridge_with_iptables() -> Result {
    breaks(
        "bridge",
        "iptables",
        &[
            breakage('n', "iptables -t nat -F POSTROUTING", "ip table nat"),
            breakage('n', "ip6tables -t nat -F POSTROUTING", "ip6 table nat"),
            breakage(
                'n',
                "for c in $(iptables-save -t nat | sed -n 's/^:\\(CNI-[^ ]*\\).*/\\1/p'); do iptables -t nat -F $c; done",
                "ip table nat",
            ),
        ],
    )
}

#[test]
fn ptp_with_nftables() -> Result {
    breaks("ptp", "nftables", BOTH)
}

#[test]
fn ptp_with_its_own() -> Result {
    breaks("ptp", "iptables", PTP)
}

#[test]
fn additions_by_others_pass() -> Result {
    for kind in ["bridge", "ptp"] {
        let (bed, member) = attach(kind, "iptables")?;
        member.ns.sh(
            "ip addr add 10.200.0.1/24 dev eth0; ip route add 198.51.100.0/24 dev eth0; \
            ip link add x type veth peer name y; ip link set eth0 mtu 1400",
        )?;
        bed.node()
            .sh("iptables -t nat -I POSTROUTING -j RETURN; nft add table inet mine")?;
        member.check()?;
        // A result that a later plugin of the chain extended.
        let mut longer = member.result.clone();
        longer["interfaces"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "tun0", "sandbox": member.ns.path()}));
        let last = longer["interfaces"].as_array().unwrap().len() - 1;
        longer["ips"]
            .as_array_mut()
            .unwrap()
            .push(json!({"address": "10.77.0.1/24", "interface": last}));
        member.cni.check(&longer)?.ok()?;
    }
    Ok(())
}

#[test]
fn what_the_result_says_is_judged() -> Result {
    for kind in ["bridge", "ptp"] {
        let (_bed, member) = attach(kind, "nftables")?;
        let spoilt = |path: &str, value| {
            let mut prev = member.result.clone();
            *prev.pointer_mut(path).unwrap() = value;
            prev
        };
        let inside = if kind == "bridge" { 2 } else { 1 };
        for (prev, code) in [
            (spoilt("/ips/0/address", json!("10.1.0.99/24")), 100),
            (
                spoilt(
                    &format!("/interfaces/{inside}/mac"),
                    json!("02:00:00:00:00:01"),
                ),
                100,
            ),
            (
                spoilt(
                    &format!("/interfaces/{inside}/sandbox"),
                    json!("/run/netns/other"),
                ),
                100,
            ),
            (
                spoilt(&format!("/interfaces/{inside}/name"), json!("eth5")),
                100,
            ),
            (spoilt("/interfaces", json!([])), 100),
            (spoilt("/routes/0/dst", json!("198.51.100.0/24")), 100),
        ] {
            let outcome = member.cni.check(&prev)?;
            assert!(outcome.fails(code).is_ok(), "{kind} {prev}: {outcome:?}");
        }
        // Without prevResult there is nothing to judge by.
        let error = member.cni.call("CHECK")?.fails(7)?;
        assert!(error.msg.contains("prevResult"), "{error:?}");
        let error = member
            .cni
            .check(&json!({"cniVersion": "1.1.0", "ips": 7}))?
            .fails(7)?;
        assert!(error.msg.contains("prevResult"), "{error:?}");
    }
    Ok(())
}

#[test]
fn host_local_check_reads_the_files() -> Result {
    let bed = Bed::new()?;
    let a = bed.add("a", &bed.conf("host-local", json!({})))?;
    a.check()?;
    fs::write(bed.data().join("net/10.1.0.77"), "a\r\neth0").unwrap();
    a.check_finds("10.1.0.77")?;
    fs::remove_file(bed.data().join("net/10.1.0.77")).unwrap();
    a.check()
}
