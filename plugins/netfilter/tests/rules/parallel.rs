//! A node starts and ends many containers at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Attachment, Backend, Error, Netfilter, masq, spoof};
use fairway_netlink::MacAddr;

use crate::common::*;

const CONTAINERS: u32 = 96;
const AT_ONCE: u32 = 16;

/// Calls `work` once for each container, many at a time, with a socket each as
/// processes would have.
fn all(
    ns: &Ns,
    work: impl Fn(&mut Netfilter, &Attachment<'_>, u32) -> std::result::Result<(), Error> + Sync,
) {
    let next = AtomicU32::new(0);
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= CONTAINERS {
                return;
            }
            let id = format!("container-{number}");
            let attachment = Attachment {
                container_id: &id,
                ..ATTACHMENT
            };
            within(ns, |nf| work(nf, &attachment, number)).unwrap();
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(worker);
        }
    });
}

#[test]
fn masquerading_comes_and_goes_for_many_at_once() -> Result {
    for backend in [Backend::Iptables, Backend::Nftables] {
        let lab = Lab::new()?;
        let node = lab.node();
        let texts = |number: u32| {
            let number = number + 2;
            [
                format!("10.22.0.{number}/24"),
                format!("fd00:22::{number}/64"),
            ]
        };
        let with = |number| addresses(&texts(number).each_ref().map(String::as_str));
        all(node, |nf, attachment, number| {
            masq::setup(nf, backend, attachment, &with(number))?;
            masq::check(nf, backend, attachment, &with(number))
        });
        let listed = ruleset(node);
        assert_eq!(listed.matches(" saddr ").count(), 2 * CONTAINERS as usize);
        assert_eq!(
            listed.matches("224.0.0.0/4 return").count(),
            usize::from(backend == Backend::Nftables)
        );
        // Half of them end while those start again that are there already.
        all(node, |nf, attachment, number| match number % 2 {
            0 => masq::teardown(nf, attachment),
            _ => masq::setup(nf, backend, attachment, &with(number)),
        });
        let count = ruleset(node).matches(" saddr ").count();
        assert_eq!(count, CONTAINERS as usize, "{backend}");
        all(node, |nf, attachment, _| masq::teardown(nf, attachment));
        let listed = ruleset(node);
        assert!(
            !listed.contains("saddr") && !listed.contains("CNI-"),
            "{listed}"
        );
    }
    Ok(())
}

#[test]
fn whoever_comes_second_finds_nothing_to_do() -> Result {
    for backend in [Backend::Iptables, Backend::Nftables] {
        let lab = Lab::new()?;
        let node = lab.node();
        let addresses = addresses(&["10.22.0.2/24", "fd00:22::2/64"]);
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        // DEL comes twice, and GC at the same time.
        for _ in 0..20 {
            within(node, |nf| {
                masq::setup(nf, backend, &ATTACHMENT, &addresses).unwrap();
                spoof::setup(nf, &ATTACHMENT, "veth1", mac).unwrap();
            });
            let start = Barrier::new(3);
            let worker = &|number| {
                within(node, |nf| {
                    start.wait();
                    if number == 0 {
                        let errors = masq::gc(nf, ATTACHMENT.network, &[]);
                        assert!(errors.is_empty(), "{errors:?}");
                        let errors = spoof::gc(nf, ATTACHMENT.network, &[]);
                        assert!(errors.is_empty(), "{errors:?}");
                    } else {
                        masq::teardown(nf, &ATTACHMENT).unwrap();
                        spoof::teardown(nf, &ATTACHMENT).unwrap();
                    }
                });
            };
            thread::scope(|scope| {
                for number in 0..3 {
                    scope.spawn(move || worker(number));
                }
            });
            let listed = ruleset(node);
            assert!(
                !listed.contains("saddr") && !listed.contains("iifname"),
                "{listed}"
            );
        }
    }
    Ok(())
}

#[test]
fn mac_checks_come_and_go_for_many_at_once() -> Result {
    let lab = Lab::new()?;
    let mac = MacAddr([2, 0, 0, 0, 0, 1]);
    all(lab.node(), |nf, attachment, number| {
        spoof::setup(nf, attachment, &format!("veth{number}"), mac)
    });
    let jumps = |ns: &Ns| ruleset(ns).matches("iifname").count();
    assert_eq!(jumps(lab.node()), CONTAINERS as usize);
    all(lab.node(), |nf, attachment, _| {
        spoof::teardown(nf, attachment)
    });
    assert!(!ruleset(lab.node()).contains("container-"));
    Ok(())
}

/// What deletes is refused while others change the rules, and must get through
/// all the same.
#[test]
fn del_gets_through_while_others_write_all_the_time() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let addresses = addresses(&["10.22.0.2/24"]);
    let done = AtomicBool::new(false);
    // However the test ends.
    let latest = Instant::now() + Duration::from_secs(60);
    let waits = thread::scope(|scope| {
        for n in 0..2 {
            // A change of the ruleset each, and hardly anything between two.
            let (done, addresses) = (&done, &addresses);
            scope.spawn(move || {
                let id = format!("other-{n}");
                let attachment = Attachment {
                    container_id: &id,
                    ..ATTACHMENT
                };
                within(node, |nf| {
                    while !done.load(Ordering::Relaxed) && Instant::now() < latest {
                        masq::setup(nf, Backend::Nftables, &attachment, addresses).unwrap();
                        masq::teardown(nf, &attachment).unwrap();
                    }
                });
            });
        }
        let waits = (0..100).map(|_| {
            within(node, |nf| {
                masq::setup(nf, Backend::Iptables, &ATTACHMENT, &addresses).unwrap();
                let start = Instant::now();
                let torn = masq::teardown(nf, &ATTACHMENT);
                (torn, start.elapsed())
            })
        });
        let waits: Vec<_> = waits.collect();
        done.store(true, Ordering::Relaxed);
        waits
    });
    let longest = waits.iter().map(|(_, wait)| *wait).max();
    println!("longest wait {longest:?}");
    for (torn, _) in waits {
        torn.unwrap();
    }
    assert!(!ruleset(node).contains(" saddr "));
    Ok(())
}
