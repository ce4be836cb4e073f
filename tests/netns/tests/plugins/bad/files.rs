//! The folder of addresses: read-only, full of rubbish, or no folder at all.

use super::Place;
use fairway_tests_netns::{Bed, Families, Outcome, Result, json};
use std::fs;

/// A file system that is mounted read-only, seen by the plugin alone.
fn on_read_only(bed: &Bed, place: &Place<'_>, verb: &str) -> Result<fairway_tests_netns::Value> {
    let data = bed.data().display().to_string();
    let program = fairway_tests_netns::plugin_dir();
    let script = format!(
        "mount --bind {data} {data} && mount -o remount,ro,bind {data} && exec {}/bridge",
        program.display()
    );
    let run = bed
        .node()
        .command("unshare")
        .args(["--mount", "--", "sh", "-ec", &script]);
    let run = run
        .env("CNI_COMMAND", verb)
        .env("CNI_CONTAINERID", "a")
        .env("CNI_IFNAME", "eth0");
    let run = run
        .env("CNI_NETNS", place.ns.path())
        .env("CNI_PATH", &program);
    let output = run
        .stdin(bed.conf("bridge", json!({})).to_string())
        .output()?;
    assert!(!output.stderr.contains("panicked"), "{output:?}");
    let answer: fairway_tests_netns::Value = output.stdout.parse().unwrap_or_default();
    assert_eq!(
        output.status.success(),
        answer["code"].is_null(),
        "{output:?}"
    );
    Ok(answer)
}

#[test]
fn read_only() -> Result {
    let bed = Bed::new()?;
    fs::create_dir_all(bed.data()).unwrap();
    let place = Place::new(&bed)?;
    let error = on_read_only(&bed, &place, "ADD")?;
    assert_eq!(error["code"], 5, "{error}");
    assert!(
        error["msg"]
            .as_str()
            .unwrap()
            .contains(&bed.data().display().to_string()),
        "{error}"
    );
    place.before.unchanged()?;
    let error = on_read_only(&bed, &place, "STATUS")?;
    assert_eq!(error["code"], 50, "{error}");
    Ok(())
}

/// An address that cannot be released stays taken and the DEL says so; the rest of it is done.
#[test]
fn read_only_on_del() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let cni = bed.cni("a", &place.ns, &bed.conf("bridge", json!({})));
    cni.add()?.ok()?;
    let error = on_read_only(&bed, &place, "DEL")?;
    assert_eq!(error["code"], 5, "{error}");
    assert!(fairway_tests_netns::link(&place.ns, "eth0").is_err());
    assert_eq!(bed.held("net").len(), 2);
    cni.del(None)?.ok()?;
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}

#[test]
fn a_file_where_the_folder_should_be() -> Result {
    let bed = Bed::new()?;
    let file = bed.scratch().join("file");
    fs::write(&file, "x").unwrap();
    let place = Place::new(&bed)?;
    let mut conf = bed.conf("bridge", json!({}));
    conf["ipam"]["dataDir"] = json!(file);
    let outcome = bed.cni("a", &place.ns, &conf).add()?;
    place.refused(&outcome, 5, &file.display().to_string())?;
    place.before.unchanged()
}

fn one_address(bed: &Bed) -> fairway_tests_netns::Value {
    let mut conf = bed.conf("bridge", json!({"ipam": bed.ipam(Families::V4)}));
    conf["ipam"]["ranges"] = json!([[{"subnet": "10.1.0.0/30", "gateway": "10.1.0.1"}]]);
    conf
}

/// What the reference plugin leaves when it is killed between creating a file and writing it: it blocks
/// the address for ever. Ours takes such an address back.
#[test]
fn half_written_address_files() -> Result {
    for content in ["", "\0\0\0\0\0\0\0\0"] {
        let bed = Bed::new()?;
        let folder = bed.data().join("net");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("10.1.0.2"), content).unwrap();
        let a = bed.add("a", &one_address(&bed))?;
        assert_eq!(a.v4(), "10.1.0.2");
        assert_eq!(
            fs::read_to_string(folder.join("10.1.0.2")).unwrap(),
            "a\r\neth0"
        );
        a.check()?;
        a.del()?;
        assert_eq!(bed.held("net"), [""; 0]);
    }
    Ok(())
}

/// Files of others, of older versions, and rubbish: never anybody's address twice, never a panic.
#[test]
fn strange_files() -> Result {
    let bed = Bed::new()?;
    let folder = bed.data().join("net");
    fs::create_dir_all(folder.join("10.1.0.3")).unwrap();
    for (name, content) in [
        ("10.1.0.2", "somebody-else\r\neth0"),
        ("10.1.0.4", "only-an-id"),
        ("10.1.0.5", "\u{1F6A2} no id at all / \n\n\n"),
        ("010.1.0.6", "a\r\neth0"),
        ("README", "a\r\neth0"),
        ("last_reserved_ip.0", "nonsense"),
        ("lock", "x"),
    ] {
        fs::write(folder.join(name), content).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", folder.join("10.1.0.6")).unwrap();
    let conf = bed.conf("bridge", json!({"ipam": bed.ipam(Families::V4)}));
    let a = bed.add("a", &conf)?;
    assert_eq!(a.v4(), "10.1.0.7");
    a.check()?;
    a.del()?;
    for name in [
        "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6", "README",
    ] {
        assert!(
            folder.join(name).symlink_metadata().is_ok(),
            "{name} was somebody else's"
        );
    }
    assert!(!folder.join("10.1.0.7").exists());
    Ok(())
}

fn full(outcome: &Outcome, place: &Place<'_>) -> Result {
    place.refused(outcome, 101, "10.1.0.2").map(drop)
}

#[test]
fn a_full_range() -> Result {
    let bed = Bed::new()?;
    let conf = one_address(&bed);
    let holder = bed.add("holder", &conf)?;
    let place = Place::new(&bed)?;
    for _ in 0..2 {
        full(&bed.cni("a", &place.ns, &conf).add()?, &place)?;
    }
    // Of two ranges one is full: the address of the other is given back.
    let mut two = bed.conf("bridge", json!({}));
    two["ipam"]["ranges"] =
        json!([[{"subnet": "10.2.0.0/24"}], [{"subnet": "10.1.0.0/30", "gateway": "10.1.0.1"}]]);
    full(&bed.cni("a", &place.ns, &two).add()?, &place)?;
    place.before.unchanged()?;
    holder.check()?;
    holder.del()?;
    bed.cni("a", &place.ns, &conf).add()?.ok().map(drop)
}
