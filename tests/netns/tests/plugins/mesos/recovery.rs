//! The agent comes up again: the isolator reads what it has kept of its tasks and calls DEL for those that are no more.
//!
//! Of each task there is a folder: `ns`, the handle of its namespace; `network.conf`, the configuration with all that
//! was said of the task, written before ADD; and `network.info`, what ADD answered, which is not there where the agent
//! ended first. DEL is called by the configuration that was kept, not by today's, and gets no result. A folder goes
//! once its DEL has succeeded; until then that is called again whenever the agent starts. After a boot of the machine
//! the handle is an ordinary file, and then CNI_NETNS is not set.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use super::args;
use fairway_tests_netns::{
    Bed, Cni, Error, Ns, Outcome, Result, Snapshot, State, Value, json, plugin_dir, reaches,
};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

const BACKENDS: [&str; 2] = ["nftables", "iptables"];

/// What an agent knows, and the node that it runs on by now.
struct Agent<'a> {
    bed: &'a Bed,
    node: Ns,
    root: PathBuf,
    backend: &'static str,
}

impl<'a> Agent<'a> {
    fn new(bed: &'a Bed, backend: &'static str) -> Self {
        Self {
            bed,
            node: bed.node().clone(),
            root: bed.scratch().join("isolator"),
            backend,
        }
    }

    /// As its operator has it, with what a task asks for.
    fn conf(&self, address: Option<&str>, port: u16) -> Value {
        let mut args = args(address);
        args["org.apache.mesos"]["network_info"]["port_mappings"][0]["host_port"] = json!(port);
        let portmap = json!({"type": "portmap", "backend": self.backend, "dataDir": self.bed.scratch().join("ports"), "hostPortRange": "31500-31509",
                             "capabilities": {"portMappings": true}});
        let keys = json!({"cniVersion": "0.2.0", "isDefaultGateway": true, "ipMasq": true,
                          "ipMasqBackend": self.backend, "chain": [portmap], "args": args});
        self.bed.conf("bridge", keys)
    }

    /// Of which containers it is kept what port was chosen for them.
    fn chosen(&self) -> Vec<String> {
        names(&self.bed.scratch().join("ports/net"))
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Keeps what DEL will need, before ADD.
    fn prepare(&self, id: &str, ns: &Ns, conf: &Value) {
        let folder = self.folder(id);
        fs::create_dir_all(&folder).unwrap();
        // A mount in truth; a link leads there as well.
        symlink(ns.path(), folder.join("ns")).unwrap();
        fs::write(folder.join("network.conf"), conf.to_string()).unwrap();
    }

    /// The plugin by the configuration that was kept.
    fn plugin(&self, id: &str) -> Cni {
        let text = fs::read_to_string(self.folder(id).join("network.conf")).unwrap();
        let conf: Value = text.parse().unwrap();
        let handle = self.folder(id).join("ns");
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let is_handle = device(&handle) == device(Path::new("/proc/self/ns/net"));
        let netns = is_handle.then(|| handle.display().to_string());
        Cni::new(&self.node, plugin_dir(), conf["type"].as_str().unwrap())
            .path(format!(
                "{}:{}",
                plugin_dir().display(),
                self.bed.scratch().display()
            ))
            .container(id)
            .netns_path(netns.as_deref())
            .config(conf)
    }

    fn attach(&self, id: &str, ns: &Ns, conf: &Value) -> Result<Value> {
        self.prepare(id, ns, conf);
        let result = self.plugin(id).add()?.ok()?;
        fs::write(self.folder(id).join("network.info"), result.to_string()).unwrap();
        Ok(result)
    }

    /// ADD whose agent ends meanwhile: nobody reads what it answers.
    fn attach_unheard(&self, id: &str, ns: &Ns, conf: &Value) -> Result {
        self.prepare(id, ns, conf);
        let folder = self.folder(id);
        let call = self.node.command("sh").env_clear();
        let call = call.args(["-c", "exec 3<&0; { \"$0\" <&3; } | :"]);
        let call = call.arg(plugin_dir().join("bridge"));
        [
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", id),
            ("CNI_IFNAME", "eth0"),
            ("CNI_NETNS", &folder.join("ns").display().to_string()),
            ("CNI_PATH", &plugin_dir().display().to_string()),
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ]
        .into_iter()
        .fold(call, |call, (key, value)| call.env(key, value))
        .stdin(conf.to_string())
        .run()?;
        Ok(())
    }

    /// Who is kept.
    fn known(&self) -> Vec<String> {
        names(&self.root)
    }

    /// DEL of all but these; gives those that failed.
    fn recover(&self, living: &[&str]) -> Result<Vec<Outcome>> {
        let mut failed = Vec::new();
        for id in self.known() {
            if living.contains(&id.as_str()) {
                continue;
            }
            // Without a configuration there was no ADD.
            let is_prepared = self.folder(&id).join("network.conf").exists();
            let outcome = is_prepared
                .then(|| self.plugin(&id).del(None))
                .transpose()?;
            match outcome {
                Some(outcome) if !outcome.status.success() => failed.push(outcome),
                _ => fs::remove_dir_all(self.folder(&id)).unwrap(),
            }
        }
        Ok(failed)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn v4(result: &Value) -> String {
    let ip = result["ip4"]["ip"].as_str().unwrap();
    ip.split('/').next().unwrap().to_owned()
}

#[test]
fn tasks_go_on_and_orphans_are_cleaned_up() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let agent = Agent::new(&bed, backend);
        let conf = |port| agent.conf(None, port);
        let spaces = [bed.container()?, bed.container()?, bed.container()?];
        let [a, b, c] = &spaces;
        let living = agent.attach("living", a, &conf(31001))?;
        let kept = fs::read(agent.folder("living").join("network.info")).unwrap();
        let before = State::take(&bed, &[a])?;

        let orphan = agent.attach("orphan", b, &conf(31002))?;
        let held = bed.held("net").len();
        agent.attach_unheard("unheard", c, &conf(31003))?;
        assert_eq!(bed.held("net").len(), held + 2, "that ADD came to its end");
        agent.prepare("never", c, &conf(31004));
        fs::create_dir(agent.folder("barely")).unwrap();
        let rules = |node: &Ns| node.sh("nft list ruleset 2>/dev/null");
        let shown = rules(bed.node())?;
        assert!(
            ["31001", "31002", "31003"]
                .iter()
                .all(|port| shown.contains(port)),
            "{shown}"
        );

        // What the operator has changed meanwhile is not what was kept.
        let agent = Agent {
            root: agent.root.clone(),
            ..Agent::new(&bed, backend)
        };
        let failed = agent.recover(&["living"])?;
        assert!(failed.is_empty(), "{failed:?}");
        before.unchanged()?;
        assert_eq!(agent.known(), ["living"]);
        assert_eq!(
            fs::read(agent.folder("living").join("network.info")).unwrap(),
            kept
        );
        assert!(reaches(bed.node(), &v4(&living)).is_ok());
        assert!(rules(bed.node())?.contains("31001"));
        // The next start finds nothing to do.
        assert!(agent.recover(&["living"])?.is_empty());
        before.unchanged()?;

        // What they had can be had.
        let again = agent.attach("again", b, &agent.conf(Some(&v4(&orphan)), 31002))?;
        assert_eq!(v4(&again), v4(&orphan));
        assert!(agent.recover(&[])?.is_empty());
        assert_eq!((bed.held("net"), agent.known()), (Vec::new(), Vec::new()));
    }
    Ok(())
}

#[test]
fn after_a_boot_of_the_machine_nothing_is_taken() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let agent = Agent::new(&bed, backend);
        let spaces = [bed.container()?, bed.container()?];
        let [a, b] = &spaces;
        let first = agent.attach("first", a, &agent.conf(None, 31001))?;
        agent.attach_unheard("unheard", b, &agent.conf(None, 0))?;
        assert_eq!(
            (bed.held("net").len(), agent.chosen()),
            (4, vec!["unheard:eth0".to_owned()])
        );

