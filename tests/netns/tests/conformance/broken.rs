//! Each check notices what it is about: a plugin of ours with one fault, put in front of it by a shell script.

use fairway_lab::{Value, bin_dir, plugin_dir, program, serde_json, tempfile};
use fairway_tests_netns::conformance::{failed, report, told};
use std::{collections::BTreeSet, fs, path::PathBuf, thread};

/// What stands before each fault: `call` does what the plugin does, `on` is for one verb, `refuse` is a sound error.
const HEAD: &str = r#"#!/bin/sh
here=$(dirname "$0")
conf=$(cat)
call() { printf %s "$conf" | CNI_COMMAND="${1:-$CNI_COMMAND}" REAL; }
on() { [ "$CNI_COMMAND" = "$1" ]; }
refuse() { printf '{"cniVersion":"1.1.0","code":%s,"msg":"%s"}' "${1:-999}" "${2:-no}"; exit 1; }
inside() { nsenter --net="$CNI_NETNS" "$@"; }
leave() { ip link add "left$$" type veth peer name "tfel$$"; }
"#;

/// The plugin, the check that must notice, and the fault.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "bridge",
        "version.form",
        r#"on VERSION && { echo '"1.1.0"'; exit 0; }; call"#,
    ),
    (
        "bridge",
        "version.placeholders",
        r#"on VERSION && [ "$CNI_NETNS" = dummy ] && refuse 8; call"#,
    ),
    (
        "bridge",
        "version.nothing-else",
        r#"on VERSION && [ -z "$CNI_PATH" ] && refuse 4; call"#,
    ),
    (
        "bridge",
        "version.echo",
        r#"on VERSION && { call | jq -c '.cniVersion = "1.1.0"'; exit; }; call"#,
    ),
    (
        "bridge",
        "version.released",
        r#"on VERSION && { call | jq -c '.supportedVersions = ["9.9.9"]'; exit; }; call"#,
    ),
    (
        "bridge",
        "error.form",
        r#"out=$(call) || { echo "$out" >&2; echo oh no; exit 1; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "error.unknown-version",
        r#"out=$(call) || { echo "$out" | jq -c '.code = 7'; exit 1; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "error.unknown-version-named",
        r#"out=$(call) || { echo "$out" | jq -c '.msg = "no"'; exit 1; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "error.unknown-command",
        r#"on ADD || on DEL || on VERSION || refuse 999; call"#,
    ),
    (
        "bridge",
        "error.missing-variables",
        r#"[ -z "$CNI_IFNAME" ] && on DEL && refuse 999 CNI_IFNAME; call"#,
    ),
    (
        "bridge",
        "error.missing-variables-named",
        r#"[ -z "$CNI_NETNS" ] && on ADD && refuse 4 'a variable'; call"#,
    ),
    (
        "bridge",
        "error.container-id",
        r#"out=$(call) || { echo '{}'; exit 0; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "error.ifname",
        r#"case $CNI_IFNAME in a:b) echo '{}'; exit 0;; esac; call"#,
    ),
    (
        "bridge",
        "error.netns",
        r#"case $CNI_NETNS in /nowhere*) echo '{}'; exit 0;; esac; call"#,
    ),
    (
        "bridge",
        "error.bad-json",
        r#"[ -z "$conf" ] && refuse 7; call"#,
    ),
    (
        "bridge",
        "error.network-name",
        r#"case $conf in *'"../x"'*) refuse 999;; esac; call"#,
    ),
    (
        "bridge",
        "add.result",
        r#"on ADD && echo 'adding a container'; call"#,
    ),
    (
        "bridge",
        "add.shape",
        r#"on ADD && { call | sed 's/"cniVersion":"[^"]*"/"cniVersion":"0.9.0"/'; exit; }; call"#,
    ),
    (
        "bridge",
        "add.exists",
        r#"out=$(call) || { on ADD && { echo '{}'; exit 0; }; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "add.twice",
        r#"out=$(call) || { on ADD && { echo '{}'; exit 0; }; }; printf %s "$out""#,
    ),
    (
        "bridge",
        "add.twice-harmless",
        r#"out=$(call) && { printf %s "$out"; exit 0; }; on ADD && call DEL > /dev/null; printf %s "$out"; exit 1"#,
    ),
    (
        "bridge",
        "add.again",
        r#"on DEL && : > "$here/$CNI_CONTAINERID"; on ADD && [ -e "$here/$CNI_CONTAINERID" ] && refuse; call"#,
    ),
    (
        "bridge",
        "add.second-interface",
        r#"[ "$CNI_IFNAME" = eth1 ] && refuse; call"#,
    ),
    (
        "bridge",
        "attached.interface",
        r#"on ADD && { call | sed 's/"eth0"/"eth7"/'; exit; }; call"#,
    ),
    (
        "bridge",
        "attached.interfaces",
        r#"on ADD && { call | jq -c 'if .interfaces then .interfaces[2].mac = "02:00:00:00:00:99" else . end'; exit; }; call"#,
    ),
    (
        "bridge",
        "attached.addresses",
        r#"call || exit 1; on ADD && inside ip -4 addr flush dev eth0; exit 0"#,
    ),
    (
        "bridge",
        "attached.routes",
        r#"call || exit 1; on ADD && inside ip -6 route del default; exit 0"#,
    ),
    (
        "bridge",
        "attached.ipam",
        r#"on ADD && { call | jq -c 'del(.ips[1]) | del(.ip6)'; exit; }; call"#,
    ),
    (
        "bridge",
        "attached.dns",
        r#"on ADD && { call | jq -c 'del(.dns)'; exit; }; call"#,
    ),
    (
        "tuning",
        "chained.passes-on",
        r#"on ADD && { call | jq -c 'del(.ips)'; exit; }; call"#,
    ),
    (
        "bridge",
        "config.args",
        r#"case $conf in *org.example*) refuse 2;; esac; call"#,
    ),
    (
        "bridge",
        "config.unknown-keys",
        r#"case $conf in *x-unknown*) refuse 2;; esac; call"#,
    ),
    (
        "bridge",
        "config.cni-args",
        r#"[ -n "$CNI_ARGS" ] && refuse 4 CNI_ARGS; call"#,
    ),
    (
        "bridge",
        "config.no-cni-args",
        r#"[ "${CNI_ARGS-none}" = "" ] && on ADD && refuse 4 CNI_ARGS; call"#,
    ),
    (
        "bridge",
        "check.after-add",
        r#"on CHECK && echo '{}'; call"#,
    ),
    (
        "bridge",
        "check.interface-gone",
        r#"on CHECK && exit 0; call"#,
    ),
    (
        "bridge",
        "check.address-gone",
        r#"on CHECK && exit 0; call"#,
    ),
    ("bridge", "check.route-gone", r#"on CHECK && exit 0; call"#),
    (
        "bridge",
        "check.without-prev-result",
        r#"on CHECK && exit 0; call"#,
    ),
    ("bridge", "check.delegates", r#"on CHECK && exit 0; call"#),
    (
        "host-local",
        "check.released",
        r#"on CHECK && exit 0; call"#,
    ),
    ("bridge", "del.after-add", r#"on DEL && echo ok; call"#),
    ("bridge", "del.interface", r#"on DEL && exit 0; call"#),
    (
        "bridge",
        "del.twice",
        r#"on DEL && { [ -e "$here/$CNI_CONTAINERID" ] && refuse; : > "$here/$CNI_CONTAINERID"; }; call"#,
    ),
    (
        "bridge",
        "del.never-added",
        r#"on DEL && ! inside ip link show eth0 > /dev/null 2>&1 && refuse; call"#,
    ),
    (
        "bridge",
        "del.without-netns",
        r#"on DEL && [ -z "$CNI_NETNS" ] && refuse 4 CNI_NETNS; call"#,
    ),
    (
        "bridge",
        "del.without-netns-cleans",
        r#"on DEL && [ -z "$CNI_NETNS" ] && exit 0; call"#,
    ),
    (
        "bridge",
        "del.lost-netns",
        r#"on DEL && [ ! -e "$CNI_NETNS" ] && refuse 8; call"#,
    ),
    (
        "bridge",
        "del.without-prev-result",
        r#"case $CNI_COMMAND$conf in DEL*prevResult*) ;; DEL*) exit 0;; esac; call"#,
    ),
    (
        "bridge",
        "del.delegates",
        r#"on DEL && { inside ip link del "$CNI_IFNAME"; exit 0; }; call"#,
    ),
    ("bridge", "clean.del", r#"on DEL && leave; call"#),
    (
        "bridge",
        "clean.del",
        r#"on DEL && : > "/var/lib/cni/left-$CNI_CONTAINERID"; call"#,
    ),
    (
        "bridge",
        "clean.del",
        r#"on DEL && nft add table inet "left$$"; call"#,
    ),
    (
        "tuning",
        "clean.del",
        r#"on DEL && ip route add "198.51.100.$(($$ % 250))/32" dev up0; call"#,
    ),
    ("host-local", "clean.del", r#"on DEL && exit 0; call"#),
    (
        "bridge",
        "clean.ipam-fails",
        r#"out=$(call) && { printf %s "$out"; exit 0; }; on ADD && leave; printf %s "$out"; exit 1"#,
    ),
    (
        "bridge",
        "clean.late-failure",
        r#"out=$(call) && { printf %s "$out"; exit 0; }; on ADD && leave; printf %s "$out"; exit 1"#,
    ),
    (
        "bridge",
        "clean.refused-netns",
        r#"out=$(call) && { printf %s "$out"; exit 0; }; on ADD && leave; printf %s "$out"; exit 1"#,
    ),
    (
        "bridge",
        "parallel.add",
        r#"on ADD && { mkdir "$here/lock" 2> /dev/null || refuse 11 busy; call; status=$?; rmdir "$here/lock"; exit $status; }; call"#,
    ),
    (
        "static",
        "parallel.add",
        r#"on ADD && { mkdir "$here/lock" 2> /dev/null || refuse 11 busy; call; status=$?; rmdir "$here/lock"; exit $status; }; call"#,
    ),
    (
        "bridge",
        "parallel.add-del",
        r#"on DEL && case $CNI_CONTAINERID in *7) leave;; esac; call"#,
    ),
    ("bridge", "gc.succeeds", r#"on GC && echo done; call"#),
    (
        "bridge",
        "gc.valid-kept",
        r#"on GC && conf=$(printf %s "$conf" | jq -c '.["cni.dev/valid-attachments"] = []'); call"#,
    ),
    ("bridge", "gc.stale-removed", r#"on GC && exit 0; call"#),
    ("bridge", "gc.delegates", r#"on GC && exit 0; call"#),
    ("bridge", "status.ready", r#"on STATUS && refuse 50; call"#),
    ("bridge", "status.delegates", r#"on STATUS && exit 0; call"#),
    // It takes its time, most of it while the link is there: so whoever ends it in the middle meets that, on a busy machine too.
    (
        "bridge",
        "killed.add",
        r#"on ADD || { call; exit; }; ip link add "k$$" type veth peer name "l$$"; call; status=$?; sleep 0.3; ip link del "k$$"; exit $status"#,
    ),
];

/// What is not here, and why.
const UNTRIED: &[(&str, &str)] = &[("clean.ipam-told", "ours does not hold it, see `ours`")];

struct Broken {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn broken(kind: &str, fault: &str) -> Broken {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(kind);
    let real = plugin_dir().join(kind).canonicalize().unwrap();
    // The real one is called by its type, which its file has from its place.
    let named = folder.path().join("real");
    fs::create_dir(&named).unwrap();
    std::os::unix::fs::symlink(real, named.join(kind)).unwrap();
    let head = HEAD.replace("REAL", &format!("'{}'", named.join(kind).display()));
    program(&file, &format!("{head}{fault}\n")).unwrap();
    Broken {
        _folder: folder,
        file,
    }
}

/// Runs `each` for all, some at once.
fn all<T: Sync>(items: &[T], each: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    const LANES: usize = 3;
    thread::scope(|scope| {
        let lanes = (0..LANES).map(|lane| {
            let each = &each;
            scope.spawn(move || {
                items
                    .iter()
                    .skip(lane)
                    .step_by(LANES)
                    .filter_map(each)
                    .collect::<Vec<_>>()
            })
        });
        let lanes: Vec<_> = lanes.collect();
        lanes
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    })
}

#[test]
fn each_fault_is_noticed_by_its_check() {
    let missed = all(FAULTS, |(kind, id, fault)| {
        let broken = broken(kind, fault);
        let report = report(&broken.file, &["--only", id]).unwrap();
        let noticed = failed(&report).contains(*id);
        (!noticed).then(|| format!("{id}: {kind}: {fault}\n{}", told(&report)))
    });
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

/// Or it would not be the fault that is noticed.
#[test]
fn without_a_fault_nothing_is_noticed() {
    let ids = |kind: &str| -> BTreeSet<&str> {
        let of_kind = FAULTS.iter().filter(|(of, ..)| *of == kind);
        of_kind.map(|(_, id, _)| *id).collect()
    };
    let kinds = ["bridge", "tuning", "host-local", "static"];
    let noticed = all(&kinds, |kind| {
        let sound = broken(kind, "call");
        let only: Vec<_> = ids(kind)
            .into_iter()
            .flat_map(|id| ["--only", id])
            .collect();
        let report = report(&sound.file, &only).unwrap();
        let failed = failed(&report);
        (!failed.is_empty()).then(|| format!("{kind}: {failed:?}\n{}", told(&report)))
    });
    assert!(noticed.is_empty(), "{}", noticed.join("\n\n"));
}

/// Each check has a fault that it must notice.
#[test]
fn no_check_is_left_out() {
    let listed = std::process::Command::new(bin_dir().join("netctl"))
        .args(["conformance", "--list", "-o", "json"])
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let listed: BTreeSet<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    let tried = FAULTS.iter().map(|(_, id, _)| *id);
    let tried: BTreeSet<_> = tried.chain(UNTRIED.iter().map(|(id, _)| *id)).collect();
    assert_eq!(listed, tried);
}
