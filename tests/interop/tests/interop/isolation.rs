//! That the private host keeps its promise, or the suite would litter the
//! machine that it runs on.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use fairway_tests_interop::cmd::eventually;
use fairway_tests_interop::conf::Network;
use fairway_tests_interop::containerd::Containerd;
use fairway_tests_interop::cri::pod;
use fairway_tests_interop::host::{cgroups_left, on_private_host};
use fairway_tests_interop::podman::{IDLE, Podman};

/// How long the victim may take to bring all up.
const UP: Duration = Duration::from_secs(120);

/// How long the kernel and the janitor may take to sweep.
const SWEPT: Duration = Duration::from_secs(60);

/// What runs on the victim's host: the daemon, a pod and a container.
const RUNNING: &[&str] = &["containerd", "httpd", "sleep", "conmon"];

/// Set for the process that shall be killed.
const VICTIM: &str = "FAIRWAY_INTEROP_VICTIM";

/// The test process dies by SIGKILL amid all that; no process, no namespace
/// and no cgroup of its host may outlive it. The victim is this test again.
#[test]
fn a_killed_test_leaves_nothing() -> Result<()> {
    if env::var_os(VICTIM).is_some() {
        return on_private_host(|host| {
            let network = Network::new(host, "fw", &["10.82.0.0/24"]);
            network.write(host)?;
            let containerd = Containerd::new(host)?;
            containerd.cri().run(pod("box", &host.cgroup_parent()))?;
            let podman = Podman::new(host)?;
            podman.start("box", &network, &[], IDLE)?.ok()?;
            eventually(UP, || bail!("nobody killed us"))
        });
    }
    let mut victim = Command::new(env::current_exe()?)
        .args(["isolation::a_killed_test_leaves_nothing", "--exact"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let namespaces = eventually(UP, || {
        if let Some(status) = victim.try_wait()? {
            return Ok(Err(status));
        }
        let below = descendants(victim.id());
        let names: BTreeSet<_> = below.iter().filter_map(|p| name(p)).collect();
        for wanted in RUNNING {
            ensure!(names.contains(*wanted), "{wanted} is not among {names:?}");
        }
        Ok(Ok(foreign(&below)))
    })?;
    let Ok(namespaces) = namespaces else {
        bail!("the victim ended by itself: {namespaces:?}");
    };
    let cgroup = format!("fairway-interop-{}-0", victim.id());
    ensure!(namespaces.len() > 3, "{namespaces:?}");
    ensure!(!cgroups_left(&cgroup).is_empty());

    let killed = uptime()?;
    victim.kill()?;
    victim.wait()?;
    let swept = eventually(SWEPT, || {
        let living = living_in(&namespaces, killed);
        ensure!(living.is_empty(), "still there: {living:?}");
        let cgroups = cgroups_left(&cgroup);
        ensure!(cgroups.is_empty(), "still there: {cgroups:?}");
        Ok(())
    });
    let left = living_in(&namespaces, killed);
    let pids = left.iter().filter_map(|process| process.file_name());
    let _ = Command::new("kill").arg("-KILL").args(pids).output();
    swept
}

/// The processes below `root`, by their `/proc` folders.
fn descendants(root: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut ask = vec![root];
    while let Some(pid) = ask.pop() {
        let tasks = Path::new("/proc").join(pid.to_string()).join("task");
        for task in tasks.read_dir().into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children"));
            for child in children.unwrap_or_default().split_whitespace() {
                found.push(Path::new("/proc").join(child));
                ask.extend(child.parse::<u32>());
            }
        }
    }
    found
}

fn name(process: &Path) -> Option<String> {
    let comm = fs::read_to_string(process.join("comm")).ok()?;
    Some(comm.trim().to_owned())
}

fn namespaces(process: &Path) -> impl Iterator<Item = PathBuf> {
    let dir = process.join("ns");
    ["pid", "mnt", "net"]
        .into_iter()
        .filter_map(move |kind| fs::read_link(dir.join(kind)).ok())
}

/// The namespaces of `processes` that are not our own.
fn foreign(processes: &[PathBuf]) -> BTreeSet<PathBuf> {
    let own: BTreeSet<_> = namespaces(Path::new("/proc/self")).collect();
    let all = processes.iter().flat_map(|p| namespaces(p));
    all.filter(|n| !own.contains(n)).collect()
}

/// Processes of the whole machine in any of `wanted` that were there at that time. The kernel gives the number of a
/// namespace that is gone to the next one, which may be another test's.
fn living_in(wanted: &BTreeSet<PathBuf>, before: u64) -> Vec<PathBuf> {
    let all = Path::new("/proc")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten();
    all.map(|process| process.path())
        .filter(|process| namespaces(process).any(|n| wanted.contains(&n)))
        .filter(|process| started(process).is_some_and(|at| at <= before))
        .collect()
}

/// When a process began, in hundredths of a second since the boot: proc_pid_stat(5), field 22.
fn started(process: &Path) -> Option<u64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The second is the program's name, which may have anything in it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// The same of now.
fn uptime() -> Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split_whitespace().next().unwrap_or_default();
    Ok(seconds.replace('.', "").parse()?)
}
