//! ADD against a model of the kernel in which one change after the other is refused, and the daemon at last:
//! whatever fails, links and addresses are as before and the address is released.

use super::*;
use fairway_api::endpoint::Prepared;
use fairway_cni::{
    Attachment, CniArgs, Code, Delegates, Detach, GcAttachments, IpConfig, NetConf, Plugin,
};
use fairway_iface::Rules;
use fairway_lab::Ns;
use fairway_netlink::{
    Error as NetlinkError, NeighbourState, NetNs, Scope,
    fake::{self, Place},
};
use policy::Enforcer;
use serde_json::{Value, json};
use std::{cell::RefCell, process::Command, rc::Rc, sync::Mutex};

mod policy;

/// An IPAM plugin that knows what it has given out, and which pools it was asked for.
#[derive(Default)]
struct Ipam {
    given: Mutex<i32>,
    pools: Mutex<Vec<Option<String>>>,
    void: bool,
}

impl Plugin for Ipam {
    fn is_ipam(&self) -> bool {
        true
    }
    fn add(&self, context: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        let ipam = context.conf.root().require("ipam")?.object()?;
        let pool = ipam.text("pool")?.map(ToOwned::to_owned);
        self.pools.lock().unwrap().push(pool);
        *self.given.lock().unwrap() += 1;
        let ip = |address: &str, gateway: &str| IpConfig {
            interface: None,
            address: address.parse().unwrap(),
            gateway: Some(gateway.parse().unwrap()),
        };
        Ok(CniResult {
            ips: vec![ip("10.88.0.7/16", "10.88.0.1"), ip("fd88::7/64", "fd88::1")],
            ..CniResult::default()
        })
    }
    fn add_ahead(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
    ) -> Result<(CniResult, Confirmation), Failure> {
        let result = self.add(context, sandbox)?;
        let confirmation = match self.void {
            true => Confirmation::after(|| Err(Failure::new(Code::IO, "journal: full"))),
            false => Confirmation::none(),
        };
        Ok((result, confirmation))
    }
    fn del(&self, _: &Context<'_>, _: &Detach) -> Result<(), Failure> {
        *self.given.lock().unwrap() -= 1;
        Ok(())
    }
    fn check(&self, _: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        Ok(())
    }
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }
    fn status(&self, _: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

/// What the daemon says when it is asked whether the container is reached.
type Says = fn() -> Result<(), Failure>;

/// A node on the model, and a daemon that knows the network `apps`.
struct Bed {
    kernel: Kernel,
    host: fake::Recorder,
    ipam: Ipam,
    reached: Rc<RefCell<Vec<Vec<IpAddr>>>>,
}

impl Bed {
    fn new() -> Self {
        let (host, container) = fake::namespaces();
        Bed {
            kernel: Kernel {
                host: Box::new(host.clone()),
                container: Box::new(container),
                netns: NetNs::open("/proc/thread-self/ns/net").unwrap(),
                rules: Rules::default(),
            },
            host,
            ipam: Ipam::default(),
            reached: Rc::default(),
        }
    }

    fn add(&mut self, extra: &Value, says: Says) -> Result<CniResult, Failure> {
        let enforcer = Enforcer::new(self);
        self.add_by(extra, says, &enforcer)
    }

    fn add_by(&mut self, extra: &Value, says: Says, by: &Enforcer) -> Result<CniResult, Failure> {
        let mut value = json!({
            "cniVersion": "1.1.0", "name": "net", "network": "apps", "ipam": {"type": "fairway"},
        });
        let extra = extra.as_object().unwrap().clone();
        value.as_object_mut().unwrap().extend(extra);
        let conf = NetConf::from_json(value).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        std::os::unix::fs::symlink(own, dir.path().join("fairway")).unwrap();
        let path = [dir.path().to_owned()];
        let registry: &fairway_cni::Registry<'_> = &[("fairway", &self.ipam)];
        let context = Context {
            conf: &conf,
            args: &CniArgs::default(),
            delegates: &Delegates::new(registry, &path),
        };
        let sandbox = sandbox();
        let conf = VxlanConf::parse(&context)?;
        let policy = conf.policy(&context, &sandbox.attachment)?;
        let asking = conf.asking(&context, &sandbox)?;
        let prepared = Prepared {
            pools: vec!["web".to_owned(), "db".to_owned()],
            mtu: 1450,
        };
        let network = Network::new(&conf, prepared);
        let log = Rc::clone(&self.reached);
        let reached = move |addresses| {
            log.borrow_mut().push(addresses);
            says()
        };
        run(
            &mut self.kernel,
            &context,
            &sandbox,
            (&conf, &network),
            Asks {
                policy: policy.as_ref(),
                enforce: by,
                rates: &asking,
                keep: by,
            },
            reached,
        )
    }

    fn pair_is_up(&self) -> bool {
        let links = self.host.snapshot().links;
        let mut pair = links.iter().filter(|(_, link)| link.is_veth());
        pair.clone().count() == 2 && pair.all(|(_, link)| link.up)
    }

    fn given(&self) -> i32 {
        *self.ipam.given.lock().unwrap()
    }
}

fn sandbox() -> Sandbox {
    Sandbox {
        attachment: Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
        netns: "/nowhere".to_owned(),
    }
}

fn refusal() -> NetlinkError {
    NetlinkError::Invalid {
        op: "refuse",
        subject: "this change".to_owned(),
        what: "for the test's sake",
    }
}

/// Runs `f` where links of the model's names have kernel settings.
fn with_settings(f: impl FnOnce() + Send) {
    let sandbox = sandbox();
    let name = Owner::new("net", &sandbox.attachment)
        .names()
        .next()
        .unwrap();
    let ns = Ns::new("model").unwrap();
    ns.inside(move || {
        let mut command = Command::new("ip");
        command.args(["link", "add", &name, "type", "veth", "peer", "name", "eth0"]);
        assert!(command.status().unwrap().success());
        f();
    })
    .unwrap();
}

#[test]
fn both_ends_know_each_other() {
    with_settings(|| {
        let mut bed = Bed::new();
        let result = bed.add(&json!({}), || Ok(())).unwrap();
        let names: Vec<_> = result.interfaces.iter().map(|i| i.name.as_str()).collect();
        assert!(names[0].starts_with("fw") && names[1] == "eth0");
        assert_eq!(
            result.interfaces[0].mac.as_deref(),
            Some("ee:ee:ee:ee:ee:ee")
        );
        assert_eq!(result.interfaces[1].sandbox.as_deref(), Some("/nowhere"));
        assert!(result.interfaces.iter().all(|i| i.mtu == Some(1450)));

        let now = bed.host.snapshot();
        let addresses: Vec<_> = now
            .addresses
            .iter()
            .map(|(place, a)| (*place, a.ip.to_string(), a.scope))
            .collect();
        let expected = [
            (Place::Host, "169.254.1.1/32", Scope::LINK),
            (Place::Host, "fe80::1/64", Scope::LINK),
            (Place::Container, "10.88.0.7/32", Scope::UNIVERSE),
            (Place::Container, "fd88::7/128", Scope::UNIVERSE),
        ];
        assert_eq!(
            addresses,
            expected.map(|(place, ip, scope)| (place, ip.to_owned(), scope))
        );
        let far = result.interfaces[1].mac.clone().unwrap();
        let neighbours: Vec<_> = now
            .neighbours
            .iter()
            .map(|(place, n)| {
                assert_eq!(n.state, NeighbourState::PERMANENT);
                (*place, n.ip.to_string(), n.mac.unwrap().to_string())
            })
            .collect();
        let near = "ee:ee:ee:ee:ee:ee".to_owned();
        let expected = [
            (Place::Host, "10.88.0.7", far.clone()),
            (Place::Host, "fd88::7", far),
            (Place::Container, "169.254.1.1", near.clone()),
            (Place::Container, "fe80::1", near),
        ];
        assert_eq!(
            neighbours,
            expected.map(|(place, ip, mac)| (place, ip.to_owned(), mac))
        );
        let routes: Vec<_> = now
            .routes
            .iter()
            .map(|(place, r)| {
                assert_eq!(*place, Place::Container, "the host's are the daemon's");
                (r.dst.to_string(), r.gateway.map(|gw| gw.to_string()))
            })
            .collect();
        let via = |gateway: &str| Some(gateway.to_owned());
        let expected = [
            ("169.254.1.1/32", None),
            ("0.0.0.0/0", via("169.254.1.1")),
            ("::/0", via("fe80::1")),
        ];
        assert_eq!(
            routes,
            expected.map(|(dst, gateway)| (dst.to_owned(), gateway))
        );
        assert_eq!(
            bed.reached.take(),
            [[
                "10.88.0.7".parse::<IpAddr>().unwrap(),
                "fd88::7".parse().unwrap()
            ]]
        );
        assert_eq!(
            bed.ipam.pools.into_inner().unwrap(),
            [Some("web".to_owned())]
        );
    });
}

#[test]
fn every_refused_change_is_undone() {
    with_settings(|| {
        for nth in 0.. {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            bed.host.fail_at(nth, refusal());
            let Err(failure) = bed.add(&json!({}), || Ok(())) else {
                // Links, alias, up, two addresses, one setting and two neighbours outside; two addresses, up, two
                // neighbours, three routes inside.
                assert_eq!((nth, bed.given()), (16, 1));
                return;
            };
            assert!(failure.msg.contains("for the test's sake"), "{failure}");
            assert_eq!(failure.details, "", "change {nth}");
            assert_eq!(bed.host.snapshot(), before, "change {nth}");
            assert_eq!(
                (bed.given(), bed.reached.take().len()),
                (0, 0),
                "change {nth}"
            );
        }
    });
}

#[test]
fn a_container_that_is_not_reached_is_none() {
    with_settings(|| {
        let mut bed = Bed::new();
        let before = bed.host.snapshot();
        let says: Says = || Err(Failure::new(Code::TRY_AGAIN, "no fairwayd"));
        let failure = bed.add(&json!({}), says).unwrap_err();
        assert_eq!(
            (failure.code, failure.details.as_str()),
            (Code::TRY_AGAIN, "")
        );
        assert_eq!(bed.host.snapshot(), before);
        assert_eq!((bed.given(), bed.reached.take().len()), (0, 1));
    });
}

#[test]
fn nobody_is_told_of_an_address_that_does_not_become_durable() {
    with_settings(|| {
        let mut bed = Bed::new();
        bed.ipam.void = true;
        let before = bed.host.snapshot();
        let failure = bed.add(&json!({}), || Ok(())).unwrap_err();
        assert_eq!(failure.msg, "journal: full");
        assert_eq!(bed.host.snapshot(), before);
        assert_eq!((bed.given(), bed.reached.take().len()), (0, 0));
    });
}

#[test]
fn what_cannot_be_costs_no_address() {
    with_settings(|| {
        for (extra, start) in [
            (
                json!({"mtu": 1500}),
                "mtu: 1500: network apps carries up to 1450 bytes",
            ),
            (
                json!({"ipam": {"type": "fairway", "pool": "other"}}),
                "ipam.pool: \"other\": is no pool of network apps, which has web, db",
            ),
        ] {
            let mut bed = Bed::new();
            let failure = bed.add(&extra, || Ok(())).unwrap_err();
            assert_eq!(
                (failure.code, failure.msg.as_str()),
                (Code::INVALID_CONFIG, start)
            );
            assert!(bed.ipam.pools.into_inner().unwrap().is_empty());
        }
        // That there is an IPv6 address is known only once it is there.
        let mut bed = Bed::new();
        let before = bed.host.snapshot();
        let failure = bed.add(&json!({"mtu": 1279}), || Ok(())).unwrap_err();
        assert_eq!(failure.msg, "mtu: 1279: IPv6 needs 1280 bytes");
        assert_eq!((bed.host.snapshot(), bed.given()), (before, 0));
    });
}