        let node = bed.lab().machine("booted")?;
        node.set_sysctl("ipv6/conf/default/accept_dad", "0")?;
        for id in ["first", "unheard"] {
            let handle = agent.folder(id).join("ns");
            fs::remove_file(&handle).unwrap();
            fs::write(&handle, "").unwrap();
        }
        let agent = Agent { node, ..agent };
        let before = Snapshot::take(&agent.node)?;
        let failed = agent.recover(&[])?;
        assert!(failed.is_empty(), "{failed:?}");
        before.unchanged(&agent.node, Duration::from_secs(30))?;
        assert_eq!(bed.held("net"), [""; 0]);
        assert_eq!(agent.chosen(), [""; 0]);

        let ns = bed.container()?;
        let again = agent.attach("again", &ns, &agent.conf(Some(&v4(&first)), 31001))?;
        assert_eq!(v4(&again), v4(&first));
        assert!(reaches(&agent.node, &v4(&first)).is_ok());
        assert!(agent.recover(&[])?.is_empty());
    }
    Ok(())
}

/// Another vendor's plugin in the chain cannot do its part for a while: what can be released is, and may be somebody
/// else's by the time that DEL is called again.
#[test]
fn a_del_that_failed_is_called_again() -> Result {
    let bed = Bed::new()?;
    let agent = Agent::new(&bed, "nftables");
    let (script, busy) = (bed.scratch().join("acme"), bed.scratch().join("busy"));
    let text = format!(
        "#!/bin/sh\nconf=$(cat)\ncase $CNI_COMMAND in\n\
         ADD) printf %s \"$conf\" | jq .prevResult ;;\n\
         DEL) [ ! -e '{}' ] || {{ echo '{{\"code\": 11, \"msg\": \"acme is busy\"}}'; exit 1; }} ;;\nesac\n",
        busy.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut conf = agent.conf(None, 31001);
    conf["chain"] = json!([conf["chain"][0], {"type": "acme"}]);
    let spaces = [bed.container()?, bed.container()?];
    let [a, b] = &spaces;
    let orphan = agent.attach("orphan", a, &conf)?;

    fs::write(&busy, "").unwrap();
    for _ in 0..2 {
        let failed = agent.recover(&[])?;
        let [failed] = &failed[..] else {
            return Err(Error::Outcome {
                wanted: "one DEL that fails".to_owned(),
                got: format!("{failed:?}"),
            });
        };
        assert_eq!(failed.fails(11)?.msg, "acme is busy");
        assert_eq!(
            (bed.held("net"), agent.known()),
            (Vec::new(), vec!["orphan".to_owned()])
        );
    }
    let next = agent.attach("next", b, &agent.conf(Some(&v4(&orphan)), 31001))?;
    assert_eq!(v4(&next), v4(&orphan));
    let before = State::take(&bed, &[b])?;
    assert_eq!(agent.recover(&["next"])?.len(), 1);
    before.unchanged()?;
    fs::remove_file(&busy).unwrap();
    assert!(agent.recover(&["next"])?.is_empty());
    before.unchanged()?;
    assert!(reaches(bed.node(), &v4(&next)).is_ok());
    assert_eq!(agent.known(), ["next"]);
    Ok(())
}
