//! The verbs, with networks whose plugins write down what they are told and refuse what they are told to refuse.
//!
//! Links to this test's own program stand for the plugins, so that they are called as functions.

mod lost;
mod verbs;

use crate::{Multi, add, check, definition::Ask, del, ready, record::Record, store::Store};
use fairway_api::definition::{Find, Found};
use fairway_cni::{
    Attachment, CniArgs, CniResult, Code, Context, Delegates, Detach, Failure, GcAttachments,
    Interface, IpConfig, NetConf, Object, Plugin, Route, Sandbox,
    labels::{NETWORKS, POD_ANNOTATIONS},
};
use fairway_netlink::{BridgeSpec, Netlink, fake};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, os::unix::fs::symlink, panic, path::PathBuf, sync::Mutex};

/// Which (network, container, interface) it attached, by type; and all that it was told.
#[derive(Default)]
struct Fake {
    held: Mutex<BTreeSet<String>>,
    log: Mutex<Vec<String>>,
    /// `VERB NETWORK TYPE`, and what is answered to that.
    refuses: Mutex<Vec<(String, Code)>>,
    /// After how many more points all ends at once.
    left: Mutex<Option<u32>>,
}

/// What a kill is here.
struct Killed;

impl Fake {
    /// Something is about to be changed, or has just been.
    fn point(&self) {
        let mut left = self.left.lock().unwrap();
        let killed = *left == Some(0);
        *left = left.map(|left| left.saturating_sub(1));
        drop(left);
        if killed {
            panic::resume_unwind(Box::new(Killed));
        }
    }

    /// The call, ended at its `nth` point; has it come to its own end before that?
    fn killed_at<T>(&self, nth: u32, call: impl FnOnce() -> T) -> bool {
        *self.left.lock().unwrap() = Some(nth);
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(call));
        *self.left.lock().unwrap() = None;
        match outcome {
            Ok(_) => true,
            Err(payload) if payload.is::<Killed>() => false,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    fn hear(&self, verb: &str, context: &Context<'_>, what: &str) -> Result<String, Failure> {
        let root = context.conf.root();
        let kind = root.text("type").unwrap().unwrap();
        let network = context.conf.name.as_str();
        let prev = match root.get("prevResult") {
            Some(_) => " prev",
            None => "",
        };
        let mut log = self.log.lock().unwrap();
        log.push(format!("{verb} {network} {kind}{what}{prev}"));
        let asked = format!("{verb} {network} {kind}");
        let refuses = self.refuses.lock().unwrap();
        match refuses.iter().find(|(refused, _)| *refused == asked) {
            Some((_, code)) => Err(Failure::new(*code, "no")),
            None => Ok(format!("{network} {kind}{what}")),
        }
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    fn held(&self) -> Vec<String> {
        self.held.lock().unwrap().iter().cloned().collect()
    }

    fn refuse(&self, what: &str, code: Code) {
        *self.refuses.lock().unwrap() = vec![(what.to_owned(), code)];
    }
}

fn of(attachment: &Attachment) -> String {
    format!(" {}@{}", attachment.container_id, attachment.ifname)
}

impl Plugin for Fake {
    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        self.point();
        let own = self.hear("ADD", context, &of(&sandbox.attachment))?;
        let is_new = self.held.lock().unwrap().insert(own);
        assert!(is_new);
        self.point();
        if let Some(prev) = context.conf.prev_result()? {
            return Ok(prev);
        }
        let root = context.conf.root();
        let address = root.require("address")?.cidr()?;
        Ok(CniResult {
            interfaces: vec![Interface {
                name: sandbox.attachment.ifname.as_str().to_owned(),
                sandbox: Some(sandbox.netns.clone()),
                ..Interface::default()
            }],
            ips: vec![IpConfig {
                interface: Some(0),
                address,
                gateway: None,
            }],
            routes: vec![Route::new(
                "0.0.0.0/0".parse().unwrap(),
                Some(address.network()),
            )],
            ..CniResult::default()
        })
    }

    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        let netns = match &detach.netns {
            Some(_) => "",
            None => " gone",
        };
        let own = of(&detach.attachment);
        self.point();
        let told = self.hear("DEL", context, &format!("{own}{netns}"))?;
        self.held
            .lock()
            .unwrap()
            .remove(told.trim_end_matches(" gone"));
        self.point();
        Ok(())
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let prev = context.conf.require_prev_result()?;
        let ips: Vec<_> = prev.ips.iter().map(|ip| ip.address.to_string()).collect();
        let routes = prev.routes.len();
        let what = format!("{} {} {routes}", of(&sandbox.attachment), ips.join(","));
        self.hear("CHECK", context, &what).map(drop)
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let mut valid: Vec<_> = valid
            .iter()
            .map(|(id, name)| format!(" {id}@{name}"))
            .collect();
        valid.sort();
        assert_eq!(
            context.conf.gc_attachments().unwrap().iter().count(),
            valid.len()
        );
        self.hear("GC", context, &valid.concat()).map(drop)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        self.hear("STATUS", context, "").map(drop)
    }
}

/// A daemon: what it has, and what it was asked.
#[derive(Default)]
pub(crate) struct Told {
    /// None: it is not there.
    pub(crate) found: Option<Found>,
    pub(crate) asked: Mutex<Vec<Find>>,
}

