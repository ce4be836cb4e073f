//! Disks that are full, settings that are wrong, daemons that are newer.

use crate::bed::{Bed, SOON};
use fairway_api::{
    Method,
    admin::{Audit, Info, IpamAudit},
};
use fairway_lab::{Value, poll, serde_json};
use std::{fs, net::IpAddr};

#[test]
fn a_full_disk_refuses_and_gives_nothing_twice() {
    let mut bed = Bed::new();
    // A small disk of its own for the journal, in a mount namespace that goes with the daemon.
    let (state, settings) = (bed.state(), bed.settings());
    fs::create_dir_all(&state).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=2m none {0} && exec {1} --config {2}",
        state.display(),
        env!("CARGO_BIN_EXE_fairwayd"),
        settings.display()
    );
    let command = bed
        .lab
        .node()
        .command("unshare")
        .args(["--mount", "sh", "-c"])
        .arg(script);
    bed.daemon = Some(command.spawn().unwrap());
    bed.answers();
    bed.pool("web", "10.7.0.0/24");
    let first = bed.add("first");
    let pid = bed.daemon.as_ref().unwrap().pid();
    let there = |words: &str| {
        let pid = pid.to_string();
        let command = bed.lab.node().command("nsenter");
        command
            .args(["--target", &pid, "--mount", "sh", "-c", words])
            .output()
            .unwrap()
    };
    // Fill it to the last page: dd ends when there is no room.
    let fill = there(&format!(
        "dd if=/dev/zero of={}/fill bs=4k",
        state.display()
    ));
    assert!(fill.stderr.contains("No space left"), "{fill:?}");
    let refused = |n: u32| bed.add_at(&format!("full{n}"), None).err();
    let mut n = 0;
    let error = poll(SOON, "an ADD is refused", || {
        n += 1;
        refused(n)
    });
    let error = error.unwrap().to_string();
    assert!(error.contains("journal"), "{error}");
    let info = || bed.call::<Info>(Method::Info).unwrap();
    let fault = info().fault.unwrap();
    assert!(fault.contains("journal.redb"), "{fault}");
    let audit = Method::IpamAudit(IpamAudit::default());
    let error = bed.call::<Audit>(audit).unwrap_err().to_string();
    assert!(
        error.contains("journal.redb"),
        "not that all containers are unknown: {error}"
    );
    let held: Vec<IpAddr> = bed.listed().into_iter().map(|(ip, _)| ip).collect();
    there(&format!("rm {}/fill", state.display()));
    let second = poll(SOON, "it goes on", || bed.add_at("after", None).ok()).unwrap();
    assert_ne!(first, second);
    assert_eq!(info().fault, None);
    assert!(!held.contains(&second), "{second} of {held:?}");
    assert_eq!(bed.del("first"), [first]);
    assert_eq!(bed.del("after"), [second]);
    bed.says("can be written again");
    let log = bed.log();
    let said = log
        .lines()
        .find(|line| line.contains("requests are refused until"));
    assert!(
        said.is_some_and(|line| line.ends_with(" code=5")),
        "{said:?}"
    );
}

/// No call is refused for it, and who looks for a code finds it all the same.
#[test]
fn what_goes_wrong_unasked_has_its_code_in_the_log() {
    let mut bed = Bed::new();
    let released = bed.state().join("released");
    fs::create_dir_all(&released).unwrap();
    let record = released.join("0123456789abcdef0123456789abcdef.json");
    fs::write(&record, "no record").unwrap();
    bed.daemon = Some(bed.launch(&["--log", "json"]));
    bed.answers();
    bed.says("frees nothing");
    let log = bed.log();
    let line = log.lines().find(|line| line.contains("frees nothing"));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["code"], 6, "{line}");
    assert_eq!(line["level"], "ERROR", "{line}");
}

#[test]
fn wrong_settings_are_named() {
    let bed = Bed::new();
    for (args, word) in [
        (vec!["--node", "a b"], "node: "),
        (vec!["--store", "sqlite:/x"], "store: "),
        (vec!["--config", "/nowhere.toml"], "/nowhere.toml"),
        (vec!["--log", "xml"], "log: "),
    ] {
        let command = bed.lab.node().command(env!("CARGO_BIN_EXE_fairwayd"));
        let output = command.args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stderr.contains(word), "{output:?}");
    }
    let command = bed.lab.node().command(env!("CARGO_BIN_EXE_fairwayd"));
    let help = command.arg("--help").run().unwrap();
    assert!(help.contains("FAIRWAY_STORE"), "{help}");
}

#[test]
fn a_damaged_store_is_left_alone() {
    let mut bed = Bed::up();
    bed.stop();
    let store = bed.lab.scratch().join("store.redb");
    fs::write(&store, "not a store").unwrap();
    let mut daemon = bed.launch(&[]);
    assert_eq!(
        daemon.wait(SOON).unwrap().code(),
        Some(1),
        "{}",
        daemon.log()
    );
    assert!(daemon.log().contains("store.redb"), "{}", daemon.log());
    assert_eq!(fs::read_to_string(&store).unwrap(), "not a store");
    assert!(!bed.socket().exists());
}
