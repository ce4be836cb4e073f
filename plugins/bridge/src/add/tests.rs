//! ADD against a model of the kernel in which one change after the other is refused: whatever fails,
//! links and addresses are as before, the address is released, and no rule stays.

use super::*;
use fairway_api::endpoint::{Guard, Guarded, Open, Shape, Shaped, VerifyRates};
use fairway_cni::fake::Ipam;
use fairway_cni::{Attachment, CniArgs, Code, Delegates, NetConf};
use fairway_iface::Rules;
use fairway_lab::Ns;
use fairway_netlink::{Error as NetlinkError, NetNs, fake};
use serde_json::{Value, json};
use std::cell::RefCell;

/// A daemon that guards, shapes and opens, or refuses one of them; what it was asked, and whether the host's end
/// was up. Or there is none.
struct Enforcer {
    host: fake::Recorder,
    enforced: bool,
    there: bool,
    refuses: Option<&'static str>,
    asked: RefCell<Vec<(&'static str, bool)>>,
    opened: RefCell<Option<Open>>,
    shaped: RefCell<Option<Shape>>,
}

impl Enforcer {
    fn new(bed: &Bed) -> Self {
        Enforcer {
            host: bed.host.clone(),
            enforced: true,
            there: true,
            refuses: None,
            asked: RefCell::default(),
            opened: RefCell::default(),
            shaped: RefCell::default(),
        }
    }

    fn hear(&self, what: &'static str) -> Result<(), Failure> {
        let links = self.host.snapshot().links;
        let own = links.iter().find(|(_, link)| link.name.starts_with("fw"));
        let (_, link) = own.unwrap();
        assert!(Owner::marks(link), "the daemon finds it by its alias");
        self.asked.borrow_mut().push((what, link.up));
        match self.refuses == Some(what) {
            true => Err(Failure::new(Code::TRY_AGAIN, "no fairwayd")),
            false => Ok(()),
        }
    }
}

impl Enforce for Enforcer {
    fn guard(&self, guard: Guard) -> Result<Guarded, Failure> {
        assert_eq!(guard.attachment.container, "c1");
        self.hear("guard")?;
        Ok(Guarded {
            enforced: self.enforced,
        })
    }

    fn open(&self, open: Open) -> Result<(), Failure> {
        *self.opened.borrow_mut() = Some(open);
        self.hear("open")
    }
}

impl Keep for Enforcer {
    fn shape(&self, shape: Shape) -> Result<Option<Shaped>, Failure> {
        *self.shaped.borrow_mut() = Some(shape);
        self.hear("shape")?;
        let warnings = Vec::new();
        Ok(self.there.then_some(Shaped { warnings }))
    }

    fn shaped(&self, _: VerifyRates) -> Result<bool, Failure> {
        Ok(self.there)
    }
}

/// A network on the model, whose bridge is there already.
struct Bed {
    kernel: Kernel,
    host: fake::Recorder,
    ipam: Ipam,
}

impl Bed {
    fn new() -> Self {
        let (host, container) = fake::namespaces();
        let mut bed = Bed {
            kernel: Kernel {
                host: Box::new(host.clone()),
                container: Box::new(container),
                netns: NetNs::open("/proc/thread-self/ns/net").unwrap(),
                rules: Rules::default(),
            },
            host,
            ipam: Ipam::without_a_way_out(),
        };
        let wanted = master::Wanted {
            name: "cni0",
            mtu: None,
            promisc: false,
            vlan_filtering: false,
        };
        master::ensure(bed.kernel.host.as_mut(), wanted).unwrap();
        bed
    }

    fn add(&mut self, conf: &Value) -> Result<CniResult, Failure> {
        let enforcer = Enforcer::new(self);
        self.add_by(conf, &enforcer)
    }

    fn add_by(&mut self, conf: &Value, by: &Enforcer) -> Result<CniResult, Failure> {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(
            std::env::current_exe().unwrap(),
            dir.path().join("counting"),
        )
        .unwrap();
        let path = [dir.path().to_owned()];
        let conf = NetConf::from_json(conf.clone()).unwrap();
        let registry: &fairway_cni::Registry<'_> = &[("counting", &self.ipam)];
        let context = Context {
            conf: &conf,
            args: &CniArgs::default(),
            delegates: &Delegates::new(registry, &path),
        };
        let sandbox = Sandbox {
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: "/nowhere".to_owned(),
        };
        let conf = BridgeConf::parse(&context).unwrap();
        let policy = conf.policy(&context, &sandbox.attachment)?;
        let asking = conf.asking(&context, &sandbox)?;
        let asks = Asks {
            policy: policy.as_ref().map(|policy| (policy, by as _)),
            rates: asking.as_ref().map(|asking| (asking, by as _)),
        };
        run(&mut self.kernel, &context, &sandbox, &conf, asks)
    }
}

fn refusal() -> NetlinkError {
    NetlinkError::Invalid {
        op: "refuse",
        subject: "this change".to_owned(),
        what: "for the test's sake",
    }
}

/// Refuses one change after the other until an ADD gets through; gives how many were refused.
fn refuse_each(conf: &Value) -> usize {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        for nth in 0.. {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            bed.host.fail_at(nth, refusal());
            let Err(failure) = bed.add(conf) else {
                let addresses = i32::from(conf.get("ipam").is_some());
                assert_eq!(bed.ipam.given(), addresses);
                return nth;
            };
            assert!(
                failure.msg.contains("for the test's sake"),
                "change {nth}: {failure}"
            );
            assert_eq!(
                failure.details, "",
                "change {nth}: something could not be undone"
            );
            // Made under the refused step or not, the gateway's address is the node's and may stay.
            let mut after = bed.host.snapshot();
            after
                .addresses
                .retain(|(_, address)| address.ip != "10.1.2.1/24".parse().unwrap());
            assert_eq!(after, before, "change {nth}");
            assert_eq!(
                bed.ipam.given(),
                0,
                "change {nth}: the address is not released"
            );
            let rules = std::process::Command::new("nft")
                .args(["list", "ruleset"])
                .output()
                .unwrap();
            let rules = String::from_utf8(rules.stdout).unwrap();
            assert!(!rules.contains("c1"), "change {nth}: {rules}");
        }
        unreachable!("the range has no end")
    })
    .unwrap()
}

