//! The daemon itself, on the embedded store: what the other tests say for it.

use crate::{common::LIMIT, links::Bed};
use fairway_api::{
    Client, Method,
    admin::{AddressRow, Info, IpamList, Pool, PoolCreate, PoolRange, PoolSettings},
    call::FailedCall,
    released,
};
use fairway_lab::{Cni, Guarded, Result, Value, json, poll};
use nix::sys::signal::Signal;
use std::{
    env,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

/// `FAIRWAY_BIN_DIR`, else `dist/bin`; where nobody said and nothing is there, the test says that it skips.
fn program(test: &str) -> Option<PathBuf> {
    let said = env::var_os("FAIRWAY_BIN_DIR").map(PathBuf::from);
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/bin");
    let file = said.clone().unwrap_or(dist).join("fairwayd");
    if said.is_some() || file.exists() {
        return Some(file);
    }
    let notice = format!("\nSKIP {test}: no {}: `cargo xtask dist`\n", file.display());
    let _ = std::io::stderr().write_all(notice.as_bytes());
    None
}

struct Real {
    bed: Arc<Bed>,
    program: PathBuf,
    dir: tempfile::TempDir,
    process: Option<Guarded>,
}

impl Real {
    fn start(program: PathBuf) -> Result<Self> {
        let mut real = Real {
            bed: Bed::new()?,
            program,
            dir: tempfile::tempdir().unwrap(),
            process: None,
        };
        real.run()?;
        let range = |cidr: &str| PoolRange {
            cidr: cidr.to_owned(),
            block: None,
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        };
        let pool = PoolCreate {
            name: "web".to_owned(),
            ranges: vec![range("10.88.0.0/16"), range("fd88::/64")],
            settings: PoolSettings {
                cooldown: Some(1),
                ..PoolSettings::default()
            },
        };
        let _: Pool = real.client().call(Method::PoolCreate(pool)).unwrap();
        Ok(real)
    }

    fn run(&mut self) -> Result {
        let state = self.dir.path();
        let store = format!("redb:{}", state.join("store.redb").display());
        let command = self.bed.lab.node().command(&self.program);
        let command = command.args(["--node", "n1", "--store", &store]);
        let command = command
            .env("FAIRWAY_SOCKET", self.socket())
            .env("FAIRWAY_STATE_DIR", state);
        let process = self.process.insert(command.spawn()?);
        let socket = state.join("s");
        let answers = || {
            let info = Client::connect(&socket, LIMIT).and_then(|mut c| c.call(Method::Info));
            info.is_ok_and(|info: Info| info.connected)
        };
        poll(LIMIT, "fairwayd answers", answers).inspect_err(|_| eprintln!("{}", process.log()))
    }

    fn kill(&mut self) {
        self.process = None;
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket(), LIMIT).unwrap()
    }

    /// Our plugin for container `id`, in the bed's namespace.
    fn cni(&self, kind: &str, id: &str, extra: Value) -> Cni {
        let mut conf = json!({"cniVersion": "1.1.0", "isGateway": true});
        let extra = extra.as_object().unwrap().clone();
        conf.as_object_mut().unwrap().extend(extra);
        let plugins = self.bed.plugins.path();
        self.bed
            .cni(plugins, kind, self.dir.path(), conf)
            .container(id)
    }

    /// Waits until the store shows that containers have these, in some order: it is told a moment later.
    fn shows(&self, mut expected: Vec<&str>) -> Result {
        expected.sort_unstable();
        let mut seen = Vec::new();
        let told = poll(LIMIT, "the store shows it", || {
            seen = self.live();
            seen == expected
        });
        told.inspect_err(|_| eprintln!("{seen:?}, not {expected:?}"))
    }

    /// The addresses that containers have, sorted as text.
    fn live(&self) -> Vec<String> {
        let list = Method::IpamList(IpamList::default());
        let rows: Vec<AddressRow> = self.client().call(list).unwrap();
        let live = rows.into_iter().filter(|row| row.state == "live");
        let mut live: Vec<_> = live.map(|row| row.ip.to_string()).collect();
        live.sort_unstable();
        live
    }
}

fn addresses(result: &Value) -> Vec<String> {
    let ips = result["ips"].as_array().unwrap().iter();
    ips.map(|ip| ip["address"].as_str().unwrap().to_owned())
        .collect()
}

/// Without the prefix lengths.
fn bare(addresses: &[String]) -> Vec<&str> {
    let parts = addresses
        .iter()
        .flat_map(|address| address.split('/').next());
    parts.collect()
}

