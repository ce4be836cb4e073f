use super::*;
use fairway_lab::program;

struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["bin", "net.d"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Machine { dir }
    }

    fn plugin(&self, kind: &str, says: &str) {
        let file = self.dir.path().join("bin").join(kind);
        program(&file, &format!("#!/bin/sh\necho '{says}' >&2\n")).unwrap();
    }

    fn conf(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join("net.d").join(name), text).unwrap();
    }

    fn looked(&self) -> Vec<String> {
        let place = |name: &str| self.dir.path().join(name);
        let places = Places {
            plugins: vec![place("none"), place("bin")],
            configurations: place("net.d"),
            attached: place("attached"),
        };
        let line = |check: Check| {
            let text = check
                .text
                .replace(&self.dir.path().display().to_string(), "");
            format!("{} {}: {text}", check.state, check.name)
        };
        look(&places, "0.1.0").into_iter().map(line).collect()
    }
}

#[test]
fn plugins_of_other_versions_are_told() {
    let machine = Machine::new();
    assert_eq!(
        machine.looked(),
        [
            "warning plugins: none of Fairway's is in /none, /bin",
            "ok configurations: none in /net.d: no runtime attaches by it"
        ]
    );
    machine.plugin(
        "bridge",
        "CNI bridge plugin v1.9.0\nCNI protocol versions supported: 0.1.0",
    );
    assert!(machine.looked()[0].starts_with("warning plugins: none of"));
    machine.plugin(
        "bridge",
        "CNI bridge plugin 0.1.0 (Fairway)\nCNI protocol versions supported: 0.1.0",
    );
    assert_eq!(
        machine.looked()[0],
        "ok plugins: in /bin, of the daemon's version 0.1.0"
    );
    machine.plugin("ptp", "CNI ptp plugin 0.0.9 (Fairway)\n");
    assert_eq!(
        machine.looked()[0],
        "warning plugins: ptp of version 0.0.9, the daemon of 0.1.0"
    );
}

#[test]
fn configurations_are_read_as_runtimes_do() {
    let machine = Machine::new();
    machine.plugin("bridge", "CNI bridge plugin 0.1.0 (Fairway)");
    machine.plugin("host-local", "CNI host-local plugin 0.1.0 (Fairway)");
    let bridge = r#"{"type": "bridge", "ipam": {"type": "host-local"}}"#;
    machine.conf(
        "10-a.conflist",
        &format!(r#"{{"cniVersion": "1.0.0", "name": "a", "plugins": [{bridge}]}}"#),
    );
    machine.conf(
        "20-b.conf",
        r#"{"cniVersion": "1.0.0", "name": "b", "type": "calico"}"#,
    );
    machine.conf(
        "30-a.conf",
        r#"{"cniVersion": "1.0.0", "name": "a", "type": "bridge"}"#,
    );
    machine.conf("40-c.conflist", r#"{"name": "c", "plugins": []}"#);
    machine.conf("readme.txt", "{");
    let found = machine.looked();
    assert_eq!(
        found[1..4],
        [
            "ok configurations: 10-a.conflist is network a by bridge, host-local; 30-a.conf is network a by bridge",
            "failed configurations: 20-b.conf: plugin \"calico\" is in no folder of plugins: each ADD fails",
            "warning configurations: 30-a.conf and 10-a.conflist are both network \"a\"",
        ]
    );
    assert!(
        found[4].starts_with("failed configurations: /net.d/40-c.conflist: plugins"),
        "{found:?}"
    );
    assert_eq!(found.len(), 5);
}

#[test]
fn what_was_attached_and_is_gone_is_told() {
    let machine = Machine::new();
    let folder = machine.dir.path().join("attached/far");
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(machine.looked()[2], "ok attached: 0 by hand, all there");
    fs::write(
        folder.join("c1@eth1"),
        r#"{"form": 1, "network": "far", "containerID": "c1", "ifname": "eth1", "boot": "another",
            "netns": "/run/netns/c1", "wires": []}"#,
    )
    .unwrap();
    fs::write(folder.join("c2@eth1"), "{").unwrap();
    let found = machine.looked();
    assert!(
        found[2].starts_with("warning attached: /attached/far/c2@eth1: "),
        "{found:?}"
    );
    assert_eq!(
        found[3],
        "warning attached: c1 at eth1 of network far: the container is gone, and still has addresses"
    );
}

#[test]
fn a_plugin_that_does_not_end_is_not_waited_for_long() {
    let machine = Machine::new();
    machine.plugin("bridge", "");
    let file = machine.dir.path().join("bin/bridge");
    program(&file, "#!/bin/sh\nexec sleep 600\n").unwrap();
    let begun = Instant::now();
    assert_eq!(version(&file), None);
    // It would take ten minutes.
    assert!(begun.elapsed() < SAYS_WITHIN * 30);
    assert_eq!(version_said("(Fairway)"), None);
    assert_eq!(
        version_said("CNI x plugin 1.2 (Fairway) y"),
        Some("1.2".to_owned())
    );
}
