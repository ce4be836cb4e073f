//! A node with the real daemon, on a store of its own, and containers of its network whose rates it keeps.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fairway_lab::queue::Left;
use fairway_lab::traffic::{Kind, Load};
use fairway_lab::{Cmd, Cni, Guarded, Lab, Ns, Value, bin_dir, json, poll};

pub(super) const MEGABIT: u64 = 1_000_000;
/// For what should come at once, on an emulated CPU.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// Shows the program a BPF file system of its node's own: `sh` with where that is mounted, the program, and its
/// arguments. As the guest's root is not that of its mounts, they cannot be entered from outside.
const OWN_BPF: &str = "mount --bind \"$0\" /sys/fs/bpf && exec \"$@\"";
/// How much of what the daemon said is shown where a test fails.
const LINES: usize = 30;

pub(super) struct Node {
    // In the order in which they are to go.
    daemon: RefCell<Option<Guarded>>,
    /// Where other nodes would be.
    _switch: Ns,
    pub(super) lab: Lab,
}

/// A container.
pub(super) struct Pod {
    pub(super) ns: Ns,
    /// The host's end of its link.
    pub(super) link: String,
    pub(super) address: IpAddr,
    cni: Cni,
    result: Value,
}

/// A queue of a link.
#[derive(Clone, Copy)]
pub(super) struct Queue<'a> {
    ns: &'a Ns,
    link: &'a str,
}

/// Runs a test on a node with a pool and a network; where it fails, shows what the daemon said.
pub(super) fn on(test: impl FnOnce(&Node) -> Result<()>) -> Result<()> {
    let node = Node::new()?;
    let up = || {
        node.start()?;
        node.netctl("pool create net --cidr 10.40.0.0/16 --cidr fd40::/64", "")?;
        node.netctl("network create net --pool net", "")?;
        test(&node)
    };
    up().map_err(|error| error.context(node.log()))
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let _ = self.ns().run(&format!("umount {}", self.path("bpf")));
    }
}

impl Node {
    fn new() -> Result<Node> {
        let lab = Lab::new()?;
        let switch = lab.machine("switch")?;
        lab.wire(lab.node(), "uplink", &switch, "port")?;
        lab.node().addr("uplink", "192.0.2.1/24")?;
        let bpf = lab.scratch().join("bpf");
        std::fs::create_dir(&bpf)?;
        (lab.node()).run(&format!("mount -t bpf bpf {}", bpf.display()))?;
        Ok(Node {
            daemon: RefCell::new(None),
            _switch: switch,
            lab,
        })
    }

    pub(super) fn ns(&self) -> &Ns {
        self.lab.node()
    }

    fn path(&self, name: &str) -> String {
        self.lab.scratch().join(name).display().to_string()
    }

    /// Starts the daemon, or starts it again, and waits until it has its store.
    pub(super) fn start(&self) -> Result<()> {
        let store = format!("redb:{}", self.path("store.redb"));
        let command = self.ns().command("unshare");
        let command = command.args(["--mount", "sh", "-c", OWN_BPF, &self.path("bpf")]);
        let command = command.arg(bin_dir().join("fairwayd"));
        let command = command.args(["--node", "n1", "--store", &store]);
        let command = command.args(["--socket", &self.path("sock")]);
        let daemon = command.env("FAIRWAY_STATE_DIR", self.path("state"));
        self.daemon.replace(Some(daemon.spawn()?));
        let status = self.command("-o json status");
        poll(SOON, "the daemon has its store", || {
            status.json().is_ok_and(|info| info["connected"] == true)
        })?;
        Ok(())
    }

    /// SIGKILL; gone when this returns.
    pub(super) fn kill(&self) {
        self.daemon.replace(None);
    }

    fn log(&self) -> String {
        let log = self.daemon.borrow().as_ref().map(Guarded::log);
        let log = log.unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        format!("the daemon said last:\n{}", last.join("\n"))
    }

    fn command(&self, line: &str) -> Cmd {
        let program = self.ns().command(bin_dir().join("netctl"));
        let program = program.env("FAIRWAY_SOCKET", self.path("sock"));
        program.args(line.split(' ')).limit(SOON)
    }

    /// What `netctl` prints.
    pub(super) fn netctl(&self, line: &str, stdin: &str) -> Result<String> {
        let output = self.command(line).stdin(stdin).output()?;
        ensure!(output.status.success(), "netctl {line}: {output:?}");
        Ok(output.stdout)
    }

    /// A container in the namespace `x` that the plugin attaches with these limits.
    pub(super) fn pod(&self, name: &str, bandwidth: Value) -> Result<Pod> {
        self.pod_of("x", name, bandwidth)
    }

