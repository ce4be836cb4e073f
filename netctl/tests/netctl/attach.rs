//! `attach` and `detach`: what is said before anything is done. What they do is looked at with plugins and
//! containers, in the netns suite.

use crate::fake::{Fake, Nobody, netctl, ran};
use serde_json::json;
use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
};

/// A process in a network namespace of its own; ends with this.
struct Container(Child);

impl Container {
    fn new() -> Container {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo x; exec sleep 600"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        // What it says it says from in there.
        let mut said = [0];
        let out = child.stdout.as_mut().unwrap();
        out.read_exact(&mut said).unwrap();
        Container(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_wrong_is_named_before_anything_is_done() {
    let fake = Fake::answering(json!([]));
    for (line, says) in [
        ("attach", "NETNS|PID"),
        ("attach 1", "NETWORK"),
        ("attach run/netns/x net", "NETNS|PID"),
        ("attach 0 net", "no number of a process"),
        ("attach 1 ../net", "NETWORK"),
        ("attach 1 net --ifname far/too", "--ifname"),
        ("attach 1 net --ifname sixteen-bytes-xx", "--ifname"),
        ("attach 1 net --address 10.0.0", "--address"),
        ("attach 1 net --workload shop", "--workload"),
        ("attach 1 net --check --claim x", "--check"),
        ("attach 1 net --watch", "--watch"),
        ("detach", "NETNS|PID"),
        ("detach 1 --watch", "--watch"),
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.err.contains(says), "{line}: {ran:?}");
    }
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn it_takes_root() {
    if !nix::unistd::geteuid().is_root() {
        let ran = ran(netctl(["attach", "1", "net"]).output().unwrap());
        assert_eq!(ran.status, 1, "{ran:?}");
        assert!(ran.err.contains("attach: needs root"), "{ran:?}");
        return;
    }
    let nobody = Nobody::new();
    for verb in ["attach", "detach"] {
        let ran = ran(nobody.netctl([verb, "1", "net"]).output().unwrap());
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.err.contains(&format!("{verb}: needs root"))
                && ran.err.contains("run netctl as root"),
            "{ran:?}"
        );
    }
}

#[test]
fn a_network_that_nobody_knows_is_told_and_so_is_a_daemon_that_is_not_there() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (state, conf) = (dir.path().join("state"), dir.path().join("net.d"));
    std::fs::create_dir(&conf).unwrap();
    std::fs::write(conf.join("10-x.conflist"), "{").unwrap();
    let at = format!("--state {} --conf-dir {}", state.display(), conf.display());
    let fake = Fake::answering(json!([]));
    let container = Container::new();
    let ran = fake.run(&format!("attach {} net {at}", container.pid()));
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{ran:?}");
    for part in [
        "network \"net\" is in no file of",
        "10-x.conflist",
        "none of the daemon's",
    ] {
        assert!(ran.err.contains(part), "{part}: {ran:?}");
    }
    let away = dir.path().join("s");
    let line = format!(
        "--socket {} attach {} net {at}",
        away.display(),
        container.pid()
    );
    let ran = fake.run(&line);
    assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{ran:?}");
    let gone = fake.run(&format!("attach 4194305 net {at}"));
    assert_eq!(gone.status, 1, "{gone:?}");
    assert!(
        gone.err
            .contains("no network namespace at /proc/4194305/ns/net"),
        "{gone:?}"
    );
    // Nothing was attached, so nothing is detached, and that is well.
    let none = fake.run(
        &format!("detach 4194305 {at}").replace(&format!("--conf-dir {}", conf.display()), ""),
    );
    assert_eq!(
        (none.status, none.out.as_str()),
        (0, "nothing was attached\n"),
        "{none:?}"
    );
    let none = fake.run(&format!("detach x -o json --state {}", state.display()));
    assert_eq!((none.status, none.out.as_str()), (0, "[]\n"), "{none:?}");
}

#[test]
fn the_hosts_own_namespace_is_no_containers() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let fake = Fake::answering(json!([]));
    let own = std::process::id().to_string();
    // In some sandboxes not even root may look at process 1.
    let init = std::fs::metadata("/proc/1/ns/net").is_ok();
    let init = ["1", "/proc/1/ns/net"].into_iter().filter(|_| init);
    let hosts = [own.as_str(), "/proc/self/ns/net"].into_iter();
    for host in hosts.chain(init.clone()) {
        let ran = fake.run(&format!("attach {host} net --state {}", state.display()));
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.err.contains("NETNS|PID: /proc/")
                && ran.err.contains("is the host's own network namespace"),
            "{ran:?}"
        );
    }
    if init.count() == 0 {
        eprintln!("SKIPPED: process 1 may not be looked at");
        return;
    }
    // Seen from a container's, the host's is the host's still.
    let container = Container::new();
    let mut inside = Command::new("nsenter");
    inside.arg(format!("--net=/proc/{}/ns/net", container.pid()));
    inside.arg(env!("CARGO_BIN_EXE_netctl"));
    inside.args(["attach", "1", "net", "--state"]).arg(&state);
    let ran = ran(inside.output().unwrap());
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.err.contains("NETNS|PID: /proc/1/ns/net"), "{ran:?}");
    assert_eq!(fake.asked().len(), 0);
}
