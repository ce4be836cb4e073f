//! Packets: from everywhere, of both families, with both backends.

use super::traffic::{Client, Server, silent, tcp, udp};
use super::{BACKENDS, container, flat, mapped, mappings};
use fairway_tests_netns::{Bed, Families, Member, Ns, Result, json};

/// Both protocols, from there.
fn reached(from: &Ns, to: &str, source: Option<&str>) {
    for (protocol, text) in [("tcp", tcp(from, to, 8080)), ("udp", udp(from, to, 8053))] {
        let text = text.unwrap_or_else(|| panic!("{protocol} to {to}: nobody answers"));
        assert!(text.starts_with("a "), "{protocol} to {to}: {text}");
        if let Some(source) = source {
            assert_eq!(text, format!("a {source}"), "{protocol} to {to}");
        }
    }
}

#[test]
fn everybody_reaches_the_container() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let _server = Server::start(&a.ns, "a", 80, 53)?;
        let ports = mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), json!({})))?;
        for (node, far) in [("192.0.2.1", "192.0.2.2"), ("fd00:9::1", "fd00:9::2")] {
            // The container sees who it is that asks.
            reached(&outside, node, Some(far));
            reached(bed.node(), node, None);
            // Itself, and its neighbour: they see the node instead.
            reached(&a.ns, node, None);
            reached(&b.ns, node, None);
        }
        reached(bed.node(), "127.0.0.1", None);
        ports.check()?;
        ports.del()?;
        for node in ["192.0.2.1", "fd00:9::1"] {
            silent(&outside, node, (8080, 8053))?;
        }
        silent(bed.node(), "127.0.0.1", (8080, 8053))?;
    }
    Ok(())
}

#[test]
fn behind_ptp_and_with_one_family() -> Result {
    for (backend, families) in [("iptables", Families::V4), ("nftables", Families::V6)] {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let mut ipam = bed.ipam(families);
        ipam["routes"] = json!([{"dst": if families.v4() { "0.0.0.0/0" } else { "::/0" }}]);
        let a = bed.add("a", &bed.conf("ptp", json!({"ipam": ipam})))?;
        let _server = Server::start(&a.ns, "a", 80, 53)?;
        mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), json!({})))?.check()?;
        let (to, from) = match families.v4() {
            true => ("192.0.2.1", "192.0.2.2"),
            false => ("fd00:9::1", "fd00:9::2"),
        };
        reached(&outside, to, Some(from));
        reached(&a.ns, to, None);
    }
    Ok(())
}

#[test]
fn one_address_of_the_host() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        bed.node().addr("up0", "192.0.2.9/24")?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let _servers = [
            Server::start(&a.ns, "a", 80, 53)?,
            Server::start(&b.ns, "b", 80, 53)?,
        ];
        let at = |ip: &str| {
            let mut mappings = mappings();
            for mapping in mappings.as_array_mut().into_iter().flatten() {
                mapping["hostIP"] = json!(ip);
            }
            flat(&bed, backend, mappings, json!({}))
        };
        // Each has the port, at an address of its own.
        mapped(&bed, "a", &a, &at("192.0.2.1"))?.check()?;
        mapped(&bed, "b", &b, &at("192.0.2.9"))?.check()?;
        reached(&outside, "192.0.2.1", Some("192.0.2.2"));
        assert_eq!(
            tcp(&outside, "192.0.2.9", 8080).as_deref(),
            Some("b 192.0.2.2")
        );
        silent(&outside, "fd00:9::1", (8080, 8053))?;
        silent(bed.node(), "127.0.0.1", (8080, 8053))?;
    }
    Ok(())
}

/// Sources as they are, or all the node's.
#[test]
fn sources_are_translated_as_configured() -> Result {
    for backend in BACKENDS {
        for (extra, seen) in [
            (json!({"snat": false}), "192.0.2.2"),
            (json!({"masqAll": true}), "10.1.0.1"),
        ] {
            let bed = Bed::new()?;
            let outside = bed.outside()?;
            let a = container(&bed, "a")?;
            let _server = Server::start(&a.ns, "a", 80, 53)?;
            let ports = mapped(&bed, "a", &a, &flat(&bed, backend, mappings(), extra))?;
            reached(&outside, "192.0.2.1", Some(seen));
            ports.check()?;
        }
    }
    Ok(())
}

/// Conditions that are written natively, and those that a program has to read.
#[test]
fn conditions_hold() -> Result {
    let condition = |backend: &str, native: bool| match (backend, native) {
        ("iptables", true) => json!({"conditionsV4": ["!", "-i", "up0"]}),
        ("iptables", false) => {
            json!({"conditionsV4": ["-m", "pkttype", "--pkt-type", "broadcast"]})
        }
        (_, true) => json!({"conditionsV4": ["iifname != \"up0\""]}),
        (_, false) => json!({"conditionsV4": ["iifname != { \"up0\" }"]}),
    };
    for backend in BACKENDS {
        for native in [true, false] {
            let bed = Bed::new()?;
            let outside = bed.outside()?;
            let a = container(&bed, "a")?;
            let _server = Server::start(&a.ns, "a", 80, 53)?;
            let conf = flat(&bed, backend, mappings(), condition(backend, native));
            let ports: Member = mapped(&bed, "a", &a, &conf)?;
            silent(&outside, "192.0.2.1", (8080, 8053))?;
            reached(&outside, "fd00:9::1", Some("fd00:9::2"));
            ports.check()?;
            ports.del()?;
            assert!(!super::rules(bed.node())?.contains("10.1.0.2"), "{backend}");
        }
    }
    Ok(())
}

/// A client of UDP that never stops keeps its connection known, and must follow all the same.
#[test]
fn a_datagram_goes_to_whoever_has_the_port_now() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let _servers = [
            Server::start(&a.ns, "a", 80, 53)?,
            Server::start(&b.ns, "b", 80, 53)?,
        ];
        // Known, and nobody's.
        let _held = bed.node().sh(
            "nft add table inet watch; nft add chain inet watch in '{ type filter hook input priority 0; }'; \
             nft add rule inet watch in ct state new counter",
        )?;
        let clients = [
            Client::new(&outside, "192.0.2.1"),
            Client::new(&outside, "fd00:9::1"),
        ];
        let wait = std::time::Duration::from_millis(200);
        for client in &clients {
            assert_eq!(client.ask(8053, wait), None);
        }
        let conf = flat(&bed, backend, mappings(), json!({}));
        let first = mapped(&bed, "a", &a, &conf)?;
        for client in &clients {
            client.gets(8053, "a")?;
        }
        first.del()?;
        for client in &clients {
            assert_eq!(client.ask(8053, wait), None);
        }
        mapped(&bed, "b", &b, &conf)?;
        for client in &clients {
            client.gets(8053, "b")?;
        }
    }
    Ok(())
}
