//! Host ports as `iptables`, `nft` and iptables-legacy see them.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::ports::{self, Asked, Conditions, Mapping, Marking, Protocol, Wanted};
use fairway_netfilter::{Attachment, Backend, Error, Netfilter};
use ipnetwork::IpNetwork;

use crate::common::*;

const CHAIN: &str = "CNI-DN-70a29d9dc18bc4d652ea5";

fn asked(host_port: u16, container_port: u16, protocol: Protocol, host_ip: &str) -> Asked {
    Asked {
        host_port: Some(host_port),
        container_port,
        protocol,
        host_ip: (!host_ip.is_empty()).then(|| host_ip.parse().unwrap()),
    }
}

fn wanted<'a>(
    attachment: Attachment<'a>,
    addresses: &'a [IpNetwork],
    asked: &'a [Asked],
) -> Wanted<'a> {
    Wanted {
        attachment,
        addresses,
        asked,
        range: None,
        snat: true,
        masquerade_all: false,
        marking: Marking::Bit(13),
        conditions: [Conditions::default(), Conditions::default()],
    }
}

fn conditions(four: &[&str], six: &[&str]) -> [Conditions; 2] {
    let new = |words: &[&str], v4| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Conditions::new(&words, v4)
    };
    [new(four, true), new(six, false)]
}

fn set_up(
    ns: &Ns,
    backend: Backend,
    wanted: &Wanted<'_>,
) -> std::result::Result<Vec<Mapping>, Error> {
    within(ns, |nf| ports::setup(nf, backend, wanted))
}

/// What the reference plugin runs for these, in its order.
fn reference(program: &str, local: &str, entries: &[&str], inside: &[&str]) -> String {
    let nat = format!("{program} -w -t nat");
    let comment = r#"-m comment --comment 'dnat name: "mynet" id: "abc123"' -m multiport"#;
    let mut script = format!(
        "{nat} -N CNI-HOSTPORT-SETMARK
         {nat} -A CNI-HOSTPORT-SETMARK -m comment --comment 'CNI portfwd masquerade mark' -j MARK --set-xmark 0x2000/0x2000
         {nat} -N CNI-HOSTPORT-MASQ
         {nat} -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
         {nat} -I POSTROUTING 1 -m comment --comment 'CNI portfwd requiring masquerade' -j CNI-HOSTPORT-MASQ
         {nat} -N CNI-HOSTPORT-DNAT
         {nat} -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
         {nat} -A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
         {nat} -N {CHAIN}\n"
    );
    for rule in inside {
        script += &format!("{nat} -A {CHAIN} {rule}\n");
    }
    for entry in entries {
        script += &format!("{nat} -A CNI-HOSTPORT-DNAT {comment} {entry} {local} -j {CHAIN}\n");
    }
    script
}

/// Without the order of chains, which is that of their making.
fn sorted(ns: &Ns) -> (Vec<String>, Vec<(String, Vec<u8>)>) {
    let mut lines: Vec<String> = saved(ns).lines().map(str::to_owned).collect();
    let mut bytes = expressions(ns);
    lines.sort();
    bytes.sort();
    (lines, bytes)
}

#[test]
fn rules_are_those_that_iptables_writes() -> Result {
    let lab = Lab::new()?;
    let theirs = lab.machine("theirs")?;
    let inside4 = [
        "-p tcp --dport 8080 -s 10.22.0.2/16 -j CNI-HOSTPORT-SETMARK",
        "-p tcp --dport 8080 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
        "-p tcp --dport 8080 -j DNAT --to-destination 10.22.0.2:80",
        "-p udp --dport 8053 -d 192.0.2.1 -s 10.22.0.2/16 -j CNI-HOSTPORT-SETMARK",
        "-p udp --dport 8053 -d 192.0.2.1 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
        "-p udp --dport 8053 -d 192.0.2.1 -j DNAT --to-destination 10.22.0.2:53",
        "-p sctp --dport 8082 -s 10.22.0.2/16 -j CNI-HOSTPORT-SETMARK",
        "-p sctp --dport 8082 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
        "-p sctp --dport 8082 -j DNAT --to-destination 10.22.0.2:82",
    ];
    let inside6 = [
        "-p tcp --dport 8080 -s fd00:22::2/64 -j CNI-HOSTPORT-SETMARK",
        "-p tcp --dport 8080 -j DNAT --to-destination [fd00:22::2]:80",
        "-p sctp --dport 8082 -s fd00:22::2/64 -j CNI-HOSTPORT-SETMARK",
        "-p sctp --dport 8082 -j DNAT --to-destination [fd00:22::2]:82",
    ];
    let entries = [
        "-p sctp --destination-ports 8082",
        "-p tcp --destination-ports 8080",
        "-p udp --destination-ports 8053",
    ];
    theirs.sh(&reference(
        "iptables",
        "! -d 198.51.100.0/24 -i eth+",
        &entries,
        &inside4,
    ))?;
    theirs.sh(&reference(
        "ip6tables",
        "! -o eth0 -s fd00::/7",
        &entries,
        &inside6,
    ))?;
    let ours = lab.machine("ours")?;
    let both = addresses(&["10.22.0.2/16", "fd00:22::2/64"]);
    let ask = [
        asked(8080, 80, Protocol::Tcp, ""),
        asked(8053, 53, Protocol::Udp, "192.0.2.1"),
        asked(8082, 82, Protocol::Sctp, ""),
    ];
    let mut wanted = wanted(ATTACHMENT, &both, &ask);
    wanted.conditions = conditions(
        &["!", "-d", "198.51.100.0/24", "-i", "eth+"],
        &["!", "-o", "eth0", "-s", "fd00::/7"],
    );
    set_up(&ours, Backend::Iptables, &wanted).unwrap();
    assert_eq!(sorted(&ours), sorted(&theirs));
    // What it looks for in CHECK, and deletes.
    let mappings = set_up(&ours, Backend::Iptables, &wanted).unwrap();
    assert_eq!(sorted(&ours), sorted(&theirs));
    within(&theirs, |nf| {
        ports::check(nf, Backend::Iptables, &wanted, &mappings)
    })
    .unwrap();
    for node in [&ours, &theirs] {
        within(node, |nf| ports::teardown(nf, &ATTACHMENT)).unwrap();
        assert!(!saved(node).contains("abc123") && !saved(node).contains(CHAIN));
    }
    Ok(())
}

