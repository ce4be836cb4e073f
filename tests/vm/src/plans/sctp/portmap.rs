//! Host ports of SCTP, with both backends and both families.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, ensure};
use fairway_lab::{Ns, json, poll};
use fairway_tests_cluster::{Echo, Patience, Protocol, Reached, Target, probe};
use fairway_tests_netns::{Bed, Member};

const BACKENDS: [&str; 2] = ["iptables", "nftables"];
const HOST: u16 = 8132;
const INSIDE: u16 = 132;
/// The node's, on the way out.
const NODE: [&str; 2] = ["192.0.2.1", "fd00:9::1"];

fn container(bed: &Bed, id: &str) -> Result<Member> {
    let keys = json!({"isDefaultGateway": true, "hairpinMode": true});
    Ok(bed.add(id, &bed.conf("bridge", keys))?)
}

/// Gives it the port, and looks whether CHECK agrees.
fn mapped(bed: &Bed, backend: &str, id: &str, member: &Member) -> Result<Member> {
    let conf = json!({
        "cniVersion": "1.1.0", "name": "net", "type": "portmap", "backend": backend,
        "dataDir": bed.scratch().join("ports"), "prevResult": member.result,
        "runtimeConfig": {"portMappings": [
            {"hostPort": HOST, "containerPort": INSIDE, "protocol": "sctp"}]},
    });
    let ports = Member::add(member.ns.clone(), bed.cni(id, &member.ns, &conf))?;
    ports.check()?;
    Ok(ports)
}

/// What becomes of one connection.
fn reached(from: &Ns, to: &str, port: u16) -> Result<Reached> {
    let address: IpAddr = to.parse()?;
    let target = Target {
        protocol: Protocol::Sctp,
        to: SocketAddr::new(address, port),
        wanted: true,
    };
    let patience = Patience {
        limit: Duration::from_secs(2),
        ..Patience::default()
    };
    let found = probe(from, &[target], patience)?;
    Ok(found.first().copied().unwrap_or(Reached::No))
}

/// The first packets may be lost, as long as neighbours are looked for.
fn reaches(from: &Ns, to: &str) -> Result<()> {
    let limit = Duration::from_secs(20);
    let what = format!("{} reaches {to} by SCTP", from.name());
    Ok(poll(limit, &what, || {
        reached(from, to, HOST).is_ok_and(|found| found == Reached::Whole)
    })?)
}

pub(super) fn everybody_reaches_the_container() -> Result<()> {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let _echo = Echo::sctp(&a.ns, &[INSIDE])?;
        let ports = mapped(&bed, backend, "a", &a)?;
        for to in NODE {
            for from in [&outside, bed.node(), &a.ns, &b.ns] {
                reaches(from, to)?;
            }
        }
        reaches(bed.node(), "127.0.0.1")?;
        // The port of TCP is somebody else's.
        let tcp = Target {
            protocol: Protocol::Tcp,
            to: SocketAddr::new(NODE[0].parse()?, HOST),
            wanted: false,
        };
        let _tcp = Echo::start(&a.ns, &[INSIDE])?;
        let found = probe(&outside, &[tcp], Patience::default())?;
        ensure!(found == [Reached::No], "{backend}: {found:?}");
        ports.del()?;
        for to in NODE {
            let found = reached(&outside, to, HOST)?;
            ensure!(found == Reached::No, "{backend} after DEL: {found:?}");
        }
    }
    Ok(())
}

/// A client that sends from one port all the time, and whose connection nobody has ended, is not sent on to where the
/// port led before.
pub(super) fn the_next_container_gets_who_had_the_former() -> Result<()> {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        outside.set_sysctl("ipv4/ip_local_port_range", "5000 5000")?;
        // So that the node does not hear of the end.
        outside.sh("nft add table inet t
             nft add chain inet t c '{ type filter hook output priority 0; }'
             nft add rule inet t c sctp chunk abort exists drop")?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let echoes = [Echo::sctp(&a.ns, &[INSIDE])?, Echo::sctp(&b.ns, &[INSIDE])?];
        let ports = mapped(&bed, backend, "a", &a)?;
        for to in NODE {
            reaches(&outside, to)?;
        }
        ports.del()?;
        a.ns.run("ip link set eth0 down")?;
        mapped(&bed, backend, "b", &b)?;
        for to in NODE {
            reaches(&outside, to)?;
        }
        drop(echoes);
    }
    Ok(())
}
