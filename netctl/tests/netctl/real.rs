//! Every verb against the daemon itself, in this process, on the embedded store: what the fake cannot know.

use crate::{
    fake::{Ran, at, ran},
    schemas::Schema,
    two_pools,
};
use fairway_api::{
    Client,
    ipam::{Allocate, Allocated, Attachment, Facts, Netns, Sourced},
};
use fairway_lab::{Ns, poll};
use fairwayd::{Config, Running};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};
use tokio::runtime::Runtime;

pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Real {
    runtime: Runtime,
    running: Option<Running>,
    dir: tempfile::TempDir,
}

impl Real {
    pub(crate) fn start() -> Real {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let config = Config::below(dir.path(), "n1".parse().unwrap());
        let running = runtime.block_on(Running::start(config)).unwrap();
        let running = Some(running);
        Real {
            runtime,
            running,
            dir,
        }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("fairwayd.sock")
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        ran(at(&self.socket(), line.split_whitespace())
            .output()
            .unwrap())
    }

    /// It is done, and answered as the schema of that name says.
    pub(crate) fn does(&self, schema: &str, line: &str) -> Value {
        let ran = self.run(&format!("{line} -o json"));
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        Schema::read(schema).must_describe(line, &document);
        let table = self.run(&format!("{line} -o table"));
        assert!(!table.out.contains('{'), "{line}: {table:?}");
        document
    }

    /// As [`Real::does`], for what can be done but once.
    pub(crate) fn does_once(&self, schema: &str, line: &str) -> Value {
        let ran = self.run(&format!("{line} -o json"));
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        Schema::read(schema).must_describe(line, &document);
        document
    }

    /// It is refused, and these words tell why.
    pub(crate) fn refuses(&self, line: &str, says: &str) {
        let ran = self.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        assert!(
            ran.err.starts_with("netctl: ") && ran.err.contains(says),
            "{line}: {ran:?}"
        );
    }

    /// A container in a namespace gets addresses of `web`.
    fn add(&self, container: &str, ns: &Ns) -> Allocated {
        let path = ns.path();
        let found = fs::metadata(&path).unwrap();
        let request = Allocate {
            attachment: Attachment {
                network: "apps".into(),
                container: container.into(),
                ifname: "eth0".into(),
            },
            netns: Some(Netns {
                path: path.display().to_string(),
                device: found.dev(),
                inode: found.ino(),
            }),
            facts: Facts {
                pool: Some(Sourced {
                    value: "web".into(),
                    field: "ipam.pool".into(),
                }),
                ..Facts::default()
            },
            early: false,
        };
        let client = Client::connect(&self.socket(), LIMIT).unwrap();
        let (allocated, pending) = client.allocate_early(request).unwrap();
        pending.wait().unwrap();
        allocated
    }

    /// Waits until the store shows so many addresses of a state: it is told a moment later.
    fn shows(&self, state: &str, many: usize) -> Value {
        let of = |rows: &Value| {
            let rows = rows.as_array().unwrap();
            rows.iter().filter(|row| row["state"] == state).count()
        };
        let look =
            || Some(self.does_once("ipam-ls", "ipam ls --pool web")).filter(|r| of(r) == many);
        poll(LIMIT, "the store shows it", look).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

#[test]
fn every_verb_is_understood_by_the_daemon() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("\nSKIP every_verb_is_understood_by_the_daemon: only root may use the socket");
        return;
    }
    let real = Real::start();
    let status = real.does("status", "status");
    assert_eq!(
        (&status["node"], &status["store"]),
        (&json!("n1"), &json!("redb"))
    );
    let nodes = real.does("node-ls", "node ls");
    assert_eq!(
        (&nodes[0]["state"], &nodes[0]["here"]),
        (&json!("alive"), &json!(true))
    );
    assert_eq!(real.does("pool-ls", "pool ls"), json!([]));

    pools(&real);
    addresses(&real);
    claims(&real);

    real.refuses("node rm n9", "n9 is not known");
    real.refuses("node rm n1 --force", "the node that answers");
    real.does_once("pool", "pool rm web");
    let gone = real.run("pool rm web --wait");
    assert_eq!((gone.status, gone.out.as_str()), (0, "pool web is gone\n"));
    assert!(gone.err.contains("pool web: "), "{gone:?}");
    assert_eq!(real.does("pool-ls", "pool ls"), json!([]));
}

