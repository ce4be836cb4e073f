//! `netctl attach` and `detach`: one more network for a container that runs. Looked at from the container, by `ip` and
//! `ping`, and that nothing of it stays.

mod undo;

use fairway_lab::bin_dir;
use fairway_tests_netns::{
    Bed, Error, Ns, Result, SOON, State, Value, ensure, json, links, plugin_dir, poll, reaches,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

/// What netctl did.
struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    /// It is done; its document.
    fn ok(&self) -> Result<Value> {
        ensure(self.status == Some(0), format!("it is done: {}", self.err))?;
        serde_json::from_str(&self.out).map_err(|error| Error::Outcome {
            wanted: format!("JSON: {error}"),
            got: self.out.clone(),
        })
    }

    /// It is refused, with nothing on standard output, and these words say why.
    fn refused(&self, word: &str) -> Result {
        ensure(
            self.status == Some(1) && self.out.is_empty() && self.err.contains(word),
            format!(
                "{word:?}, and not {:?}: {:?} {:?}",
                self.status, self.out, self.err
            ),
        )
    }
}

fn command(bed: &Bed, plugins: &str, line: &str) -> fairway_lab::Cmd {
    let state = bed.scratch().join("attached");
    let mut all: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    all.extend(["--state".to_owned(), state.display().to_string()]);
    if all[0] == "attach" {
        let conf = bed.scratch().join("net.d");
        all.extend(["--conf-dir".to_owned(), conf.display().to_string()]);
    }
    let command = bed.node().command(bin_dir().join("netctl")).args(all);
    command
        .args(["-o", "json"])
        .env("CNI_PATH", plugins)
        .env("FAIRWAY_SOCKET", bed.socket())
        .env("FAIRWAY_STATE_DIR", bed.records())
}

fn netctl(bed: &Bed, line: &str) -> Result<Ran> {
    let plugins = plugin_dir().display().to_string();
    let output = command(bed, &plugins, line).output()?;
    Ok(Ran {
        status: output.status.code(),
        out: output.stdout,
        err: output.stderr,
    })
}

/// The network `far` of `Bed::multi` as a file of the runtimes' folder, perhaps with one more plugin behind.
fn far(bed: &Bed, more: Option<&str>) -> Result {
    let folder = bed.scratch().join("net.d");
    let mut list = bed.multi("")["delegates"][1].clone();
    if let (Some(kind), Some(plugins)) = (more, list["plugins"].as_array_mut()) {
        plugins.push(json!({"type": kind}));
    }
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("10-far.conflist"), list.to_string()));
    written.map_err(os("a configuration"))
}

/// One more network, as `far` but for its name and its addresses.
fn another(bed: &Bed, name: &str) -> Result {
    let folder = bed.scratch().join("net.d");
    let written = fs::read_to_string(folder.join("10-far.conflist")).and_then(|text| {
        let text = text.replace("\"far\"", &format!("\"{name}\""));
        let text = text
            .replace("10.2.0.0", "10.3.0.0")
            .replace("fd00:2:", "fd00:3:");
        fs::write(folder.join("11-another.conflist"), text)
    });
    written.map_err(os("a configuration"))
}

fn os(what: &str) -> impl Fn(std::io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Os {
        what: what.clone(),
        source,
    }
}

fn names(ns: &Ns) -> Result<Vec<String>> {
    let links = links(ns)?;
    let names = links.iter().filter_map(|link| link["ifname"].as_str());
    Ok(names.map(str::to_owned).collect())
}

fn defaults(ns: &Ns) -> Result<String> {
    Ok(ns.run("ip -4 route show default")? + &ns.run("ip -6 route show default")?)
}

fn path(ns: &Ns) -> String {
    ns.path().display().to_string()
}

