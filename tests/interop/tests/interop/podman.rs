//! Podman 4.3 with the CNI back end.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use fairway_tests_interop::conf::Network;
use fairway_tests_interop::host::on_private_host;
use fairway_tests_interop::podman::{GREETING, IDLE, Podman, SERVE};
use fairway_tests_interop::seen;
use serde_json::json;

const V4: &str = "10.80.0.0/24";
const V6: &str = "fd80::/64";

/// Podman, the container and the address file agree on the address.
#[test]
fn a_container_gets_an_address() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        podman.start("box", &network, &[], IDLE)?.ok()?;

        let address = podman.address("box", &network)?;
        let pid = podman.pid("box")?;
        assert_eq!(seen::addresses(host, pid)?, [format!("{address}/24")]);
        assert_eq!(seen::gateway(host, pid, "-4")?, "10.80.0.1");
        assert_eq!(seen::taken(&network)?, [address.parse::<IpAddr>()?]);
        assert_eq!(
            podman.network_field("box", &network, "Gateway")?,
            "10.80.0.1"
        );
        podman.network_field("box", &network, "MacAddress")?;
        podman.ping("box", "10.80.0.1")
    })
}

#[test]
fn two_containers_ping_each_other() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        podman.start("one", &network, &[], IDLE)?.ok()?;
        podman.start("two", &network, &[], IDLE)?.ok()?;
        let (one, two) = (
            podman.address("one", &network)?,
            podman.address("two", &network)?,
        );
        assert_ne!(one, two);
        podman.ping("one", &two)?;
        podman.ping("two", &one)
    })
}

/// From the host, on its loopback and on its address; gone with the container.
#[test]
fn a_published_port_answers() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).with_ports();
        network.write(host)?;
        let podman = Podman::new(host)?;
        let publish = ["--publish", "8080:80"];
        podman.start("web", &network, &publish, SERVE)?.ok()?;
        let address = podman.address("web", &network)?;
        for front in ["127.0.0.1:8080", "10.80.0.1:8080"] {
            let page = seen::fetch(front.parse()?)?;
            ensure!(page.contains(GREETING), "{front} answers {page:?}");
        }
        seen::some_rule_for(host, &format!("{address}:80"))?;

        podman.ok(&["rm", "--force", "--time", "0", "web"])?;
        seen::nothing_left(host, &network, &[&address])
    })
}

/// What a container had goes, what another one has stays, also when the
/// runtime DELs once more (and then without a namespace).
#[test]
fn stop_and_rm_leave_nothing_behind() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        let gone = podman.start("gone", &network, &[], IDLE)?.ok()?;
        let gone = gone.trim();
        podman.start("stays", &network, &[], IDLE)?.ok()?;
        let (was, stays) = (
            podman.address("gone", &network)?,
            podman.address("stays", &network)?,
        );
        seen::some_rule_for(host, &was)?;
        assert_eq!(seen::veths(host)?.len(), 2);

        podman.ok(&["stop", "--time", "0", "gone"])?;
        podman.ok(&["rm", "gone"])?;
        for round in ["after rm", "after one more DEL"] {
            seen::no_rules_for(host, &[&was, gone])?;
            let left = seen::taken(&network)?;
            assert_eq!(left, [stays.parse::<IpAddr>()?], "{round}");
            assert_eq!(seen::veths(host)?.len(), 1, "{round}");
            podman.ping("stays", "10.80.0.1")?;
            let env = [
                ("CNI_COMMAND", "DEL"),
                ("CNI_CONTAINERID", gone),
                ("CNI_IFNAME", "eth0"),
                ("CNI_NETNS", ""),
            ];
            seen::call(host, "bridge", &env, &network.bridge_stdin())?.ok()?;
        }

        podman.ok(&["rm", "--force", "--time", "0", "stays"])?;
        seen::nothing_left(host, &network, &[&was, &stays, gone])
    })
}

/// With the range full, the user reads why, and the one who has the address
/// keeps it.
#[test]
fn a_full_range_is_told_to_the_user() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &["10.80.0.0/30"]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        podman.start("first", &network, &[], IDLE)?.ok()?;
        let told = podman.start("second", &network, &[], IDLE)?.refused()?;
        let line = error_line(&told);
        ensure!(
            line.contains(r#"plugin type="bridge" failed (add): "#)
                && line.contains("no IP addresses available")
                && line.contains("10.80.0."),
            "the user reads: {told}"
        );
        assert_eq!(seen::taken(&network)?.len(), 1);
        assert_eq!(seen::veths(host)?.len(), 1);
        podman.ping("first", "10.80.0.1")?;

        podman.ok(&["rm", "--force", "--time", "0", "first"])?;
        podman.ok(&["start", "second"])?;
        podman.ping("second", "10.80.0.1")
    })
}

/// A bad value is named with its key, and leaves nothing.
#[test]
fn a_bad_value_is_told_to_the_user() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).key("vlan", json!(5000));
        network.write(host)?;
        let podman = Podman::new(host)?;
        let told = podman.start("box", &network, &[], IDLE)?.refused()?;
        let line = error_line(&told);
        ensure!(
            line.contains(r#"plugin type="bridge" failed (add): "#)
                && line.to_lowercase().contains("vlan")
                && line.contains("5000"),
            "the user reads: {told}"
        );
        seen::nothing_left(host, &network, &[])
    })
}