fn pools(real: &Real) {
    let line = "pool create web --cidr 10.91.0.0/16,fd91::/64 --block-size 28,124 --gateway none \
                --exclude 10.91.9.0/24 --cooldown 1s --reserve 2 --release on-delete --handover strict \
                --nodes !gpu --namespaces name=web";
    let web = real.does_once("pool", line);
    let first = &web["ranges"][0];
    assert_eq!(
        (&first["block"], &first["gateway"]),
        (&json!(28), &json!("none"))
    );
    assert_eq!(
        (&web["handover"], &web["nodes"]),
        (&json!("strict"), &json!("!gpu"))
    );
    real.refuses(line, "pool web exists already");
    for (options, says) in [
        (
            "--cidr 10.91.128.0/20",
            "ranges[0].cidr: 10.91.128.0/20 overlaps",
        ),
        ("--cidr 10.92.0.0/24 --block-size 20", "ranges[0].block"),
        (
            "--cidr 10.92.0.0/24 --gateway 10.92.0.255",
            "ranges[0].gateway",
        ),
        ("--cidr 10.92.0.0/24 --release sometimes", "release: "),
        ("--cidr 10.92.0.0/24 --nodes a,,b", "nodes: "),
        (
            "--cidr 10.92.0.0/24 --namespaces tenant!=b",
            "namespaces: \"tenant\"",
        ),
    ] {
        real.refuses(&format!("pool create bad {options}"), says);
    }
    real.refuses("pool create Bad --cidr 10.92.0.0/24", "name: \"Bad\"");
    real.refuses("pool set nope --reserve 3", "pool nope does not exist");
    // Who may use it: containers without a namespace are not of that name.
    real.refuses(
        "pool set web --namespaces tenant=a",
        "kubernetes.io/metadata.name",
    );
    real.does("pool", "pool set web --namespaces= --reserve 3");
    real.refuses(
        "pool set web --replace 10.91.0.0/16 --block-size 27",
        "replace[0].block: 10.91.0.0/16 is cut into blocks of /28",
    );
    // What is not named stays.
    let replace = |options: &str| {
        let line = format!("pool set web --replace 10.91.0.0/16 {options}");
        let replaced = real.does("pool", &line)["ranges"][0].clone();
        assert_eq!(replaced["block"], 28);
        (replaced["gateway"].clone(), replaced["exclude"].clone())
    };
    let (gateway, both) = (
        json!("10.91.0.9"),
        json!(["10.91.9.0/24", "10.91.8.0-10.91.8.9"]),
    );
    let excluded = json!(["10.91.9.0/24"]);
    assert_eq!(replace("--gateway 10.91.0.9"), (gateway.clone(), excluded));
    assert_eq!(
        replace("--exclude 10.91.8.0-10.91.8.9"),
        (gateway.clone(), both)
    );
    assert_eq!(replace("--exclude none"), (gateway, Value::Null));
    real.does_once("pool", "pool set web --cidr 10.93.0.0/24");
    real.refuses("pool set web --remove 10.93.0.0/24", "is not draining");
    let drained = real.does("pool", "pool drain web 10.93.0.0/24");
    assert_eq!(drained["ranges"][2]["draining"], true);
    real.does("pool", "pool undrain web 10.93.0.0/24");
    real.does("pool", "pool set web --drain 10.93.0.0/24");
    real.does_once("pool", "pool set web --remove 10.93.0.0/24");
    assert_eq!(real.does("pool", "pool drain web")["phase"], "draining");
    assert_eq!(real.does("pool", "pool undrain web")["phase"], "active");
    // What was retired by mistake is taken back so, too, and not by draining.
    assert_eq!(real.does_once("pool", "pool rm web")["phase"], "retiring");
    real.refuses("pool drain web", "phase: the pool retires");
    assert_eq!(real.does("pool", "pool undrain web")["phase"], "active");
}

