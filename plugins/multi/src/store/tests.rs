use super::*;
use crate::network::Network;
use crate::wire::Wire;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

fn attachment(container: &str, ifname: &str) -> Attachment {
    Attachment {
        container_id: container.parse().unwrap(),
        ifname: ifname.parse().unwrap(),
    }
}

fn record(network: &str, container: &str, ifname: &str) -> Record {
    let raw = json!({"name": "a", "type": "x"});
    Record {
        network: network.parse().unwrap(),
        attachment: attachment(container, ifname),
        boot: "b".to_owned(),
        netns: "/n".to_owned(),
        identity: None,
        wires: vec![Wire {
            network: Network::read(&Object::root(raw.as_object().unwrap())).unwrap(),
            ifname: ifname.parse().unwrap(),
            title: "a".to_owned(),
            runtime: Map::new(),
            args: String::new(),
            field: String::new(),
            default_route: None,
        }],
        results: Vec::new(),
    }
}

fn store(root: &Path, network: &str) -> Store {
    Store::new(root.to_owned(), network.parse().unwrap())
}

#[test]
fn records_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("state");
    let own = store(&root, "net");
    let one = record("net", "c1", "eth0");
    assert_eq!(own.read(&one.attachment).unwrap(), None);
    assert_eq!(own.list().unwrap(), []);
    own.remove(&one.attachment).unwrap();
    own.write(&one).unwrap();
    // An interface's name may look like much.
    let odd = record("net", "c1", "a@b@c");
    own.write(&odd).unwrap();
    assert_eq!(own.read(&one.attachment).unwrap().as_ref(), Some(&one));
    assert_eq!(own.read(&odd.attachment).unwrap().as_ref(), Some(&odd));
    let listed = own.list().unwrap();
    assert_eq!(listed, [odd.attachment.clone(), one.attachment.clone()]);
    let other = record("other", "c1", "eth0");
    store(&root, "other").write(&other).unwrap();
    assert_eq!(own.others().unwrap(), std::slice::from_ref(&other));
    own.remove(&one.attachment).unwrap();
    own.remove(&one.attachment).unwrap();
    assert_eq!(own.read(&one.attachment).unwrap(), None);
    assert_eq!(own.list().unwrap(), [odd.attachment]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root.join("net")), 0o700);
    assert_eq!(mode(&root.join("net/c1@a@b@c")), 0o600);
}

#[test]
fn what_a_killed_one_left_is_found_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let own = store(dir.path(), "net");
    let one = record("net", "c1", "eth0");
    own.write(&one).unwrap();
    let half = dir.path().join("net/.new-c2@eth0");
    fs::write(&half, "{").unwrap();
    fs::write(dir.path().join("net/.new-c1@eth0"), "{").unwrap();
    fs::write(dir.path().join("net/else"), "").unwrap();
    let two = attachment("c2", "eth0");
    assert_eq!(own.list().unwrap(), [one.attachment.clone(), two.clone()]);
    assert_eq!(own.read(&two).unwrap(), None);
    own.remove(&two).unwrap();
    assert!(!half.exists());
    // The next one writes over it.
    own.write(&one).unwrap();
    assert_eq!(own.list().unwrap(), [one.attachment]);
}

#[test]
fn what_is_not_a_record_of_the_container_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let own = store(dir.path(), "net");
    let one = attachment("c1", "eth0");
    own.write(&record("net", "c1", "eth0")).unwrap();
    let file = dir.path().join("net/c1@eth0");
    for content in ["", "{", "[]", "{}", "{\"form\": 1}", "\u{0}"] {
        fs::write(&file, content).unwrap();
        assert!(
            matches!(own.read(&one), Err(Error::Damaged { .. })),
            "{content}"
        );
    }
    for other in [
        record("net", "c2", "eth0"),
        record("net", "c1", "eth1"),
        record("x", "c1", "eth0"),
    ] {
        fs::write(&file, other.to_json().to_string()).unwrap();
        let error = own.read(&one).unwrap_err().to_string();
        assert!(error.ends_with("is about another container"), "{error}");
    }
    // Nothing is read or written through a link.
    let elsewhere = dir.path().join("elsewhere");
    fs::write(
        &elsewhere,
        record("net", "c1", "eth0").to_json().to_string(),
    )
    .unwrap();
    for name in ["c1@eth0", ".new-c1@eth0"] {
        let name = dir.path().join("net").join(name);
        fs::remove_file(&name).ok();
        std::os::unix::fs::symlink(&elsewhere, name).unwrap();
    }
    assert!(matches!(own.read(&one), Err(Error::Io { .. })));
    assert!(matches!(
        own.write(&record("net", "c1", "eth0")),
        Err(Error::Io { .. })
    ));
}

#[test]
fn a_name_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let own = store(dir.path(), "net");
    for (length, ifname, fits) in [
        (245, "eth0", true),
        (246, "eth0", false),
        (234, "abcdefghijklmno", true),
        (235, "abcdefghijklmno", false),
    ] {
        let container = "c".repeat(length);
        let fit = own.must_fit(&attachment(&container, ifname));
        assert_eq!(fit.is_ok(), fits, "{length} {ifname}");
        let written = own.write(&record("net", &container, ifname));
        assert_eq!(written.is_ok(), fits, "{length} {ifname}");
    }
}
