//! Where it cannot be done, the reason is told in one line.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "in tests they are the checks"
)]

use std::process::Command;

use fairway_dataplane::probe;

#[test]
fn this_machine_can() {
    if let Err(error) = probe() {
        panic!("{}", error.reason());
    }
}

/// What the probe says in a process that went through `setpriv` with these words.
fn reason(words: &[&str]) -> String {
    let own = std::env::current_exe().unwrap();
    let output = Command::new("setpriv")
        .args(words)
        .arg(own)
        .args(["--exact", "said", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}{errors}");
    let line = text.lines().find_map(|line| line.split_once("PROBE: "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
#[ignore = "run by the tests below in processes of other rights"]
fn said() {
    let said = probe().map_or_else(|error| error.reason(), |()| "can".to_owned());
    println!("PROBE: {said}");
}

#[test]
fn the_missing_capability_is_named() {
    let bounded = |drop| reason(&["--bounding-set", drop]);
    assert_eq!(bounded("+all"), "can");
    assert_eq!(
        bounded("-bpf,-sys_admin"),
        "CAP_BPF is missing: give it to the process, or run it as root"
    );
    assert_eq!(
        bounded("-perfmon,-sys_admin"),
        "CAP_PERFMON is missing: give it to the process, or run it as root"
    );
    assert_eq!(
        bounded("-net_admin"),
        "CAP_NET_ADMIN is missing: give it to the process, or run it as root"
    );
    let nobody = reason(&[
        "--reuid",
        "65534",
        "--clear-groups",
        "--bounding-set",
        "-all",
    ]);
    assert!(nobody.starts_with("CAP_BPF is missing"), "{nobody}");
}

#[test]
fn three_capabilities_are_enough() {
    let drop = "-all,+bpf,+perfmon,+net_admin";
    let said = reason(&["--bounding-set", drop, "--inh-caps", drop]);
    assert_eq!(said, "can");
}
