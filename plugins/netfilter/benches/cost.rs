//! What the rules cost, beside the programs that the reference runs: `cargo bench -p fairway-netfilter`,
//! as root, on a machine that does nothing else.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, for the terminal"
)]

#[expect(
    dead_code,
    reason = "of what the rules' tests share, some is for them alone"
)]
#[path = "../tests/rules/common.rs"]
mod common;

use std::time::Instant;

use fairway_lab::{Lab, Ns, Result, json};
use fairway_netfilter::{Backend, Netfilter, masq, spoof};
use fairway_netlink::{Handle, MacAddr, Netlink as _};

use common::*;

const ROUNDS: usize = 31;

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Median of a call on the clock; `after` is not counted.
fn time(
    ns: &Ns,
    call: impl Fn(&mut Netfilter) + Sync,
    after: impl Fn(&mut Netfilter) + Sync,
) -> String {
    let round = || {
        let start = Instant::now();
        let mut nf = Netfilter::open().unwrap();
        call(&mut nf);
        let took = start.elapsed().as_secs_f64() * 1e6;
        after(&mut nf);
        took
    };
    let rounds = ns.inside(|| (0..ROUNDS).map(|_| round()).collect());
    format!("{:.0} µs", median(rounds.unwrap()))
}

fn main() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let texts = ["10.22.0.2/16", "fd00:22::2/64"];
    let addresses = addresses(&texts);
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    let set_iptables =
        |nf: &mut Netfilter| masq::setup(nf, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
    let alone = lab.machine("alone")?;
    let unset = |nf: &mut Netfilter| masq::teardown(nf, &ATTACHMENT).unwrap();
    println!("the first container, IPv4, opening the socket included:");
    for backend in [Backend::Iptables, Backend::Nftables] {
        let set = |nf: &mut Netfilter| {
            masq::setup(nf, backend, &ATTACHMENT, &addresses[..1]).unwrap();
        };
        println!("{backend}: setup {}", time(&alone, set, unset));
        within(&alone, set);
        println!("{backend}: teardown {}", time(&alone, unset, set));
        within(&alone, unset);
    }
    println!("teardown of nothing {}", time(&alone, unset, |_| ()));

    println!("with the rules of 200 other containers, opening the socket included:");
    for backend in [Backend::Iptables, Backend::Nftables] {
        within(node, |nf| {
            for number in 0..200 {
                let id = format!("c{number}");
                let other = fairway_netfilter::Attachment {
                    container_id: &id,
                    ..ATTACHMENT
                };
                masq::setup(nf, backend, &other, &addresses).unwrap();
            }
        });
        let set = |nf: &mut Netfilter| masq::setup(nf, backend, &ATTACHMENT, &addresses).unwrap();
        let unset = |nf: &mut Netfilter| masq::teardown(nf, &ATTACHMENT).unwrap();
        println!("{backend}: setup {}", time(node, set, unset));
        println!("{backend}: setup again {}", time(node, set, |_| ()));
        println!("{backend}: teardown {}", {
            within(node, set);
            time(node, unset, set)
        });
        within(node, unset);
        println!(
            "{backend}: teardown of nothing {}",
            time(node, unset, |_| ())
        );
    }
    let set = |nf: &mut Netfilter| spoof::setup(nf, &ATTACHMENT, "veth1", mac).unwrap();
    let unset = |nf: &mut Netfilter| spoof::teardown(nf, &ATTACHMENT).unwrap();
    println!("macspoofchk: setup {}", time(node, set, unset));
    println!(
        "macspoofchk: teardown of nothing {}",
        time(node, unset, |_| ())
    );

    // Whoever closes the socket waits until the kernel has freed what was deleted;
    // so does whoever deletes a link.
    let whole = |steps: &[&str]| {
        let round = || {
            within(node, set_iptables);
            node.sh("ip link add veth1 type veth peer name veth2")
                .unwrap();
            let times = || {
                let mut links = Handle::open().unwrap();
                let index = links.link_by_name("veth1").unwrap().unwrap().index;
                let start = Instant::now();
                let mut nf = Some(Netfilter::open().unwrap());
                for step in steps {
                    match *step {
                        "rules" => masq::teardown(nf.as_mut().unwrap(), &ATTACHMENT).unwrap(),
                        "close" => nf = None,
                        _ => {
                            links.delete_link(index).unwrap();
                        }
                    }
                }
                start.elapsed().as_secs_f64() * 1e6
            };
            node.inside(times).unwrap()
        };
        median((0..ROUNDS).map(|_| round()).collect())
    };
    for steps in [
        &["rules", "close", "link"][..],
        &["link", "rules", "close"],
        &["rules", "link", "close"],
        &["link"],
    ] {
        println!("{}: {:.0} µs", steps.join(", "), whole(steps));
    }

    let twin = lab.machine("twin")?;
    for (what, addresses) in [("IPv4", &texts[..1]), ("both families", &texts[..])] {
        let script = reference_commands(CHAIN, COMMENT, addresses);
        let times = (0..ROUNDS / 3).map(|_| {
            let start = Instant::now();
            twin.sh(&script).unwrap();
            let took = start.elapsed().as_secs_f64() * 1e6;
            twin.sh(
                "iptables -t nat -F; iptables -t nat -X; ip6tables -t nat -F; ip6tables -t nat -X",
            )
            .unwrap();
            took
        });
        println!(
            "iptables by its programs, {what}: setup {:.0} µs",
            median(times.collect())
        );
    }
    let mut walls = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        for (which, masquerade) in [false, true].into_iter().enumerate() {
            let container = lab.container()?;
            let theirs = lab.reference("bridge").netns(&container).config(json!({
                "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0",
                "isGateway": true, "ipMasq": masquerade,
                "ipam": {
                    "type": "host-local", "subnet": "10.99.0.0/16",
                    "dataDir": lab.scratch().join(format!("ipam{round}")),
                },
            }));
            let added = theirs.add()?;
            let deleted = theirs.del(Some(&added.ok()?))?;
            deleted.ok()?;
            walls[2 * which].push(added.wall.as_secs_f64() * 1e6);
            walls[2 * which + 1].push(deleted.wall.as_secs_f64() * 1e6);
        }
    }
    let [add, del, add_masq, del_masq] = walls.map(median);
    println!("the reference's bridge: ADD {add:.0} µs, DEL {del:.0} µs");
    println!(
        "with ipMasq (IPv4): ADD {:+.0} µs, DEL {:+.0} µs",
        add_masq - add,
        del_masq - del
    );
    Ok(())
}