#[test]
fn a_container_that_runs_gets_one_more_network_and_loses_it_again() -> Result {
    let bed = Bed::new()?;
    far(&bed, None)?;
    // Forwarding and what else a first container of the network leaves on a node.
    let early = bed.container()?;
    netctl(&bed, &format!("attach {} far", path(&early)))?.ok()?;
    netctl(&bed, &format!("detach {}", path(&early)))?.ok()?;
    let member = bed.add("c1", &bed.conf("bridge", json!({"isDefaultGateway": true})))?;
    let before = State::take(&bed, &[&member.ns])?;
    let led = defaults(&member.ns)?;

    let container = path(&member.ns);
    let line = format!("attach {container} far --ifname net1 --address 10.2.0.77/24,fd00:2::77");
    let result = netctl(&bed, &line)?.ok()?;
    let ips: Vec<_> = result["ips"].as_array().into_iter().flatten().collect();
    let ips: Vec<_> = ips.iter().filter_map(|ip| ip["address"].as_str()).collect();
    assert_eq!(ips, ["10.2.0.77/24", "fd00:2::77/64"]);
    assert_eq!(result["cniVersion"], "1.1.0");
    assert_eq!(names(&member.ns)?, ["lo", "eth0", "net1"]);
    for gateway in ["10.2.0.1", "fd00:2::1", "10.1.0.1", "fd00:1::1"] {
        reaches(&member.ns, gateway)?;
    }
    // It has a way out already, and keeps it; the result says what is.
    assert_eq!(defaults(&member.ns)?, led);
    let routes = result["routes"].to_string();
    assert!(
        !routes.contains("0.0.0.0/0") && !routes.contains("::/0"),
        "{routes}"
    );

    let check = format!("attach {container} far --ifname net1 --check");
    assert_eq!(netctl(&bed, &check)?.ok()?["ips"], result["ips"]);
    netctl(&bed, &line)?.refused("already")?;
    netctl(&bed, &format!("attach {container} far --ifname eth0"))?
        .refused("interface \"eth0\" is in the container already")?;
    assert_eq!(names(&member.ns)?, ["lo", "eth0", "net1"]);
    member.ns.run("ip addr del 10.2.0.77/24 dev net1")?;
    netctl(&bed, &check)?.refused("network far at net1")?;

    let gone = netctl(&bed, &format!("detach {container} far --ifname net1"))?.ok()?;
    assert_eq!(gone[0]["ifname"], "net1");
    before.unchanged()?;
    let again = netctl(&bed, &format!("detach {container}"))?.ok()?;
    assert_eq!(again, json!([]));
    netctl(&bed, &check)?.refused("nothing is known")
}

#[test]
fn a_network_of_the_daemon_is_attached_by_its_plugins() -> Result {
    let bed = Bed::new()?;
    bed.start_daemon()?;
    // Forwarding and what else a first container of the network leaves on a node.
    let early = bed.container()?;
    netctl(&bed, &format!("attach {} apps", path(&early)))?.ok()?;
    netctl(&bed, &format!("detach {}", path(&early)))?.ok()?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let process = ns.command("sleep").arg("600").spawn()?;
    // A process of the container, as pipework took it.
    let pid = ns.processes().first().copied().unwrap_or_default();
    let line = format!("attach {pid} apps --claim shop/db --workload shop/db-0 --container c7");
    let result = netctl(&bed, &line)?.ok()?;
    assert_eq!(bed.held("apps"), ["10.1.0.2", "fd00:1::2"]);
    assert_eq!(names(&ns)?, ["lo", "eth1"]);
    assert_eq!(result["ips"].as_array().map(Vec::len), Some(2));
    let asked = bed.daemon(|daemon| daemon.asked());
    assert!(asked.contains(&"endpoint.ready".to_owned()), "{asked:?}");
    netctl(&bed, &format!("attach {pid} none"))?.refused("none of the daemon's")?;
    // Plugins find the daemon where netctl was told that it is.
    netctl(&bed, &format!("detach {pid} --container c7"))?.ok()?;
    let plugins = plugin_dir().display().to_string();
    let told = format!("{line} --socket {}", bed.socket().display());
    let told = command(&bed, &plugins, &told).env("FAIRWAY_SOCKET", "/nowhere/s");
    let told = told.output()?;
    ensure(told.status.success(), told.stderr)?;
    assert_eq!(bed.held("apps").len(), 2, "{:?}", bed.held("apps"));
    // Without the process, and the namespace's path with it.
    drop(process);
    netctl(&bed, &format!("detach {pid} --container c7"))?.ok()?;
    assert!(bed.held("apps").is_empty(), "{:?}", bed.held("apps"));
    before.unchanged()
}

/// Waits in ADD for as long as there is a FIFO, after all that is before it in the list was done.
fn waiting(bed: &Bed, bin: &Path) -> Result {
    let scratch = bed.scratch().display();
    let script = format!(
        "#!/bin/sh\nconf=$(cat)\n[ $CNI_COMMAND = ADD ] || exit 0\n: > {scratch}/reached\n\
         [ ! -p {scratch}/fifo ] || cat {scratch}/fifo > /dev/null\n\
         printf %s \"$conf\" | jq -c .prevResult\n"
    );
    plugin(bin, "waiting", &script)
}

/// A plugin that is a script.
fn plugin(bin: &Path, kind: &str, script: &str) -> Result {
    let file = bin.join(kind);
    let written = fs::create_dir_all(bin)
        .and_then(|()| fs::write(&file, script))
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)));
    written.map_err(os("a plugin"))
}

