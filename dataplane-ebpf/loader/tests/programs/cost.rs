//! What a verdict costs, by the kernel's own measure. Not run unless asked for: the numbers are for people.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::net::IpAddr;

use fairway_dataplane::abi::{Class, Config, Peer, Set, Sets, Side};
use fairway_dataplane::{Hook, Sizes};

use crate::bed::{Bed, NEXT, bed, far, low, segment, sent};
use crate::frame::{ACK, SYN};

const TIMES: u32 = 1_000_000;

fn cost(bed: &Bed, hook: Hook, bytes: &[u8]) -> u128 {
    let mut best = u128::MAX;
    for _ in 0..3 {
        let ran = bed
            .dataplane
            .test_run(hook, bytes, bed.a.link, TIMES)
            .unwrap();
        assert_eq!(ran.verdict, NEXT);
        best = best.min(ran.duration.as_nanos());
    }
    best
}

/// The n-th of many addresses that are far.
fn address(n: u32, v6: bool) -> IpAddr {
    if v6 {
        let n = n.to_be_bytes();
        let mut octets = [
            0xfd, 0x09, n[0], n[1], n[2], n[3], 0, 0, 0, 0, 0, 0, 0, 0, 0, 5,
        ];
        octets[15] = 5;
        IpAddr::V6(octets.into())
    } else {
        IpAddr::V4((0x1400_0000 + n * 256 + 5).to_be_bytes().into())
    }
}

fn measure(bed: &mut Bed, what: &str, far: IpAddr) {
    let near = bed.a.like(far);
    let family = if far.is_ipv4() { "IPv4" } else { "IPv6" };
    let incoming = segment(far, near, (40_000, 80), SYN).bytes();
    let answer = sent(bed.a, &segment(near, far, (80, 40_000), SYN | ACK));
    let ack = segment(far, near, (40_000, 80), ACK).bytes();
    bed.reconfigure(|config| config.flags |= Config::JUDGE_ALL);
    let verdict = cost(bed, Hook::ToContainer, &incoming);
    // What a set in audit says is not kept, so this is what it costs to look everything up.
    bed.change(bed.a, |end| end.sets.ingress_audit = end.sets.ingress);
    let whole = cost(bed, Hook::ToContainer, &incoming).saturating_sub(verdict);
    bed.change(bed.a, |end| end.sets.ingress_audit = 0);
    bed.reconfigure(|config| config.flags &= !Config::JUDGE_ALL);
    assert_eq!(
        bed.run(Hook::FromContainer, &answer, bed.a.link).verdict,
        NEXT
    );
    let opened = cost(bed, Hook::ToContainer, &ack);
    let back = cost(bed, Hook::FromContainer, &answer);
    println!(
        "{what:18} {family}: verdict {verdict} ns, for the first time {whole} ns more; open flow in {opened} ns, out {back} ns"
    );
}

#[test]
#[ignore = "it measures"]
fn of_a_verdict() {
    for prefixes in [false, true] {
        for many in [10_u32, 1_000, 12_500] {
            bed(Sizes::default(), |bed| {
                bed.guard();
                if prefixes {
                    let mut set = bed.dataplane.sets().unwrap()[&1];
                    set.flags = Set::PREFIXES;
                    bed.dataplane.put_set(1, &set).unwrap();
                }
                for n in 0..many {
                    let table = n + 10;
                    let mut number = n + 10;
                    for v6 in [false, true] {
                        let ip = address(n, v6);
                        if prefixes {
                            number = Peer::FIRST_PREFIX + n * 2 + u32::from(v6);
                            let length = if v6 { 48 } else { 24 };
                            let net = ipnetwork::IpNetwork::new(ip, length).unwrap();
                            bed.dataplane.put_prefix(net, number).unwrap();
                            bed.says(1, number, table, 1 << 16);
                        } else {
                            bed.peer(ip, number, 0, 0);
                        }
                    }
                    bed.says(1, number, table, 1 << 16);
                    bed.port(table, Class::TCP, 80, 16, low(n, Side::ALLOW, n + 1));
                }
                let what = if prefixes { "prefixes" } else { "identities" };
                for v6 in [false, true] {
                    measure(bed, &format!("{many} {what}"), address(many / 2, v6));
                }
            });
        }
    }
    bed(Sizes::default(), |bed| {
        let nothing = segment(far()[0], bed.a.v4, (1, 2), ACK).bytes();
        let nothing = cost(bed, Hook::FromOverlay, &nothing);
        println!("of all of that, to run anything at all: {nothing} ns");
        bed.open(bed.a, Sets::default());
        for ip in far() {
            measure(bed, "no policy", ip);
        }
    });
}
