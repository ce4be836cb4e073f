//! ADD over what a crashed ADD left, DEL over what anybody left: the iptables
//! backend, native and by iptables-legacy.

use fairway_lab::{Lab, Ns, Result};
use fairway_netfilter::{Backend, Error, masq};

use crate::common::*;

const ADDRESSES: [&str; 2] = ["10.22.0.2/16", "fd00:22::2/64"];

/// One face of iptables.
struct Face<'a> {
    ns: &'a Ns,
    path: Option<std::path::PathBuf>,
    program: &'static str,
}

impl Face<'_> {
    fn run<T: Send>(&self, f: impl FnOnce(&mut fairway_netfilter::Netfilter) -> T + Send) -> T {
        within(self.ns, |nf| match &self.path {
            None => f(nf),
            Some(path) => {
                let mut nf = fairway_netfilter::Netfilter::open()
                    .unwrap()
                    .with_path(path.as_os_str());
                f(&mut nf)
            }
        })
    }

    fn setup(&self) {
        let addresses = addresses(&ADDRESSES);
        self.run(|nf| masq::setup(nf, Backend::Iptables, &ATTACHMENT, &addresses))
            .unwrap();
    }

    fn check(&self) -> std::result::Result<(), Error> {
        let addresses = addresses(&ADDRESSES);
        self.run(|nf| masq::check(nf, Backend::Iptables, &ATTACHMENT, &addresses))
    }

    fn teardown(&self) {
        self.run(|nf| masq::teardown(nf, &ATTACHMENT)).unwrap();
    }

    fn nat(&self, command: &str) -> Result<String> {
        self.ns.sh(&format!("{} -w -t nat {command}", self.program))
    }

    fn rules(&self) -> Result<String> {
        Ok(self.nat("-S")?
            + &self
                .ns
                .sh(&format!("ip6{} -t nat -S", &self.program[2..]))?)
    }
}

fn on_each_face(test: impl Fn(&Face<'_>) -> Result) -> Result {
    let lab = Lab::new()?;
    test(&Face {
        ns: lab.node(),
        path: None,
        program: "iptables",
    })?;
    test(&Face {
        ns: &lab.machine("legacy")?,
        path: Some(legacy_path(&lab)),
        program: "iptables-legacy",
    })
}

#[test]
fn add_completes_what_is_there() -> Result {
    on_each_face(|face| {
        face.setup();
        let good = face.rules()?;
        for leftover in [
            "-S",
            "-D POSTROUTING 1",
            &format!("-F {CHAIN}"),
            &format!("-D {CHAIN} 1"),
            &format!("-D {CHAIN} 2"),
            &format!("-A POSTROUTING -s 10.22.0.2 -j {CHAIN} -m comment --comment '{COMMENT}'"),
        ] {
            face.nat(leftover)?;
            let whole = leftover == "-S" || leftover.starts_with("-A");
            assert_eq!(face.check().is_ok(), whole, "{leftover}");
            face.setup();
            face.check().unwrap();
            // The order inside of the chain may have changed.
            let mut now: Vec<String> = face.rules()?.lines().map(str::to_owned).collect();
            let mut then: Vec<String> = good.lines().map(str::to_owned).collect();
            now.sort();
            then.sort();
            assert_eq!(now, then, "{leftover}");
        }
        Ok(())
    })
}

#[test]
fn del_removes_all_that_jumps_to_the_chain() -> Result {
    on_each_face(|face| {
        face.nat("-A POSTROUTING -s 10.22.0.9 -j ACCEPT")?;
        let before = face.rules()?;
        for leftover in [
            // As it was set up; as the reference once wrote it; without a
            // comment; twice; with only a chain; with nothing.
            vec![],
            vec![format!(
                "-A POSTROUTING -s 10.22.0.2/16 -j {CHAIN} -m comment --comment '{COMMENT}'"
            )],
            vec![format!("-I POSTROUTING -s 10.22.0.7 -j {CHAIN}")],
            vec![format!(
                "-A POSTROUTING -s 10.22.0.2 -j {CHAIN} -m comment --comment '{COMMENT}'"
            )],
            vec!["-D POSTROUTING 2".to_owned()],
            vec!["-D POSTROUTING 2".to_owned(), format!("-F {CHAIN}")],
        ] {
            face.setup();
            for command in &leftover {
                face.nat(command)?;
            }
            face.teardown();
            let now = face.rules()?;
            let untouched = |text: &str| {
                let lines = text.lines().filter(|line| !line.starts_with("-P"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(untouched(&now), untouched(&before), "{leftover:?}");
            face.teardown();
        }
        Ok(())
    })
}

#[test]
fn another_address_replaces_the_one_of_a_crashed_add() -> Result {
    let lab = Lab::new()?;
    setup(
        lab.node(),
        Backend::Iptables,
        &ATTACHMENT,
        &["10.22.0.2/16"],
    )
    .unwrap();
    setup(
        lab.node(),
        Backend::Iptables,
        &ATTACHMENT,
        &["10.23.0.2/24"],
    )
    .unwrap();
    let other = lab.machine("other")?;
    setup(&other, Backend::Iptables, &ATTACHMENT, &["10.23.0.2/24"]).unwrap();
    let sorted = |ns| {
        let mut lines: Vec<String> = saved(ns).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(lab.node()), sorted(&other));
    Ok(())
}

#[test]
fn two_interfaces_of_a_container_share_the_chain_until_the_last_goes() -> Result {
    let lab = Lab::new()?;
    let node = lab.node();
    let (eth0, net1) = (interface("eth0"), interface("net1"));
    setup(node, Backend::Iptables, &eth0, &["10.22.0.2/16"]).unwrap();
    let alone = saved(node);
    setup(node, Backend::Iptables, &net1, &["10.22.0.3/16"]).unwrap();
    teardown(node, &net1).unwrap();
    assert_eq!(saved(node), alone);
    setup(node, Backend::Iptables, &net1, &["10.22.0.3/16"]).unwrap();
    teardown(node, &eth0).unwrap();
    let left = saved(node);
    assert!(
        left.contains("-s 10.22.0.3/32") && !left.contains("-s 10.22.0.2/32"),
        "{left}"
    );
    assert!(left.contains("MASQUERADE"), "{left}");
    teardown(node, &net1).unwrap();
    assert!(!saved(node).contains("CNI-"));
    Ok(())
}
