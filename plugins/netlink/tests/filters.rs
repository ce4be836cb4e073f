//! clsact and its filters, against the kernel, `tc` and packets.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "in tests they are the checks"
)]

mod common;
#[path = "common/elf.rs"]
mod elf;

use std::os::fd::AsFd;
use std::process::Command;

use common::{in_new_netns, json, link, run};
use elf::{classifier, program};
use fairway_netlink::{ClsactHook, FilterId, FilterSpec, Handle, TrafficControl};
use nix::errno::Errno;
use serde_json::Value;

const OK: i32 = 0;
const DROP: i32 = 2;

fn id(index: u32, hook: ClsactHook) -> FilterId {
    FilterId {
        index,
        hook,
        priority: 7,
        handle: 0xfa,
    }
}

/// The filters that `tc` knows of, without the lines that only tell of a priority.
fn shown(hook: &str) -> Vec<Value> {
    let shown = json(&format!("tc -j filter show dev v {hook}"));
    let filters = shown.as_array().unwrap().iter();
    filters
        .filter(|filter| filter["options"]["handle"].is_string())
        .cloned()
        .collect()
}

fn kinds_of_qdiscs() -> Vec<String> {
    let shown = json("tc -j qdisc show dev v");
    let shown = shown.as_array().unwrap().iter();
    shown
        .map(|qdisc| qdisc["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn pings() -> bool {
    let ping = Command::new("ping")
        .args(["-c1", "-W1", "-I", "v", "10.0.0.2"])
        .output();
    ping.unwrap().status.success()
}

#[test]
fn clsact_comes_once_and_goes() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        let other = link(&mut handle, "w").index;
        assert!(!handle.has_clsact(index).unwrap());
        assert!(!handle.delete_clsact(index).unwrap());
        assert!(handle.ensure_clsact(index).unwrap());
        assert!(!handle.ensure_clsact(index).unwrap());
        assert!(kinds_of_qdiscs().contains(&"clsact".to_owned()));
        assert!(handle.has_clsact(index).unwrap() && !handle.has_clsact(other).unwrap());
        assert!(handle.delete_clsact(index).unwrap());
        assert!(!kinds_of_qdiscs().contains(&"clsact".to_owned()));
        // What has its place and is another is left alone.
        run("tc qdisc add dev v ingress");
        assert!(handle.ensure_clsact(index).unwrap_err().is_exists());
        assert!(!handle.has_clsact(index).unwrap());
        assert!(!handle.delete_clsact(index).unwrap());
        assert!(kinds_of_qdiscs().contains(&"ingress".to_owned()));
        // No link.
        assert!(handle.ensure_clsact(999).unwrap_err().is_not_found());
        assert!(!handle.has_clsact(999).unwrap() && !handle.delete_clsact(999).unwrap());
    });
}

