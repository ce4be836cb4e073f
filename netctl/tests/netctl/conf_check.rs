//! `conf check` as it is run: what it writes, with which status, and that it needs no daemon.

use std::process::Command;

fn run(args: &[&str], folder: &str) -> (i32, String) {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/netctl/fixture/");
    let output = Command::new(env!("CARGO_BIN_EXE_netctl"))
        .args(["conf", "check"])
        .args(args)
        .env("NETCONFPATH", format!("{fixture}{folder}"))
        .env("CNI_PATH", "/nowhere")
        .env("FAIRWAY_SOCKET", "/nowhere")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), out.replace(fixture, ""))
}

#[test]
fn what_is_wrong_is_a_line_with_its_place() {
    let (status, out) = run(&[], "conf");
    assert_eq!(status, 1);
    let lines: Vec<String> = out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines[0],
        "conf/10-apps.conflist: network apps (1.0.0) by bridge, host-local, portmap"
    );
    for expected in [
        "conf/10-apps.conflist:7:7 plugins[0].isGatway warning bridge reads no such key here: did you mean \"isGateway\"?",
        "conf/10-apps.conflist:8:76 plugins[0].ipam.ranges[0][0].rangeStart error 10.1.1.5: not in the subnet 10.1.0.0/24",
        "conf/10-apps.conflist:10:5 plugins[1].capabilities note \"portMappings\" is not declared: no runtime tells portmap what to do",
        "conf/20-other.conf:1:27 error no JSON: expected value",
        "2 files: 2 errors, 1 warning",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}\n{out}"
        );
    }
}

#[test]
fn the_status_is_that_of_the_worst() {
    let good = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/netctl/fixture/good.conf"
    );
    assert_eq!(run(&[good], "conf").0, 0);
    let (status, out) = run(&[good, "-o", "json"], "conf");
    assert!(status == 0 && out.contains("\"ok\": true"), "{out}");
    assert_eq!(run(&[good, "--strict"], "conf").0, 1);
}
