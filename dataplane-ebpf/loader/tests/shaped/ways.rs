//! Each packet's way: judged once, out by the link's end that has the limit, and refused before that.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use fairway_dataplane::abi::{Direction, Reason, State};
use fairway_lab::{Ns, poll};
use nix::sys::socket::{setsockopt, sockopt};

use crate::bed::{Bed, IN, address, talk};

/// Segments that TCP of a namespace has sent again.
fn sent_again(ns: &Ns) -> u64 {
    let read = || std::fs::read_to_string("/proc/thread-self/net/snmp");
    let text = ns.inside(read).unwrap().unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs.find(|(name, _)| *name == "RetransSegs").unwrap();
    value.parse().unwrap()
}

#[test]
fn each_packet_is_judged_once_and_passes_the_links_way_out() {
    let mut bed = Bed::new();
    for v6 in [false, true] {
        for limited in [true, false, true] {
            bed.limited(limited);
            let bind = |at: usize| {
                let ns = &bed.containers[at];
                let address = SocketAddr::new(address(at, v6), 7);
                ns.inside(|| UdpSocket::bind(address)).unwrap().unwrap()
            };
            let (one, two) = (bind(0), bind(1));
            two.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let counted = || {
                let out = bed.counted(Reason::Forwarded, Direction::Egress);
                let sent = bed.sent(IN);
                [out, bed.passed(), sent.packets, sent.bytes]
            };
            let send_ten = || {
                let before = counted();
                for _ in 0..10 {
                    let mut said = [0; 100];
                    one.send_to(&said, two.local_addr().unwrap()).unwrap();
                    assert_eq!(two.recv(&mut said).unwrap(), 100);
                }
                let after = counted();
                [0, 1, 2, 3].map(|at| after[at] - before[at])
            };
            let headers = if v6 { 62 } else { 42 };
            let wanted = match limited {
                true => [10, 10, 10, 10 * (100 + headers)],
                false => [10, 10, 0, 0],
            };
            // Containers may look for their neighbours meanwhile.
            let mut tries = std::iter::repeat_with(send_ten).take(5);
            assert!(tries.any(|was| was == wanted), "limited: {limited}");
        }
    }
    let [open, new] = bed.dataplane.tracks().unwrap();
    let flows = open
        .iter()
        .chain(&new)
        .filter(|(key, _)| key.protocol == 17);
    let states: Vec<_> = flows.map(|(_, track)| track.state).collect();
    assert_eq!(states.len(), 4, "two flows, each at both ends");
    assert!(states.iter().all(|state| state & State::DIRECT != 0));
}

#[test]
fn connections_outlive_the_first_limit_and_the_last() {
    let mut bed = Bed::new();
    for v6 in [false, true] {
        for begins in [false, true] {
            bed.limited(begins);
            let ends = bed.connect(v6);
            for limited in [begins, !begins, begins] {
                bed.limited(limited);
                let before = bed.sent(IN).packets;
                talk(&ends);
                assert_eq!(bed.sent(IN).packets > before, limited);
            }
        }
    }
    assert_eq!(bed.containers.iter().map(sent_again).sum::<u64>(), 0);
    // A stream meanwhile, both ways.
    let ends = bed.connect(false);
    let all = 20_000_000;
    let (send, receive) = (
        |mut end: TcpStream| {
            std::iter::repeat_n([7; 10_000], all / 10_000)
                .for_each(|some| end.write_all(&some).unwrap())
        },
        |mut end: TcpStream| {
            let mut some = vec![0; all];
            end.read_exact(&mut some).unwrap();
            assert!(some.iter().all(|byte| *byte == 7));
        },
    );
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for end in &ends {
            let [one, two] = [end.try_clone().unwrap(), end.try_clone().unwrap()];
            threads.push(scope.spawn(move || send(one)));
            threads.push(scope.spawn(move || receive(two)));
        }
        let mut on = false;
        while !threads.iter().all(|thread| thread.is_finished()) {
            on = !on;
            bed.limited(on);
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let counters = bed.dataplane.counters().unwrap().into_iter();
    let dropped = counters.filter(|one| one.reason != Reason::Forwarded);
    assert_eq!(dropped.map(|one| one.count.packets).sum::<u64>(), 0);
}

#[test]
fn what_policy_refuses_uses_nothing_up() {
    let mut bed = Bed::new();
    bed.limited(true);
    bed.close();
    let bind = |ns: &Ns| ns.inside(|| UdpSocket::bind("0.0.0.0:0")).unwrap().unwrap();
    let to = SocketAddr::new(address(1, false), 7);
    let refused = || bed.counted(Reason::NotAllowed, Direction::Ingress);
    // Of the node's own sockets as well, whatever marks they bear.
    for (ns, mark) in [
        (&bed.containers[0], None),
        (bed.lab.node(), Some(0xfa17_d17e)),
    ] {
        let before = (refused(), bed.sent(IN));
        let socket = bind(ns);
        if let Some(mark) = mark {
            setsockopt(&socket, sockopt::Mark, &mark).unwrap();
        }
        socket.send_to(b"ahoy", to).unwrap();
        poll(Duration::from_secs(5), "it is refused", || {
            refused() > before.0
        })
        .unwrap();
        assert_eq!(refused() - before.0, 1);
        let [before, after] = [before.1, bed.sent(IN)].map(|sent| (sent.packets, sent.dropped));
        // Neighbour discovery may pass.
        assert_eq!(after.1, before.1);
        assert!(after.0 - before.0 <= 2);
    }
}