#[test]
fn from_the_first_add_to_a_del_that_nobody_hears() -> Result {
    let Some(program) = program("from_the_first_add_to_a_del_that_nobody_hears") else {
        return Ok(());
    };
    let mut real = Real::start(program)?;
    let cni = real.cni("bridge", "c1", json!({}));
    cni.status()?.ok()?;
    let result = cni.add()?.ok()?;
    let given = addresses(&result);
    assert!(
        given[0].ends_with("/16") && given[1].ends_with("/64"),
        "{given:?}"
    );
    assert!(given.iter().all(|address| real.bed.shows(address)));
    real.bed.container.run("ping -c 1 -W 10 10.88.0.1")?;
    cni.check(&result)?.ok()?;
    real.shows(bare(&given))?;

    // An address that is taken is refused, and says by whom.
    let taken = json!({"runtimeConfig": {"ips": [bare(&given)[0]]}});
    let taken = real.cni("fairway", "c2", taken);
    let error = taken.add()?.fails(102)?;
    assert!(error.msg.starts_with("runtimeConfig.ips[0]: "), "{error:?}");
    assert!(error.msg.contains("net/c1/eth0"), "{error:?}");

    // By what the error ends with the call is found later: the runtime's own trace, where it has one.
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let context = format!("00-{id}-00f067aa0ba902b7-01");
    let error = taken
        .clone()
        .env("TRACEPARENT", &context)
        .add()?
        .fails(102)?;
    assert!(
        error.details.ends_with(&format!("request {id}")),
        "{error:?}"
    );
    for malformed in [
        "",
        "junk",
        &context.to_uppercase(),
        &context.replace("00-", "ff-"),
    ] {
        let error = taken
            .clone()
            .env("TRACEPARENT", malformed)
            .add()?
            .fails(102)?;
        let (_, own) = error.details.rsplit_once("request ").unwrap();
        assert!(own.len() == 32 && own != id, "{malformed:?}: {error:?}");
    }
    // One that the daemon has nothing to do with it is told of all the same.
    let broken = json!({"ipam": {"type": "static", "addresses": [{"address": "x"}]}});
    real.cni("bridge", "c9", broken)
        .ifname("eth9")
        .add()?
        .fails(7)?;
    // A plugin waits for no more than a moment until it is heard.
    let list = || -> Vec<FailedCall> { real.client().call(Method::CallList).unwrap() };
    poll(LIMIT, "all are told", || list().len() == 7)?;
    let failed = list();
    let of = |container: &'static str| {
        let all = failed.iter();
        all.filter(move |one| {
            one.attachment
                .as_ref()
                .is_some_and(|of| of.container == container)
        })
    };
    assert_eq!((of("c2").count(), of("c9").count()), (6, 1), "{failed:?}");
    let traced: Vec<_> = of("c2")
        .filter(|one| one.trace.as_deref() == Some(id))
        .collect();
    assert_eq!(traced.len(), 1, "{failed:?}");
    assert_eq!(traced[0].plugin.as_deref(), Some("fairway"));
    assert_eq!(traced[0].method.as_deref(), Some("ipam.allocate"));

    real.kill();
    let error = real.cni("fairway", "c3", json!({})).add()?.fails(11)?;
    assert!(error.msg.starts_with("no fairwayd at"), "{error:?}");
    cni.status()?.fails(50)?;
    cni.del(Some(&result))?.ok()?;
    assert!(!real.bed.shows("eth0") && real.bed.links().is_empty());
    let folder = real.dir.path().join("released");
    assert_eq!(released::list(&folder).unwrap().len(), 1);

    real.run()?;
    let worked_off = || released::list(&folder).unwrap().is_empty();
    poll(LIMIT, "the record is worked off", worked_off)?;
    real.shows(Vec::new())
}

#[test]
fn a_pod_gets_its_addresses_back_whatever_makes_its_links() -> Result {
    let Some(program) = program("a_pod_gets_its_addresses_back_whatever_makes_its_links") else {
        return Ok(());
    };
    let real = Real::start(program)?;
    let pod = |cni: Cni| cni.args("IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=db-0");
    let sticky = json!({"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {
        "fairway.network/release": "on-app-delete"
    }}});
    let first = pod(real.cni("bridge", "c1", sticky.clone()));
    let given = addresses(&first.add()?.ok()?);
    first.del(None)?.ok()?;
    let other = real.cni("fairway", "c2", json!({}));
    let theirs = addresses(&other.add()?.ok()?);
    assert!(given.iter().all(|address| !theirs.contains(address)));

    let again = pod(real.cni("ptp", "c3", sticky));
    assert_eq!(addresses(&again.add()?.ok()?), given);
    real.shows([bare(&given), bare(&theirs)].concat())?;
    // The runtime knows the pod alone.
    again.gc(&[("c3", "eth0")])?.ok()?;
    real.shows(bare(&given))
}

#[test]
fn a_del_that_the_daemon_slept_through_frees_nothing_that_was_given_since() -> Result {
    let test = "a_del_that_the_daemon_slept_through_frees_nothing_that_was_given_since";
    let Some(program) = program(test) else {
        return Ok(());
    };
    let real = Real::start(program)?;
    let cni = real.cni("fairway", "c1", json!({}));
    cni.add()?.ok()?;
    let daemon = real.process.as_ref().unwrap();
    daemon.signal(Signal::SIGSTOP)?;
    cni.del(None)?.ok()?;
    let folder = real.dir.path().join("released");
    assert_eq!(released::list(&folder).unwrap().len(), 1);
    // Its request lies in the socket still, before that of an ADD for the same attachment.
    let again = thread::scope(|scope| {
        let again = scope.spawn(|| cni.add());
        let socket = real.socket().display().to_string();
        let mut listening = String::new();
        let waits = || {
            // Of a socket that listens: how many wait to be taken. That of the DEL is one.
            listening = real.bed.lab.node().run("ss -xlH").unwrap();
            let line = listening.lines().find(|line| line.contains(&socket));
            line.and_then(|line| line.split_whitespace().nth(2)) == Some("2")
        };
        let told = poll(LIMIT, "the ADD waits", waits);
        told.inspect_err(|_| eprintln!("{listening}"))?;
        daemon.signal(Signal::SIGCONT)?;
        again.join().unwrap()?.ok()
    })?;
    let given = addresses(&again);
    let worked_off = || released::list(&folder).unwrap().is_empty();
    poll(LIMIT, "the record is worked off", worked_off)?;
    real.shows(bare(&given))?;
    let prev = json!({"ips": again["ips"]});
    cni.check(&prev)?.ok().map(drop)
}
