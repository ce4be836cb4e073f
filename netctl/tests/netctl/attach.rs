//! `attach` and `detach`: what is said before anything is done. What they do is looked at with plugins and
//! containers, in the netns suite.

use crate::fake::{Fake, netctl, ran};
use serde_json::json;

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
    // As somebody who may run the file, wherever it lies.
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("netctl");
    std::fs::copy(env!("CARGO_BIN_EXE_netctl"), &copy).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    for verb in ["attach", "detach"] {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        let ran = ran(command
            .arg(&copy)
            .args([verb, "1", "net"])
            .output()
            .unwrap());
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
    let ran = fake.run(&format!("attach {} net {at}", std::process::id()));
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
        std::process::id()
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