fn addresses(real: &Real) {
    let spaces = [Ns::new("one").unwrap(), Ns::new("two").unwrap()];
    let given = real.add("8d4f2a6c1b0e9f7d5c3b1a09", &spaces[0]);
    real.add("2b", &spaces[1]);
    assert_eq!(given.addresses.len(), 2);
    let rows = real.shows("live", 4);
    assert_eq!(rows[0]["attachment"]["network"], "apps");
    let ip = given.addresses[0].ip;
    let found = real.does("ipam-ls", &format!("ipam ls --node n1 --address {ip}"));
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["ip"]),
        (1, &json!(ip))
    );
    real.refuses("ipam ls --pool nope", "pool nope does not exist");
    real.refuses("ipam check --pool nope", "pool nope does not exist");

    let audit = real.does("ipam-check", "ipam check --pool web");
    assert_eq!(
        (&audit["pools"][0]["live"], &audit["nodes"]),
        (&json!(4), &json!(["n1"]))
    );

    real.refuses(
        &format!("ipam release {ip}"),
        "is taken by apps/8d4f2a6c1b0e9f7d5c3b1a09/eth0",
    );
    let freed = real.does_once("ipam-release", &format!("ipam release {ip} --force"));
    assert_eq!(freed["addresses"].as_array().unwrap().len(), 2);
    real.shows("live", 2);
    assert_eq!(
        real.does("ipam-release", "ipam release 192.0.2.1"),
        json!({"addresses": []})
    );

    // A container that is lost: found, told, repaired.
    drop(spaces);
    let leaked = real.run("ipam check");
    assert_eq!(leaked.status, 1, "{leaked:?}");
    for part in ["leaked: ", "2b", "remedy: ", " NO"] {
        assert!(leaked.out.contains(part), "{part}: {leaked:?}");
    }
    let told = real.run("ipam check -o json");
    assert_eq!(told.status, 1);
    Schema::read("ipam-check")
        .must_describe("ipam check", &serde_json::from_str(&told.out).unwrap());
    let fixed = real.does_once("ipam-check", "ipam check --fix");
    assert_eq!(fixed["findings"][0]["fixed"], true);
    real.shows("live", 0);
    assert_eq!(real.does("ipam-check", "ipam check")["findings"], json!([]));
}

fn claims(real: &Real) {
    let claim = real.does_once(
        "claim",
        "claim create shop/db-0 --pool web --address 10.91.0.99",
    );
    assert!(
        claim["addresses"]
            .as_array()
            .unwrap()
            .contains(&json!("10.91.0.99"))
    );
    let line = "claim create shop/front --pool web --set --size 3 --surge 2 --release on-app-delete \
                --handover temporary --app Deployment/shop/front";
    assert_eq!(
        real.does("claim", line)["set"],
        json!({"size": 3, "surge": 2})
    );
    let resized = real.does("claim", "claim create shop/front --pool web --set --size 9");
    assert_eq!(resized["set"], json!({"size": 9, "surge": 2}));
    assert_eq!(
        (&resized["release"], &resized["handover"], &resized["app"]),
        (
            &json!("on-app-delete"),
            &json!("temporary"),
            &json!("Deployment/shop/front")
        )
    );
    real.refuses(
        "claim create shop/x --pool web --address 10.91.0.99",
        "taken by claim shop/db-0",
    );
    real.refuses(
        "claim create shop/x --pool web --address 10.99.0.1",
        "is not in pool web",
    );
    real.refuses(
        "claim create shop/x --pool nope",
        "pool nope does not exist",
    );
    assert_eq!(
        real.does("claim-ls", "claim ls --pool web")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let of_app = real.does("claim-ls", "claim ls --app Deployment/shop/front");
    assert_eq!(of_app.as_array().unwrap().len(), 1);
    assert_eq!(
        real.does("claim", "claim move shop/db-0 --node n1")["only"],
        "n1"
    );
    assert!(
        real.does("claim", "claim move shop/db-0 --anywhere")
            .get("only")
            .is_none()
    );
    real.refuses("claim move shop/front --force", "is a set");
    real.refuses("claim move nope --force", "claim nope does not exist");
    assert_eq!(
        real.does_once("claim", "claim move shop/db-0 --to shop/db-9")["name"],
        "shop/db-9"
    );
    real.does(
        "claim-ls",
        "claim rm --app Deployment/shop/front --replicas 1",
    );
    let removed = real.does_once("claim-ls", "claim rm --app Deployment/shop/front");
    assert_eq!(removed[0]["kind"], "set");
    for name in ["~x", "shop/f#3"] {
        let line = format!("claim create {name} --pool web");
        real.refuses(&line, "is reserved");
    }
    real.refuses("claim rm nope", "claim nope does not exist");
    let line = "claim rm --app Deployment/shop/front";
    real.refuses(line, "app: no claim belongs to Deployment/shop/front");
    two_pools::of_one_pool(real);
    assert_eq!(
        real.does_once("claim-ls", "claim rm shop/db-9")[0]["name"],
        "shop/db-9"
    );
    assert_eq!(real.does("claim-ls", "claim ls"), json!([]));
}
