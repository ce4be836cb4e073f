//! A daemon with a folder of its own, for as long as the handle lives.

use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::{Info, Pool, PoolCreate, PoolRange, PoolSettings};
use fairway_api::ipam::{Headrooms, StatusQuery};
use fairway_api::{Client, Method};
use fairway_lab::{Guarded, Ns, poll};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
const START: Duration = Duration::from_secs(30);

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Guarded,
    pub(crate) socket: PathBuf,
    /// What it keeps, and what plugins leave for it while it is away.
    pub(crate) state: PathBuf,
}

/// What of its memory is where, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All of it, the program's text included.
    pub(crate) resident: f64,
    /// Only what it has allocated.
    pub(crate) own: f64,
}

/// Where the release build's programs are.
fn bin_dir() -> PathBuf {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/bin");
    std::env::var_os("FAIRWAY_BIN_DIR").map_or_else(|| dist.into(), PathBuf::from)
}

impl Daemon {
    /// On its own embedded store.
    pub(crate) fn alone(ns: &Ns, folder: &Path) -> Result<Self> {
        let store = folder.join("one/store.redb");
        Self::start(ns, folder, "one", &format!("redb:{}", store.display()))
    }

    /// Starts one and waits until it answers and has its store.
    pub(crate) fn start(ns: &Ns, folder: &Path, node: &str, store: &str) -> Result<Self> {
        let program = bin_dir().join("fairwayd");
        let shown = program.display();
        ensure!(program.is_file(), "no {shown}: run `cargo xtask dist`");
        let state = folder.join(node);
        fs::create_dir_all(&state)?;
        let socket = state.join("sock");
        let socket_name = socket.display().to_string();
        let command = ns.command(program).env("FAIRWAY_STATE_DIR", &state);
        let args = ["--node", node, "--store", store, "--socket", &socket_name];
        let mut child = command.args(args).spawn()?;
        let ready = poll(START, "", || {
            let mut client = Client::connect(&socket, CONNECT).ok();
            let info: Option<Info> = client.as_mut().and_then(|c| c.call(Method::Info).ok());
            let ended = child.ended().is_some();
            (ended || info.is_some_and(|info| info.connected)).then_some(ended)
        });
        match ready {
            Ok(false) => Ok(Self {
                child,
                socket,
                state,
            }),
            _ => anyhow::bail!("fairwayd {node} does not start:\n{}", child.log()),
        }
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(&self.socket, CONNECT).with_context(|| self.child.log())
    }

    /// Makes a pool; `cooldown` in seconds.
    pub(crate) fn pool(&self, name: &str, cidr: &str, cooldown: u64) -> Result<()> {
        let range = PoolRange {
            cidr: cidr.to_owned(),
            block: None,
            gateway: None,
            exclude: Vec::new(),
            draining: false,
        };
        let create = PoolCreate {
            name: name.to_owned(),
            ranges: vec![range],
            settings: PoolSettings {
                cooldown: Some(cooldown),
                ..PoolSettings::default()
            },
        };
        let _: Pool = self.client()?.call(Method::PoolCreate(create))?;
        self.wait_for(name)
    }

    /// Waits until it knows of the pool.
    pub(crate) fn wait_for(&self, pool: &str) -> Result<()> {
        let mut client = self.client()?;
        Ok(poll(Duration::from_secs(10), "the pool is known", || {
            let asked = client.call::<Headrooms>(Method::Status(StatusQuery::default()));
            asked.is_ok_and(|rooms| rooms.pools.iter().any(|room| room.pool == pool))
        })?)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// As the kernel counts it.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.pid()))?;
        let field = |key: &str| -> Result<f64> {
            let mut lines = status.lines();
            let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            let kib = line.and_then(|line| line.split_whitespace().next());
            let kib: f64 = kib.context("no such field")?.parse()?;
            Ok(kib / 1024.0)
        };
        Ok(Memory {
            resident: field("VmRSS")?,
            own: field("RssAnon")?,
        })
    }
}