/// A plugin that gives what it likes, and takes whatever is in the namespace that it is told: what stands between it and
/// the container is attach alone.
#[test]
fn a_plugin_that_does_as_it_likes_is_held_to_what_was_asked_for() -> Result {
    let bed = Bed::new()?;
    let (old, new) = (bed.container()?, bed.container()?);
    let (folder, bin) = (bed.scratch().join("net.d"), bed.scratch().join("bin"));
    let scratch = bed.scratch().display().to_string();
    let result = r#"{"cniVersion": "1.1.0", "ips": [{"address": "10.9.9.9/24"}]}"#;
    let script = format!(
        "#!/bin/sh\ncat > /dev/null\n\
         case $CNI_COMMAND in ADD) echo '{result}';; DEL) echo \"in:$CNI_NETNS\" > {scratch}/deleted;; esac\n"
    );
    plugin(&bin, "odd", &script)?;
    let list = json!({"cniVersion": "1.1.0", "name": "odd", "plugins": [{"type": "odd"}]});
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("10-odd.conflist"), list.to_string()));
    written.map_err(os("a configuration"))?;
    let plugins = format!("{}:{}", bin.display(), plugin_dir().display());
    let run = |line: &str| command(&bed, &plugins, line).output();
    let deleted = || fs::read_to_string(bed.scratch().join("deleted")).unwrap_or_default();
    let place = bed.scratch().join("ns");
    symlink(old.path(), &place).map_err(os("a link"))?;
    let attach = format!("attach {} odd", place.display());

    let refused = run(&format!("{attach} --address 10.9.9.8"))?;
    ensure(
        !refused.status.success() && refused.stderr.contains("10.9.9.8 was asked for"),
        refused.stderr,
    )?;
    assert_eq!(deleted(), format!("in:{}\n", place.display()));
    // Another namespace at the same path is none of its.
    let given = run(&format!("{attach} --address 10.9.9.9"))?;
    ensure(given.status.success(), given.stderr)?;
    fs::remove_file(&place)
        .and_then(|()| symlink(new.path(), &place))
        .map_err(os("a link"))?;
    let gone = run(&format!("detach {}", place.display()))?;
    ensure(gone.status.success(), gone.stderr)?;
    assert_eq!(deleted(), "in:\n");
    Ok(())
}

#[test]
fn one_waits_for_another() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    far(&bed, Some("waiting"))?;
    let bin = bed.scratch().join("bin");
    waiting(&bed, &bin)?;
    let plugins = format!("{}:{}", bin.display(), plugin_dir().display());
    let scratch = bed.scratch().display().to_string();
    bed.node().sh(&format!("mkfifo {scratch}/fifo"))?;
    another(&bed, "near")?;
    let start = |network: &str, ifname: &str| {
        let line = format!("attach {} {network} --ifname {ifname}", path(&ns));
        command(&bed, &plugins, &line).spawn()
    };
    let mut first = start("far", "net1")?;
    poll(SOON, "the first is at its last plugin", || {
        bed.scratch().join("reached").exists()
    })?;
    let mut second = start("near", "net2")?;
    second.wait_for(SOON, "waits for another attach or detach")?;
    assert_eq!(names(&ns)?, ["lo", "net1"]);
    bed.node().sh(&format!(
        "mv {scratch}/fifo {scratch}/gone; : > {scratch}/gone"
    ))?;
    for one in [&mut first, &mut second] {
        let status = one.wait(SOON)?;
        ensure(status.success(), one.log())?;
    }
    assert_eq!(names(&ns)?, ["lo", "net1", "net2"]);
    let gone = command(&bed, &plugins, &format!("detach {}", path(&ns))).output()?;
    ensure(gone.status.success(), gone.stderr)
}

#[test]
fn an_address_that_the_network_does_not_give_is_refused_and_nothing_stays() -> Result {
    let bed = Bed::new()?;
    far(&bed, None)?;
    let ns = bed.container()?;
    let container = path(&ns);
    netctl(&bed, &format!("attach {container} far"))?.ok()?;
    netctl(&bed, &format!("detach {container}"))?.ok()?;
    let before = State::take(&bed, &[&ns])?;
    netctl(&bed, &format!("attach {container} far --address 192.0.2.7"))?.refused("192.0.2.7")?;
    netctl(
        &bed,
        &format!("attach {container} far --mac 02:00:00:00:00:01"),
    )?
    .refused("capability \"mac\"")?;
    let lost = command(&bed, "/nowhere", &format!("attach {container} far")).output()?;
    assert_eq!(lost.status.code(), Some(1));
    assert!(lost.stderr.contains("--plugin-path"), "{}", lost.stderr);
    let records = fs::read_dir(bed.scratch().join("attached/far")).map_err(os("records"))?;
    assert_eq!(records.count(), 0);
    before.unchanged()
}