    /// The same in another namespace.
    pub(super) fn pod_of(&self, namespace: &str, name: &str, bandwidth: Value) -> Result<Pod> {
        let ns = self.lab.container()?;
        let cni = self.lab.cni("vxlan").container(name).netns(&ns);
        let cni = cni.config(json!({
            "cniVersion": "1.1.0", "name": "net", "type": "vxlan", "network": "net",
            "ipam": {"type": "fairway"}, "bandwidth": bandwidth,
        }));
        let cni = cni
            .args(format!(
                "IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name}"
            ))
            .env("FAIRWAY_SOCKET", self.path("sock"))
            .env("FAIRWAY_STATE_DIR", self.path("state"));
        let result = cni.add()?.ok()?;
        let text = |at: &str| {
            let text = result.pointer(at).and_then(Value::as_str);
            text.with_context(|| format!("no {at} in {result}"))
        };
        let address = text("/ips/0/address")?;
        let address = address.split('/').next().unwrap_or(address).parse()?;
        let link = text("/interfaces/0/name")?.to_owned();
        Ok(Pod {
            ns,
            link,
            address,
            cni,
            result,
        })
    }

    /// The queue of what a container sends.
    pub(super) fn sends<'a>(&self, pod: &'a Pod) -> Queue<'a> {
        let link = "eth0";
        Queue { ns: &pod.ns, link }
    }

    /// The queue of what it gets.
    pub(super) fn gets<'a>(&'a self, pod: &'a Pod) -> Queue<'a> {
        let (ns, link) = (self.ns(), &pod.link);
        Queue { ns, link }
    }

    /// By what a container's rate is kept, as the daemon says, and how much it is; sorted by direction.
    pub(super) fn rates(&self, pod: &str) -> Result<Vec<(String, String, Option<u64>)>> {
        let text = self.netctl(&format!("-o json rate ls x/{pod}"), "")?;
        let rows: Vec<Value> = serde_json::from_str(&text).context(text)?;
        let of = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let mut rates = Vec::new();
        for row in &rows {
            ensure!(row.get("problems").is_none(), "{row}");
            rates.push((of(row, "direction"), of(row, "means"), row["rate"].as_u64()));
        }
        rates.sort();
        Ok(rates)
    }
}

impl Pod {
    pub(super) fn del(&self) -> Result<()> {
        self.cni.del(Some(&self.result))?.ok()?;
        Ok(())
    }
}

impl Queue<'_> {
    /// As `tc` shows it, with its filters.
    pub(super) fn shown(self) -> Result<String> {
        let Queue { ns, link } = self;
        let mut all = ns.run(&format!("tc qdisc show dev {link}"))?;
        for hook in ["ingress", "egress"] {
            all += &ns.run(&format!("tc filter show dev {link} {hook}"))?;
        }
        Ok(all)
    }

    /// Is it an fq of ours, with our program in front of it?
    pub(super) fn is_fair(self) -> Result<bool> {
        let shown = self.shown()?;
        Ok(shown.contains("qdisc fq fa17: root") && shown.contains("fairway/shape"))
    }

    /// Nothing of ours is there.
    pub(super) fn is_bare(self) -> Result<bool> {
        let shown = self.shown()?;
        Ok(["fa17:", "fairway/shape", "fairway/backstop"]
            .iter()
            .all(|ours| !shown.contains(ours)))
    }

    /// Looks at what has left it so far.
    pub(super) fn left(self) -> Result<Left> {
        Ok(Left::of(self.ns, self.link)?)
    }
}

/// Waits until so much time has gone, in which a load is measured.
pub(super) fn until(begun: Instant, time: Duration) -> Result<()> {
    Ok(poll(SOON, "time goes on", || begun.elapsed() >= time)?)
}

/// Waits until a load is there.
pub(super) fn flows(queue: Queue<'_>) -> Result<()> {
    let before = queue.left()?.bytes;
    let enough = || {
        let now = queue.left();
        now.is_ok_and(|now| now.bytes > before + 300_000)
    };
    Ok(poll(SOON, "the load is there", enough)?)
}

pub(super) fn both(bits: u64) -> Value {
    json!({"ingressRate": bits, "egressRate": bits})
}

pub(super) fn free() -> Value {
    json!({})
}

/// A flow from one container to another.
pub(super) fn load(from: &Pod, to: &Pod, port: u16, seconds: u32) -> Load {
    Load {
        from: from.ns.clone(),
        to: to.ns.clone(),
        address: to.address,
        port,
        kind: Kind::Tcp("cubic"),
        flows: 1,
        seconds,
        reverse: false,
    }
}