#[test]
fn sixteen_ports_take_two_jumps() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let one = addresses(&["10.22.0.2/16"]);
    let ask: Vec<Asked> = (0..16)
        .map(|at| asked(8000 + at, 80 + at, Protocol::Tcp, ""))
        .collect();
    let wanted = wanted(ATTACHMENT, &one, &ask);
    set_up(node, Backend::Iptables, &wanted).unwrap();
    let text = saved(node);
    assert_eq!(text.matches("--dports").count(), 2, "{text}");
    assert!(
        text.contains("8000,8001,") && text.contains("--dports 8015 "),
        "{text}"
    );
    Ok(())
}

#[test]
fn rules_are_those_that_nft_writes() -> Result {
    let lab = Lab::new()?;
    let theirs = lab.machine("theirs")?;
    let family = |ip: &str, container: &str, to: &str, subnet: &str, local: &str, at: &str| {
        format!(
            "table {ip} cni_hostport {{
               comment \"CNI portmap plugin\"
               chain hostports {{
                 tcp dport 8080 dnat to {to}:80 comment \"abc123\"
                 {at}
                 sctp dport 8082 dnat to {to}:82 comment \"abc123\"
               }}
               chain hostip_hostports {{ }}
               chain masquerading {{ type nat hook postrouting priority 100;
                 {ip} saddr {subnet} {ip} daddr {container} masquerade comment \"abc123\"
                 {local}
               }}
               chain hostports_all {{ jump hostip_hostports; jump hostports; }}
               chain prerouting {{ type nat hook prerouting priority -100;
                 {ip} daddr != {subnet} fib daddr type local jump hostports_all; }}
               chain output {{ type nat hook output priority -100;
                 {ip} daddr != {subnet} fib daddr type local jump hostports_all; }}
             }}\n"
        )
    };
    let four = family(
        "ip",
        "10.22.0.2",
        "10.22.0.2",
        "10.22.0.0/16",
        "ip saddr 127.0.0.1 ip daddr 10.22.0.2 masquerade comment \"abc123\"",
        "ip daddr 192.0.2.1 udp dport 8053 dnat to 10.22.0.2:53 comment \"abc123\"",
    );
    let six = family("ip6", "fd00:22::2", "[fd00:22::2]", "fd00:22::/64", "", "");
    theirs.sh(&format!("nft -f - <<'END'\n{four}{six}END"))?;
    let ours = lab.machine("ours")?;
    let both = addresses(&["10.22.0.2/16", "fd00:22::2/64"]);
    let ask = [
        asked(8080, 80, Protocol::Tcp, ""),
        asked(8053, 53, Protocol::Udp, "192.0.2.1"),
        asked(8082, 82, Protocol::Sctp, ""),
    ];
    let mut wanted = wanted(ATTACHMENT, &both, &ask);
    wanted.conditions = conditions(
        &["ip daddr != 10.22.0.0/16"],
        &["ip6 daddr != fd00:22::/64"],
    );
    let mappings = set_up(&ours, Backend::Nftables, &wanted).unwrap();
    assert_eq!(ruleset(&ours), ruleset(&theirs));
    assert_eq!(expressions(&ours), expressions(&theirs));
    // The reference's rules bear no tag, and are found by the container's name.
    for node in [&ours, &theirs] {
        within(node, |nf| {
            ports::check(nf, Backend::Nftables, &wanted, &mappings)
        })
        .unwrap();
        within(node, |nf| ports::teardown(nf, &ATTACHMENT)).unwrap();
        assert!(!ruleset(node).contains("abc123"));
    }
    Ok(())
}

