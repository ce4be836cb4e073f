//! Our plugins do all that they must, and what they should but do not is listed here with its reason.

use fairway_lab::{plugin_dir, tempfile};
use fairway_tests_netns::{
    Result,
    conformance::{self, Part, netctl, report},
};
use std::fs;

/// An IPAM plugin that refuses an ADD is not told DEL: what it refuses is perhaps a second ADD, whose address is
/// still in use. One that dies over it is told.
const TOLD: &str = "clean.ipam-told";
/// The interface is known without it.
const CHECKS: &str = "check.without-prev-result";

fn conforms(kind: &str, but: &[&str]) -> Result {
    conformance::conforms(kind, Part::Whole, but)
}

#[test]
fn bridge() -> Result {
    conforms("bridge", &[TOLD])
}

#[test]
fn ptp() -> Result {
    // Both interfaces' routes lead to one gateway, and the kernel has one of them.
    conforms("ptp", &[TOLD, "add.second-interface"])
}

#[test]
fn macvlan() -> Result {
    conforms("macvlan", &[TOLD])
}

#[test]
fn host_device() -> Result {
    conforms("host-device", &[TOLD])
}

#[test]
fn tap() -> Result {
    conforms("tap", &[TOLD])
}

#[test]
fn loopback() -> Result {
    conforms("loopback", &[CHECKS])
}

#[test]
fn host_local() -> Result {
    conforms("host-local", &[CHECKS])
}

#[test]
fn static_ipam() -> Result {
    conforms("static", &[])
}

#[test]
fn portmap() -> Result {
    conforms("portmap", &[])
}

#[test]
fn tuning() -> Result {
    conforms("tuning", &[])
}

#[test]
fn sbr() -> Result {
    conforms("sbr", &[])
}

#[test]
fn firewall() -> Result {
    conforms("firewall", &[])
}

#[test]
fn bandwidth() -> Result {
    // A limit is on links that another plugin has made, and goes with them.
    conforms(
        "bandwidth",
        &["del.without-prev-result", "gc.stale-removed", "killed.add"],
    )
}

/// The report for CI systems says the same.
#[test]
fn a_report_for_ci_systems() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml");
    let args = ["--only", "del", "--junit", file.to_str().unwrap()];
    let output = netctl(&plugin_dir().join("loopback"), &args).unwrap();
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("loopback conforms: ") && shown.contains(" 0 failed"),
        "{shown}"
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(r#"<testcase classname="cni.interface.loopback" name="del.twice[1.1.0]""#),
        "{text}"
    );
    assert_eq!(text.matches("<failure").count(), 0);
}

/// What cannot be examined is told, and is no pass.
#[test]
fn what_cannot_be_examined_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let acme = folder.path().join("acme");
    std::os::unix::fs::symlink(plugin_dir().join("ptp"), &acme).unwrap();
    for (binary, args, part) in [
        (acme.clone(), vec![], "say --as interface, ipam or chained"),
        (folder.path().join("none"), vec![], "No such file"),
        (plugin_dir().join("multi"), vec![], "say --conf FILE"),
        (
            plugin_dir().join("ptp"),
            vec!["--only", "de"],
            "no check has that id",
        ),
    ] {
        let output = netctl(&binary, &args).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && said.contains(part),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
    // The type is the file's name, whatever is behind it.
    let report = report(&acme, &["--as", "interface", "--only", "error.bad-json"]).unwrap();
    assert_eq!(report["type"], "acme");
}
