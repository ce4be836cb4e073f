//! The bed itself: what other suites lean on.

use fairway_etcd_bed::{Cluster, Flaw, Options, Result, Seat};
use fairway_lab::{Lab, poll};
use std::process::Command;
use std::time::Duration;

/// Tells a test that it is to be killed, and where to write the member's process id.
const KILLED: &str = "FAIRWAY_BED_PID";
const SOON: Duration = Duration::from_secs(60);

fn put(cluster: &Cluster) -> bool {
    let done = cluster.etcdctl(&["put", "k", "v", "--command-timeout=5s"]);
    done.is_ok_and(|text| text.contains("OK"))
}

#[test]
fn a_leader_that_is_killed_is_replaced_and_comes_back() -> Result {
    let cluster = Cluster::start(Options::loopback(3))?;
    let leader = cluster.leader()?;
    assert!(put(&cluster));
    cluster.kill(leader)?;
    assert!(cluster.kill(leader).is_err(), "it is gone already");
    poll(SOON, "another member leads", || {
        cluster.leader().is_ok_and(|now| now != leader)
    })?;
    poll(SOON, "writes go through", || put(&cluster))?;
    cluster.restart(leader)?;
    assert!(cluster.restart(leader).is_err(), "it runs already");
    cluster.wait_ready(SOON)?;
    let got = cluster.etcdctl(&["get", "k", "--print-value-only"])?;
    assert_eq!(got.trim(), "v");
    Ok(())
}

#[test]
fn a_stopped_member_is_silent_until_it_is_continued() -> Result {
    let cluster = Cluster::start(Options::loopback(3))?;
    let leader = cluster.leader()?;
    cluster.stop(leader)?;
    poll(SOON, "the stopped one is not healthy", || {
        !cluster.healthy(leader)
    })?;
    poll(SOON, "another member leads", || {
        cluster.leader().is_ok_and(|now| now != leader)
    })?;
    cluster.cont(leader)?;
    cluster.wait_ready(SOON)
}

#[test]
fn members_live_in_namespaces_with_mtls_and_passwords() -> Result {
    let lab = Lab::new()?;
    lab.node().run("ip link add br0 type bridge")?;
    lab.node().up("br0")?;
    let mut seats = Vec::new();
    for n in 1..=3 {
        let ns = lab.machine(&format!("etcd{n}"))?;
        lab.wire(&ns, "eth0", lab.node(), &format!("p{n}"))?;
        lab.node().run(&format!("ip link set p{n} master br0"))?;
        ns.addr("eth0", &format!("10.9.0.{n}/24"))?;
        ns.addr("eth0", &format!("fd09::{n}/64"))?;
        let ip = format!("fd09::{n}").parse().expect("an address");
        seats.push(Seat { ns, ip });
    }
    let cluster = Cluster::start(Options::seats(seats).tls().auth("secret"))?;
    assert_eq!(cluster.endpoint(0), "https://[fd09::1]:2379");
    assert!(put(&cluster));
    cluster.add_user("fairway", "pw", "/fairway/v1/")?;
    let pki = cluster.pki().expect("there is TLS");
    let bad = pki.issue("late", Flaw::Expired)?;
    let refused = |files: &fairway_etcd_bed::Files| {
        let command = cluster.ns(0).command("etcdctl").env("ETCDCTL_API", "3");
        let done = command
            .arg(format!("--endpoints={}", cluster.endpoint(1)))
            .arg(format!("--cacert={}", pki.ca().display()))
            .arg(format!("--cert={}", files.cert.display()))
            .arg(format!("--key={}", files.key.display()))
            .args([
                "--user=fairway:pw",
                "--command-timeout=20s",
                "--dial-timeout=20s",
            ])
            .args(["put", "/fairway/v1/a", "b"])
            .output();
        done.map(|output| !output.status.success())
    };
    assert!(refused(&bad)?);
    assert!(!refused(&pki.issue("fairway", Flaw::None)?)?);
    Ok(())
}

/// Does nothing by itself: it is what the next test starts, and kills.
#[test]
fn is_killed_while_its_cluster_runs() {
    let Ok(path) = std::env::var(KILLED) else {
        return;
    };
    let cluster = Cluster::start(Options::loopback(1)).unwrap();
    std::fs::write(&path, cluster.pid(0).unwrap().to_string()).unwrap();
    poll(SOON, "being killed", || false).unwrap();
}

#[test]
fn nothing_is_left_of_a_killed_test() {
    let dir = fairway_lab::tempfile::tempdir().unwrap();
    let path = dir.path().join("pid");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "is_killed_while_its_cluster_runs"])
        .env(KILLED, &path)
        .spawn()
        .unwrap();
    let pid = poll(SOON, "the member runs", || {
        let text = std::fs::read_to_string(&path).ok()?;
        text.parse::<i32>().ok()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = |pid: i32| !std::path::Path::new(&format!("/proc/{pid}/exe")).exists();
    poll(SOON, "the member is gone", || gone(*pid.as_ref().unwrap())).unwrap();
}

#[test]
fn a_cluster_that_is_dropped_leaves_no_process() -> Result {
    let cluster = Cluster::start(Options::loopback(2).quota(16 << 20))?;
    let pids = [cluster.pid(0)?, cluster.pid(1)?];
    cluster.stop(1)?;
    drop(cluster);
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}/exe")).exists());
    }
    Ok(())
}