impl Ask for Told {
    fn find(&self, find: Find) -> Result<Found, Failure> {
        let whole = find.pod.is_some();
        let names = find.names.clone();
        self.asked.lock().unwrap().push(find);
        let mut found = self.found.clone();
        if let Some(found) = found.as_mut().filter(|_| !whole) {
            found.networks = None;
            found.definitions.retain(|one| names.contains(&one.name));
        }
        found.ok_or_else(|| Failure::new(Code::TRY_AGAIN, "fairwayd is not there"))
    }
}

struct Bed {
    dir: tempfile::TempDir,
    fake: Fake,
    daemon: Told,
}

impl Bed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        for kind in ["main", "meta"] {
            symlink(&own, dir.path().join("bin").join(kind)).unwrap();
        }
        fs::create_dir(dir.path().join("net.d")).unwrap();
        let bed = Bed {
            dir,
            fake: Fake::default(),
            daemon: Told::default(),
        };
        bed.file("b.conflist", "b", "1.1.0", "10.1.0.2/24");
        bed
    }

    /// A network in the folder: one plugin that attaches and one behind it.
    fn file(&self, file: &str, name: &str, version: &str, address: &str) {
        let list = json!({"name": name, "cniVersion": version, "plugins": [
            {"type": "main", "address": address}, {"type": "meta"},
        ]});
        fs::write(self.dir.path().join("net.d").join(file), list.to_string()).unwrap();
    }

    fn conf(&self, networks: &str) -> Value {
        json!({
            "cniVersion": "1.1.0", "name": "multi", "type": "multi",
            "delegates": [{"name": "a", "cniVersion": "1.1.0", "type": "main", "address": "10.0.0.2/24"}],
            "confDir": self.dir.path().join("net.d"), "stateDir": self.dir.path().join("state"),
            "runtimeConfig": {POD_ANNOTATIONS: {NETWORKS: networks}},
        })
    }

    fn with<T>(&self, conf: Value, verb: impl FnOnce(&Context<'_>) -> T) -> T {
        let conf = NetConf::from_json(conf).unwrap();
        let registry: [(&str, &dyn Plugin); 3] = [
            ("main", &self.fake),
            ("meta", &self.fake),
            ("multi", &Multi),
        ];
        let path: [PathBuf; 1] = [self.dir.path().join("bin")];
        let delegates = Delegates::new(&registry, &path);
        verb(&Context {
            conf: &conf,
            args: &CniArgs::default(),
            delegates: &delegates,
        })
    }

    fn add(&self, id: &str, conf: Value) -> Result<CniResult, Failure> {
        let inside = |_: &str| Ok(Box::new(container()) as Box<dyn Netlink>);
        self.with(conf, |context| {
            add::add(context, &sandbox(id), (&inside, &self.daemon))
        })
    }

    fn check(&self, id: &str, conf: Value) -> Result<(), Failure> {
        let inside = |_: &str| Ok(Box::new(container()) as Box<dyn Netlink>);
        self.with(conf, |context| check::check(context, &sandbox(id), &inside))
    }

    fn del(&self, id: &str, conf: Value) -> Result<(), Failure> {
        self.with(conf, |context| del::del(context, &detach(id), &self.daemon))
    }

    fn gc(&self, valid: &[&str]) -> Result<(), Failure> {
        let valid: GcAttachments = valid
            .iter()
            .map(|id| (id.parse().unwrap(), "eth0".parse().unwrap()))
            .collect();
        self.with(self.conf(""), |context| Multi.gc(context, &valid))
    }

    fn state(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("state/multi"));
        let entries = entries.into_iter().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Changes the record of a container.
    fn rewrite(&self, id: &str, change: impl FnOnce(&mut Record)) {
        let store = Store::new(self.dir.path().join("state"), "multi".parse().unwrap());
        let mut record = store.read(&sandbox(id).attachment).unwrap().unwrap();
        change(&mut record);
        store.write(&record).unwrap();
    }
}

/// A container's side of the kernel: `eth0` and `net1` with a default route each.
fn container() -> fake::Recorder {
    let (_, mut inside) = fake::namespaces();
    for name in ["eth0", "net1"] {
        let spec = BridgeSpec {
            name: name.to_owned(),
            ..BridgeSpec::default()
        };
        inside.create_bridge(&spec).unwrap();
        let link = inside.link_by_name(name).unwrap().unwrap();
        let route = fairway_netlink::Route {
            oif: Some(link.index),
            gateway: Some("10.1.0.0".parse().unwrap()),
            ..fairway_netlink::Route::to("0.0.0.0/0".parse().unwrap())
        };
        inside.add_route_ecmp(&route).unwrap();
    }
    inside
}

fn attachment(id: &str) -> Attachment {
    Attachment {
        container_id: id.parse().unwrap(),
        ifname: "eth0".parse().unwrap(),
    }
}

fn sandbox(id: &str) -> Sandbox {
    Sandbox {
        attachment: attachment(id),
        netns: "/run/netns/x".to_owned(),
    }
}

fn detach(id: &str) -> Detach {
    Detach {
        attachment: attachment(id),
        netns: Some("/run/netns/x".to_owned()),
    }
}

fn prev(mut conf: Value, result: &CniResult) -> Value {
    conf["prevResult"] = result.to_json(fairway_cni::Version::LATEST);
    conf
}
