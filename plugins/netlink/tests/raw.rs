//! Raw sockets against the kernel.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{in_new_netns, json, link, new_netns};
use fairway_netlink::raw::attr::{Attrs, Writer};
use fairway_netlink::raw::{ACK, CREATE, EXCL, Message, RawSocket, protocols};
use fairway_netlink::{AddressSpec, Error, Handle, NetNs, Netlink, retry};
use nix::errno::Errno;
use nix::libc;

/// Adds 10.0.X.Y/32 to a link.
fn add_address(index: u32, number: u16) -> Message {
    let mut header = vec![libc::AF_INET as u8, 32, 0, 0];
    header.extend_from_slice(&index.to_ne_bytes());
    let [x, y] = number.to_be_bytes();
    let mut writer = Writer::with_header(&header);
    writer.put(libc::IFA_LOCAL, &[10, 0, x, y]);
    Message::new("add address", number.to_string(), libc::RTM_NEWADDR)
        .flags(CREATE | EXCL | ACK)
        .attributes(writer)
        .unwrap()
}

#[test]
fn thousands_of_changes_go_in_one_batch() {
    in_new_netns(|| {
        let lo = link(&mut Handle::open().unwrap(), "lo").index;
        let mut socket = RawSocket::open(protocols::NETLINK_ROUTE).unwrap();
        let batch: Vec<_> = (0..5000).map(|number| add_address(lo, number)).collect();
        assert_eq!(socket.batch(&batch).unwrap(), []);
        let shown = json("ip -j -4 address show dev lo");
        assert_eq!(shown[0]["addr_info"].as_array().unwrap().len(), 5000);

        // The others are done all the same; the first error is told.
        let batch: Vec<_> = [6000, 77, 6001, 88, 6002]
            .map(|number| add_address(lo, number))
            .into();
        let error = socket.batch(&batch).unwrap_err();
        assert!(error.is_exists());
        assert!(
            error.to_string().starts_with("add address 77: EEXIST"),
            "{error}"
        );
        // And the socket is in order.
        socket.execute(&add_address(lo, 7000)).unwrap();
        let shown = json("ip -j -4 address show dev lo");
        assert_eq!(shown[0]["addr_info"].as_array().unwrap().len(), 5004);
    });
}

#[test]
fn nf_tables_answers_in_the_namespace_of_the_socket() {
    const GETGEN: u16 = 10 << 8 | 16;
    const GEN_ID: u16 = 1;
    in_new_netns(|| {
        let here = NetNs::current().unwrap();
        let netns = new_netns();
        let mut socket = RawSocket::open_in(protocols::NETLINK_NETFILTER, &netns).unwrap();
        assert!(NetNs::current().unwrap().same_as(&here).unwrap());
        let message = Message::new("get generation", "", GETGEN).body(vec![0, 0, 0, 0]);
        let mut generation = || {
            socket.get(&message, |_, body| {
                Attrs::after(4, body).find_kind(GEN_ID)?.u32_be()
            })
        };
        let before = match generation() {
            Err(error) if error.errno() == Some(Errno::EINVAL) => {
                eprintln!("SKIPPED: the kernel lacks CONFIG_NF_TABLES ({error})");
                return;
            }
            other => other.unwrap(),
        };
        netns.run(|| common::run("nft add table inet t")).unwrap();
        assert_eq!(generation().unwrap(), before + 1);
        common::run("nft add table inet elsewhere");
        assert_eq!(generation().unwrap(), before + 1);
    });
}

/// Others change addresses while all are listed: the kernel says that its answer
/// is no good, again and again, and what is told is whole nevertheless.
#[test]
fn a_dump_is_whole_while_others_make_changes() {
    const STEADY: u16 = 3000;
    in_new_netns(|| {
        let lo = link(&mut Handle::open().unwrap(), "lo").index;
        let mut socket = RawSocket::open(protocols::NETLINK_ROUTE).unwrap();
        let batch: Vec<_> = (0..STEADY).map(|number| add_address(lo, number)).collect();
        socket.batch(&batch).unwrap();
        let list = Message::new("list addresses", "", libc::RTM_GETADDR).body(vec![0; 8]);
        let netns = NetNs::current().unwrap();
        let done = AtomicBool::new(false);
        let started_anew = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut other = Handle::open_in(&netns).unwrap();
                let passing = "192.0.2.1/32".parse().unwrap();
                let end = Instant::now() + Duration::from_secs(30);
                while !done.load(Ordering::Relaxed) && Instant::now() < end {
                    other.add_address(lo, &AddressSpec::new(passing)).unwrap();
                    other.delete_address(lo, passing).unwrap();
                    let _ = retry::until(Duration::from_millis(2), || Ok::<Option<()>, ()>(None));
                }
            });
            let found = retry::until(Duration::from_secs(20), || {
                let mut seen = 0;
                let mut listed = socket.dump(&list, |_, body| {
                    seen += 1;
                    let local = Attrs::after(8, body).find_kind(libc::IFA_LOCAL)?;
                    Some(local.value.to_vec()).filter(|bytes| bytes[0] == 10)
                })?;
                listed.sort();
                listed.dedup();
                assert_eq!(listed.len(), usize::from(STEADY));
                let once = usize::from(STEADY) + 1;
                Ok::<_, Error>((seen > once + 1).then_some(()))
            });
            done.store(true, Ordering::Relaxed);
            found.unwrap()
        });
        assert!(started_anew.is_some(), "no dump was ever interrupted");
    });
}