#[test]
fn a_filter_is_put_replaced_listed_and_deleted() {
    in_new_netns(|| {
        run("ip link add v type veth peer name w");
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        let (first, second) = (classifier(OK), classifier(DROP));
        let number = |ebpf| program(ebpf).info().unwrap().id();
        let (hook, name) = (ClsactHook::Ingress, "fairway/test");
        let put = |handle: &mut Handle, hook, ebpf| {
            handle.put_filter(&FilterSpec {
                id: id(index, hook),
                name,
                class: 0x12_0034,
                program: program(ebpf).fd().unwrap().as_fd(),
            })
        };
        assert!(handle.filters(index).unwrap().is_empty());
        assert!(!handle.delete_filter(&id(index, hook)).unwrap());
        assert!(put(&mut handle, hook, &first).is_err(), "without clsact");
        handle.ensure_clsact(index).unwrap();
        for ebpf in [&first, &first, &second] {
            for hook in ClsactHook::BOTH {
                put(&mut handle, hook, ebpf).unwrap();
            }
            let filters = handle.filters(index).unwrap();
            assert_eq!(filters.len(), 2);
            for (filter, (hook, side)) in
                (filters.iter()).zip(ClsactHook::BOTH.into_iter().zip(["ingress", "egress"]))
            {
                assert_eq!((filter.id, filter.protocol), (id(index, hook), 3));
                let told = filter.program.as_ref().unwrap();
                assert_eq!((told.id, told.direct), (number(ebpf), true));
                assert_eq!(told.class, 0x12_0034);
                assert_eq!((&*told.name, &*filter.kind), (name, "bpf"));
                let shown = shown(side);
                assert_eq!(shown.len(), 1, "{shown:?}");
                assert_eq!(
                    (&shown[0]["pref"], &shown[0]["protocol"]),
                    (&7.into(), &"all".into())
                );
                let options = &shown[0]["options"];
                assert_eq!(
                    (&options["handle"], &options["bpf_name"]),
                    (&"0xfa".into(), &name.into())
                );
                assert_eq!(options["prog"]["id"], number(ebpf));
                assert_eq!(options["direct-action"], true);
                let tag: String = told.tag.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(options["prog"]["tag"], tag);
            }
        }
        // Others are told of, and stay.
        let mut classic: Vec<_> = "tc filter add dev v ingress pref 9 bpf bytecode"
            .split(' ')
            .collect();
        classic.push("1,6 0 0 0");
        let added = Command::new(classic[0]).args(&classic[1..]).status();
        assert!(added.unwrap().success());
        let filters = handle.filters(index).unwrap();
        assert_eq!(filters.len(), 3);
        assert_eq!((filters[1].id.priority, &filters[1].program), (9, &None));
        assert!(handle.delete_filter(&id(index, hook)).unwrap());
        assert!(!handle.delete_filter(&id(index, hook)).unwrap());
        assert_eq!((shown("ingress").len(), shown("egress").len()), (1, 1));
        // Any priority or any handle would be all of them.
        for (priority, handle_of_it) in [(0, 1), (1, 0)] {
            let any = FilterId {
                priority,
                handle: handle_of_it,
                ..id(index, hook)
            };
            assert!(handle.delete_filter(&any).is_err());
        }
        assert!(handle.filters(999).unwrap().is_empty());
        assert!(!handle.delete_filter(&id(999, hook)).unwrap());
        let file = std::fs::File::open("/").unwrap();
        let no_program = FilterSpec {
            id: id(index, hook),
            name,
            class: 0,
            program: file.as_fd(),
        };
        let error = handle.put_filter(&no_program).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
    });
}

#[test]
fn the_programs_verdict_is_the_packets_fate() {
    in_new_netns(|| {
        let peer = common::new_netns();
        run("ip link add v type veth peer name w");
        run("ip addr add 10.0.0.1/24 dev v");
        run("ip link set v up");
        let path = format!("/proc/{}/fd/{}", std::process::id(), {
            use std::os::fd::AsRawFd;
            peer.as_fd().as_raw_fd()
        });
        run(&format!("ip link set w netns {path}"));
        peer.run(|| {
            run("ip addr add 10.0.0.2/24 dev w");
            run("ip link set w up");
        })
        .unwrap();
        let mut handle = Handle::open().unwrap();
        let index = link(&mut handle, "v").index;
        handle.ensure_clsact(index).unwrap();
        let (allow, deny) = (classifier(OK), classifier(DROP));
        assert!(pings());
        for hook in ClsactHook::BOTH {
            for (ebpf, passes) in [(&deny, false), (&allow, true), (&deny, false)] {
                let spec = FilterSpec {
                    id: id(index, hook),
                    name: "p",
                    class: 0,
                    program: program(ebpf).fd().unwrap().as_fd(),
                };
                handle.put_filter(&spec).unwrap();
                assert_eq!(pings(), passes, "{hook:?}");
            }
            handle.delete_filter(&id(index, hook)).unwrap();
            assert!(pings());
        }
    });
}
