//! That it is our plugins which the engines run. Against the reference's
//! folder these fail, and only these.

use anyhow::{Result, ensure};
use fairway_tests_interop::conf::Network;
use fairway_tests_interop::containerd::Containerd;
use fairway_tests_interop::cri;
use fairway_tests_interop::host::{Host, on_private_host};
use fairway_tests_interop::podman::{IDLE, Podman};
use fairway_tests_interop::seen;
use serde_json::{Value, json};

/// The types that the engines' networks use.
const OURS: &[&str] = &["bridge", "ptp", "loopback", "host-local", "static"];

/// 1.1.0 tells ours from Debian's reference plugins, which end at 1.0.0.
#[test]
fn each_type_speaks_version_1_1_0() -> Result<()> {
    on_private_host(|host| {
        for kind in OURS {
            let asked = json!({ "cniVersion": "1.1.0" });
            let answer = seen::call(host, kind, &[("CNI_COMMAND", "VERSION")], &asked)?.ok()?;
            let answer: Value = serde_json::from_str(&answer)?;
            let versions = answer["supportedVersions"].as_array();
            ensure!(
                versions.is_some_and(|all| all.contains(&json!("1.1.0"))),
                "{kind} answers {answer}"
            );
        }
        Ok(())
    })
}

/// The delegate of Podman's bridge network is called by our executable.
#[test]
fn podman_runs_them() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &["10.80.0.0/24"]).recorded();
        network.write(host)?;
        let podman = Podman::new(host)?;
        podman.start("box", &network, &[], IDLE)?.ok()?;
        podman.ok(&["rm", "--force", "--time", "0", "box"])?;
        only_ours_called(host)
    })
}

/// And so is that of containerd's.
#[test]
fn containerd_runs_them() -> Result<()> {
    on_private_host(|host| {
        let network = Network::new(host, "fw", &["10.80.0.0/24"]).recorded();
        network.write(host)?;
        let containerd = Containerd::new(host)?;
        let id = containerd
            .cri()
            .run(cri::pod("box", &host.cgroup_parent()))?;
        containerd.cri().stop(&id)?;
        containerd.cri().remove(&id)?;
        only_ours_called(host)
    })
}

fn only_ours_called(host: &Host) -> Result<()> {
    let calls = host.plugins().calls()?;
    ensure!(calls.iter().any(|c| c.command == "ADD"), "{calls:#?}");
    ensure!(calls.iter().any(|c| c.command == "DEL"), "{calls:#?}");
    for call in &calls {
        ensure!(host.plugins().is_ours(&call.caller)?, "{call:#?}");
    }
    Ok(())
}
