//! A test process that is killed leaves no namespace and no child.
//!
//! The victim is this test binary, started anew with a variable that tells it to set things up
//! and wait. Whether its namespaces are gone shows in a namespace of ours: each holds the other
//! end of a veth pair, and that end goes when the kernel takes the namespace down.

use fairway_lab::{Lab, Ns, Result, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::time::Duration;

const SECONDS: Duration = Duration::from_secs(20);

#[test]
fn nothing_survives_sigkill() -> Result {
    if let Ok(file) = std::env::var("FAIRWAY_LAB_VICTIM") {
        return victim(Path::new(&file));
    }
    let lab = Lab::new()?;
    let file = lab.scratch().join("ready");
    let own = std::env::current_exe().unwrap();
    let victim = Ns::host()?.command(own).env("FAIRWAY_LAB_VICTIM", &file);
    let victim = victim.env("TMPDIR", lab.scratch());
    let victim = victim.args(["--exact", "nothing_survives_sigkill"]);
    let mut victim = victim.spawn()?;

    let ready = || {
        std::fs::read_to_string(&file)
            .ok()
            .filter(|t| t.ends_with("end\n"))
    };
    let ready = poll(SECONDS, "the victim is ready", ready)?;
    let mut words = ready.split_whitespace();
    let spaces: Vec<_> = words.by_ref().take(2).collect();
    let pids: Vec<i32> = words.filter_map(|word| word.parse().ok()).collect();
    assert!(pids.len() >= 4, "{ready}");
    let pids = Killed(pids);
    for (n, space) in spaces.iter().enumerate() {
        let add = format!("ip link add probe{n} type veth peer name probe netns {space}");
        lab.node().run(&add)?;
    }
    assert!(pids.0.iter().all(|pid| alive(*pid)));

    victim.signal(Signal::SIGKILL)?;
    victim.wait(SECONDS)?;
    poll(SECONDS, "its children are gone", || {
        !pids.0.iter().any(|pid| alive(*pid))
    })?;
    let links = || {
        lab.node()
            .run("ip -o link")
            .is_ok_and(|text| !text.contains("probe"))
    };
    poll(SECONDS, "its namespaces are gone", links)?;
    Ok(())
}

/// Should the promise be broken, the test at least leaves nothing.
struct Killed(Vec<i32>);

impl Drop for Killed {
    fn drop(&mut self) {
        for pid in self.0.iter().filter(|pid| alive(**pid)) {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn victim(file: &Path) -> Result {
    let lab = Lab::new()?;
    let c: Ns = lab.container()?;
    let guarded = c.command("sleep").arg("1000").spawn()?;
    let daemon = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo ready; sleep 1000";
    let mut contained = lab
        .node()
        .command("sh")
        .args(["-c", daemon])
        .contained()
        .spawn()?;
    contained.wait_for(SECONDS, "ready")?;
    let mut pids = vec![guarded.pid(), contained.pid()];
    pids.extend(c.processes());
    pids.extend(lab.node().processes());
    let text = format!(
        "{} {} {pids:?} end\n",
        lab.node().path().display(),
        c.path().display()
    );
    let text = text.replace(['[', ']', ','], " ");
    std::fs::write(file, text).expect("the file is the parent's");
    // Nobody answers: it ends by the signal, or fails after the deadline.
    poll(3 * SECONDS, "the parent's SIGKILL", || false)
}