#[test]
fn a_container_restarts() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).with_ports();
        network.write(host)?;
        let podman = Podman::new(host)?;
        let publish = ["--publish", "8080:80"];
        podman.start("web", &network, &publish, SERVE)?.ok()?;
        for _ in 0..2 {
            let before = podman.pid("web")?;
            podman.ok(&["restart", "--time", "0", "web"])?;
            let pid = podman.pid("web")?;
            assert_ne!(pid, before);
            let address = podman.address("web", &network)?;
            assert_eq!(seen::addresses(host, pid)?, [format!("{address}/24")]);
            assert_eq!(seen::taken(&network)?, [address.parse::<IpAddr>()?]);
            assert_eq!(seen::veths(host)?.len(), 1);
            let page = seen::fetch("127.0.0.1:8080".parse()?)?;
            ensure!(page.contains(GREETING), "{page:?}");
        }
        podman.ok(&["rm", "--force", "--time", "0", "web"])?;
        seen::nothing_left(host, &network, &[])
    })
}

#[test]
fn a_dual_stack_network_gives_both() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4, V6]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        for name in ["one", "two"] {
            podman.start(name, &network, &[], IDLE)?.ok()?;
        }
        let v4 = podman.address("two", &network)?;
        let v6 = podman.network_field("two", &network, "GlobalIPv6Address")?;
        let pid = podman.pid("two")?;
        assert_eq!(
            seen::addresses(host, pid)?,
            [format!("{v4}/24"), format!("{v6}/64")]
        );
        assert_eq!(seen::gateway(host, pid, "-4")?, "10.80.0.1");
        assert_eq!(seen::gateway(host, pid, "-6")?, "fd80::1");
        for address in [&v4, &v6, "10.80.0.1", "fd80::1"] {
            podman.ping("one", address)?;
        }
        seen::some_rule_for(host, &v6)?;

        podman.ok(&["rm", "--force", "--time", "0", "one", "two"])?;
        seen::nothing_left(host, &network, &[&v4, &v6])
    })
}

#[test]
fn an_ipv6_network_does_without_ipv4() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V6]);
        network.write(host)?;
        let podman = Podman::new(host)?;
        for name in ["one", "two"] {
            podman.start(name, &network, &[], IDLE)?.ok()?;
        }
        let address = podman.network_field("two", &network, "GlobalIPv6Address")?;
        let pid = podman.pid("two")?;
        assert_eq!(seen::addresses(host, pid)?, [format!("{address}/64")]);
        podman.ping("one", &address)?;
        podman.ok(&["rm", "--force", "--time", "0", "one", "two"])?;
        seen::nothing_left(host, &network, &[&address])
    })
}

/// What most users have: the list that `podman network create` writes, with
/// portmap, firewall and tuning chained, addresses and MAC by capability.
#[test]
fn a_network_of_podmans_own_making_works() -> Result<()> {
    on_private_host(|host| {
        let podman = Podman::new(host)?;
        podman.ok(&["network", "create", "--subnet", V4, "own"])?;
        let network = Network::written_by_the_engine("own");
        let options = ["--ip", "10.80.0.50", "--mac-address", "02:00:0a:50:00:32"];
        let publish = ["--publish", "8080:80"];
        podman
            .start("web", &network, &[&options[..], &publish].concat(), SERVE)?
            .ok()?;
        podman.start("other", &network, &[], IDLE)?.ok()?;

        let field = |key| podman.network_field("web", &network, key);
        assert_eq!(field("IPAddress")?, "10.80.0.50");
        assert_eq!(field("MacAddress")?, "02:00:0a:50:00:32");
        podman.ping("other", "10.80.0.50")?;
        let page = seen::fetch("127.0.0.1:8080".parse()?)?;
        ensure!(page.contains(GREETING), "{page:?}");
        seen::some_rule_for(host, "10.80.0.50")?;

        let taken = podman.start("late", &network, &["--ip", "10.80.0.50"], IDLE)?;
        let told = taken.refused()?;
        ensure!(
            error_line(&told).contains("10.80.0.50"),
            "the user reads: {told}"
        );

        podman.ok(&["rm", "--force", "--time", "0", "web", "other", "late"])?;
        seen::nothing_left(host, &network, &["10.80.0.50"])?;
        podman.ok(&["network", "rm", "own"])?;
        Ok(())
    })
}

/// The calls that Podman makes, as its plugins see them.
#[test]
fn the_delete_bears_the_result() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &[V4]).recorded();
        network.write(host)?;
        let podman = Podman::new(host)?;
        podman.start("box", &network, &[], IDLE)?.ok()?;
        podman.ok(&["rm", "--force", "--time", "0", "box"])?;
        let calls = host.plugins().calls()?;
        let verbs: Vec<_> = calls.iter().map(|c| c.command.as_str()).collect();
        assert_eq!(verbs, ["ADD", "DEL"]);
        ensure!(calls[1].stdin["prevResult"]["ips"].is_array(), "{calls:#?}");
        seen::nothing_left(host, &network, &[])
    })
}

/// The line of Podman's stderr that a user looks at.
fn error_line(stderr: &str) -> &str {
    stderr
        .lines()
        .find(|line| line.starts_with("Error: "))
        .unwrap_or_default()
}