#[test]
fn every_refused_change_is_undone() {
    let refused = refuse_each(&json!({
        "name": "net", "isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": "nftables",
        "macspoofchk": true, "hairpinMode": true, "portIsolation": true, "ipam": {"type": "counting"},
    }));
    // Links, alias, port, address, up, route, gateway's address, its pin.
    assert_eq!(refused, 8);
}

#[test]
fn every_refused_change_is_undone_on_layer_2() {
    // Links, alias, up.
    assert_eq!(refuse_each(&json!({"name": "net"})), 3);
}

#[test]
fn an_interface_that_is_there_costs_no_address() {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        let mut bed = Bed::new();
        let conf = json!({"name": "net", "ipam": {"type": "counting"}});
        bed.add(&conf).unwrap();
        let before = bed.host.snapshot();
        let failure = bed.add(&conf).unwrap_err();
        assert_eq!(failure.code, Code::ALREADY_ATTACHED);
        assert_eq!(bed.host.snapshot(), before);
        assert_eq!(bed.ipam.given(), 1);
    })
    .unwrap();
}

#[test]
fn every_refused_change_is_undone_with_policy() {
    let refused = refuse_each(&json!({
        "name": "net", "isGateway": true, "policy": true, "ipam": {"type": "counting"},
    }));
    // Links, alias, up, address, up, gateway's address, its pin.
    assert_eq!(refused, 7);
}

#[test]
fn policy_is_in_place_before_the_container_says_anything() {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        let conf = json!({"name": "net", "policy": true, "ipam": {"type": "counting"}});
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        let result = bed.add_by(&conf, &by).unwrap();
        let asked = [("guard", false), ("shape", true), ("open", true)];
        assert_eq!(by.asked.take(), asked);
        let open = by.opened.take().unwrap();
        assert_eq!(Some(open.mac), result.interfaces[2].mac);
        assert_eq!((open.cluster, open.network), (false, None));

        for refuses in ["guard", "shape", "open"] {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            let mut by = Enforcer::new(&bed);
            by.refuses = Some(refuses);
            let failure = bed.add_by(&conf, &by).unwrap_err();
            assert_eq!(
                (failure.code, failure.details),
                (Code::TRY_AGAIN, String::new())
            );
            assert_eq!(bed.host.snapshot(), before, "{refuses}");
            assert_eq!(bed.ipam.given(), 0, "{refuses}");
        }

        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        bed.add_by(&json!({"name": "net", "policy": false}), &by)
            .unwrap();
        assert!(by.asked.take().is_empty());
    })
    .unwrap();
}

#[test]
fn rates_are_asked_of_the_daemon_where_there_is_one() {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        let conf = json!({
            "name": "net", "bandwidth": {"ingressRate": 20_000_000, "ingressBurst": 80_000},
            "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {
                "fairway.network/namespace": "shop", "fairway.network/ingress-rate": "5M",
            }},
        });
        for there in [true, false] {
            let mut bed = Bed::new();
            let mut by = Enforcer::new(&bed);
            by.there = there;
            let result = bed.add_by(&conf, &by).unwrap();
            let shape = by.shaped.take().unwrap();
            assert_eq!(
                (shape.by.as_str(), shape.netns.as_str()),
                ("bridge", "/nowhere")
            );
            assert_eq!(
                (&shape.link, shape.network),
                (&result.interfaces[1].name, None)
            );
            assert_eq!(shape.workload.namespace.as_deref(), Some("shop"));
            let rates = shape
                .rates
                .iter()
                .map(|r| (r.bits, r.burst, r.field.as_str()));
            let expected = [
                (20_000_000, Some(10_000), "bandwidth.ingressRate"),
                (
                    5_000_000,
                    None,
                    "pod annotation: fairway.network/ingress-rate",
                ),
            ];
            assert!(rates.eq(expected), "{:?}", shape.rates);
            // By the kernel alone, the least of them.
            let queues = bed.host.snapshot().queues;
            let ceils = queues
                .values()
                .flat_map(|queues| &queues.classes)
                .map(|class| class.ceil);
            assert_eq!(ceils.min(), (!there).then_some(625_000));
        }

        let mut bed = Bed::new();
        let before = bed.host.snapshot();
        let mut by = Enforcer::new(&bed);
        by.refuses = Some("shape");
        let failure = bed.add_by(&conf, &by).unwrap_err();
        assert_eq!(
            (failure.code, failure.details.as_str()),
            (Code::TRY_AGAIN, "")
        );
        assert_eq!(bed.host.snapshot(), before);

        // Nothing is asked for, and of nobody.
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        bed.add_by(&json!({"name": "net", "bandwidth": {"egressRate": 0}}), &by)
            .unwrap();
        assert!(by.asked.take().is_empty());
    })
    .unwrap();
}
