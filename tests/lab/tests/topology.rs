//! The lab's namespaces and children do what they promise.

use fairway_lab::{Error, Lab, Ns, Result, json, poll};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// For what is to happen.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn two_containers_on_a_wire_ping_each_other() -> Result {
    let lab = Lab::new()?;
    let (a, b) = (lab.container()?, lab.container()?);
    lab.wire(&a, "eth0", &b, "eth0")?;
    a.addr("eth0", "10.0.0.1/24")?;
    b.addr("eth0", "10.0.0.2/24")?;
    a.addr("eth0", "fd00::1/64")?;
    b.addr("eth0", "fd00::2/64")?;
    a.run("ping -c 1 -W 10 10.0.0.2")?;
    b.run("ping -c 1 -W 10 fd00::1")?;
    assert_eq!(a.json("ip -j link show eth0")?[0]["ifname"], "eth0");
    Ok(())
}

#[test]
fn a_namespace_is_apart_and_reachable_by_path() -> Result {
    let ns = Ns::new("apart")?;
    ns.set_sysctl("ipv4/ip_forward", "1")?;
    assert_eq!(ns.sysctl("ipv4/ip_forward")?, "1");
    assert_eq!(Ns::new("other")?.sysctl("ipv4/ip_forward")?, "0");
    // Another process enters by the path and sees the same namespace.
    let mut command = ns.std_command("readlink");
    let seen = command.arg("/proc/self/ns/net").output().unwrap();
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert_eq!(seen.trim(), format!("net:[{}]", ns.inode()));
    assert_eq!(ns.run("readlink /proc/self/ns/net")?, seen);
    Ok(())
}

#[test]
fn a_failed_command_shows_its_stderr() -> Result {
    let ns = Ns::new("n")?;
    let Err(error) = ns.run("ip link show dev nosuch") else {
        panic!("there is no such link")
    };
    assert!(
        format!("{error:?}").contains("\"nosuch\" does not exist"),
        "{error}"
    );
    let Err(error) = ns.command("/nosuch").bare().run() else {
        panic!("there is no such program")
    };
    assert!(matches!(error, Error::Start { .. }), "{error}");
    Ok(())
}

#[test]
fn a_hung_command_is_killed_with_its_children() -> Result {
    let ns = Ns::new("n")?;
    let begin = Instant::now();
    let script = ns.command("sh").args(["-c", "sleep 100 & sleep 100"]);
    let Err(Error::Hung { .. }) = script.limit(Duration::from_millis(200)).run() else {
        panic!("it must not end by itself")
    };
    assert!(begin.elapsed() < Duration::from_secs(60));
    poll(SOON, "nothing left", || ns.processes().is_empty())
}

#[test]
fn large_input_and_output_do_not_block_each_other() -> Result {
    let big = "x".repeat(3 << 20);
    let echoed = Ns::new("n")?.command("cat").stdin(big.clone()).run()?;
    assert_eq!(echoed.len(), big.len());
    // A child that never reads is no error either.
    Ns::new("n")?.command("true").stdin(big).run().map(drop)
}

#[test]
fn a_guarded_child_ends_with_its_handle() -> Result {
    let ns = Ns::new("n")?;
    let mut child = ns
        .command("sh")
        .args(["-c", "echo ready; sleep 100 & sleep 100"])
        .spawn()?;
    child.wait_for(SOON, "ready")?;
    assert_eq!(child.ended(), None);
    assert!(!ns.processes().is_empty());
    drop(child);
    poll(SOON, "nothing left", || ns.processes().is_empty())
}

/// Whoever goes on a moment later takes what is asked of it next.
#[test]
fn a_child_that_was_stopped_runs_no_more_and_goes_on_when_told() -> Result {
    let busy = Ns::host()?
        .command("sh")
        .args(["-c", "while :; do :; done"])
        .spawn()?;
    let stat = format!("/proc/{}/stat", busy.pid());
    let state = || std::fs::read_to_string(&stat).unwrap();
    for _ in 0..200 {
        busy.signal(Signal::SIGSTOP)?;
        assert!(state().contains(") T "), "{}", state());
        busy.signal(Signal::SIGCONT)?;
    }
    poll(SOON, "it runs", || state().contains(") R "))
}

#[test]
fn a_guarded_child_that_ends_too_early_says_why() -> Result {
    let mut child = Ns::host()?
        .command("sh")
        .args(["-c", "echo no config >&2; exit 3"])
        .spawn()?;
    let Err(error) = child.wait_for(SOON, "ready") else {
        panic!("it never says ready")
    };
    assert!(error.to_string().contains("no config"), "{error}");
    Ok(())
}

#[test]
fn contained_takes_daemons_along() -> Result {
    let ns = Ns::new("n")?;
    let script = "setsid sleep 100 </dev/null >/dev/null 2>&1 & echo ready; sleep 100";
    let mut child = ns.command("sh").args(["-c", script]).contained().spawn()?;
    child.wait_for(SOON, "ready")?;
    drop(child);
    poll(SOON, "nothing left", || ns.processes().is_empty())
}

#[test]
fn what_stays_in_a_namespace_is_killed_with_it() -> Result {
    let watcher = Ns::new("watcher")?;
    let ns = Ns::new("n")?;
    watcher.run(&format!(
        "ip link add probe type veth peer name probe netns {}",
        ns.path().display()
    ))?;
    ns.sh("setsid sleep 100 </dev/null >/dev/null 2>&1 &")?;
    assert_eq!(ns.processes().len(), 1);
    drop(ns);
    poll(SOON, "the namespace is gone", || {
        watcher.run("ip link show probe").is_err()
    })
}

#[test]
fn poll_asks_until_the_deadline() -> Result {
    let mut asked = 0;
    let value = poll(SOON, "third time", || {
        asked += 1;
        (asked == 3).then_some(asked)
    })?;
    assert_eq!(value, 3);
    let Err(error) = poll(Duration::from_millis(5), "never", || false) else {
        panic!("never is never")
    };
    assert_eq!(error.to_string(), "not within 5ms: never");
    assert_eq!(json!([]), Ns::host()?.json("true")?);
    Ok(())
}