#[test]
fn by_iptables_legacy() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let path = legacy_path(&lab);
    let legacy = |f: &(dyn Fn(&mut Netfilter) -> std::result::Result<(), Error> + Sync)| {
        within(node, |nf| {
            let opened = std::mem::replace(nf, Netfilter::open().unwrap());
            let mut by_program = opened.with_path(path.as_os_str());
            f(&mut by_program)
        })
    };
    let save = || {
        node.sh("iptables-legacy-save -t nat; ip6tables-legacy-save -t nat")
            .unwrap()
    };
    let both = addresses(&["10.22.0.2/16", "fd00:22::2/64"]);
    let other = addresses(&["10.22.0.3/16"]);
    let ask = [
        asked(8080, 80, Protocol::Tcp, ""),
        asked(8053, 53, Protocol::Udp, "192.0.2.1"),
        asked(8082, 82, Protocol::Sctp, "::"),
    ];
    let first = wanted(ATTACHMENT, &both, &ask);
    let second = wanted(container("other"), &other, &ask);
    legacy(&|nf| ports::setup(nf, Backend::Iptables, &first).map(drop)).unwrap();
    let made = save();
    assert_eq!(made.matches("-j DNAT").count(), 2 + 2, "{made}");
    let mappings: Vec<Mapping> = ask
        .iter()
        .map(|asked| Mapping {
            host_port: asked.host_port.unwrap(),
            container_port: asked.container_port,
            protocol: asked.protocol,
            host_ip: asked.host_ip,
        })
        .collect();
    legacy(&|nf| ports::check(nf, Backend::Iptables, &first, &mappings)).unwrap();
    // Again is once; another one is refused, by any backend.
    legacy(&|nf| ports::setup(nf, Backend::Iptables, &first).map(drop)).unwrap();
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with("-A"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(lines(&save()), lines(&made));
    for backend in [Backend::Iptables, Backend::Nftables] {
        let refused = legacy(&|nf| ports::setup(nf, backend, &second).map(drop)).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.contains("container \"abc123\" of network \"mynet\""),
            "{text}"
        );
    }
    // One family bent.
    node.run("ip6tables-legacy -t nat -F CNI-HOSTPORT-DNAT")?;
    let missing = legacy(&|nf| ports::check(nf, Backend::Iptables, &first, &mappings));
    assert!(
        matches!(missing, Err(Error::MissingRule { family: "ip6", .. })),
        "{missing:?}"
    );
    legacy(&|nf| ports::setup(nf, Backend::Iptables, &first).map(drop)).unwrap();
    let valid = [("abc123".to_owned(), "eth0".to_owned())];
    legacy(&|nf| {
        assert!(
            ports::gc(nf, "mynet", &valid).is_empty() && ports::gc(nf, "other", &[]).is_empty()
        );
        Ok(())
    })
    .unwrap();
    assert_eq!(lines(&save()).len(), lines(&made).len());
    legacy(&|nf| {
        assert!(ports::gc(nf, "mynet", &[]).is_empty());
        Ok(())
    })
    .unwrap();
    assert!(!save().contains("abc123"));
    legacy(&|nf| ports::setup(nf, Backend::Iptables, &second).map(drop)).unwrap();
    legacy(&|nf| ports::teardown(nf, &container("other"))).unwrap();
    assert!(!save().contains("CNI-DN"), "{}", save());
    Ok(())
}

/// Of many that name one port one gets it, and the others change nothing. Several rounds, for a look and a change seldom
/// come between another's.
#[test]
fn one_port_for_many_at_once() -> Result {
    const MANY: u32 = 12;
    for backend in [Backend::Iptables, Backend::Nftables] {
        let lab = Lab::new()?;
        let node = lab.node();
        for port in 8000..8020 {
            let won = AtomicU32::new(0);
            let ready = Barrier::new(MANY as usize);
            thread::scope(|scope| {
                for number in 0..MANY {
                    let (won, ready) = (&won, &ready);
                    scope.spawn(move || {
                        let id = format!("c{number}");
                        let attachment = Attachment {
                            container_id: &id,
                            network: "crowd",
                            ifname: "eth0",
                        };
                        let address = addresses(&[&format!("10.22.0.{}/24", number + 2)]);
                        let ask = [asked(port, 80, Protocol::Tcp, "")];
                        let wanted = wanted(attachment, &address, &ask);
                        let done = within(node, |nf| {
                            ready.wait();
                            ports::setup(nf, backend, &wanted)
                        });
                        match done {
                            Ok(_) => won.fetch_add(1, Ordering::Relaxed),
                            Err(Error::PortTaken { .. }) => 0,
                            Err(error) => panic!("{error}"),
                        };
                    });
                }
            });
            assert_eq!(won.into_inner(), 1, "{backend} {port}");
            for number in 0..MANY {
                let id = format!("c{number}");
                let attachment = Attachment {
                    container_id: &id,
                    network: "crowd",
                    ifname: "eth0",
                };
                within(node, |nf| ports::teardown(nf, &attachment)).unwrap();
            }
        }
    }
    Ok(())
}
