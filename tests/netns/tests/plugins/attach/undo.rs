//! What is taken away again: by a detach, by the attach that comes after one that was killed, and not where it is
//! somebody else's by now.

use super::{Ran, another, command, far, names, netctl, os, path, plugin, waiting};
use fairway_tests_netns::{Bed, Ns, Result, SOON, State, Value, plugin_dir, poll};
use std::{fs, os::unix::fs::symlink};

#[test]
fn one_that_was_killed_in_the_middle_is_put_right_by_the_next() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    far(&bed, Some("waiting"))?;
    let bin = bed.scratch().join("bin");
    waiting(&bed, &bin)?;
    let plugins = format!("{}:{}", bin.display(), plugin_dir().display());
    let line = format!("attach {} far", path(&ns));
    let run = |line: &str| -> Result<Ran> {
        let output = command(&bed, &plugins, line).output()?;
        Ok(Ran {
            status: output.status.code(),
            out: output.stdout,
            err: output.stderr,
        })
    };
    run(&line)?.ok()?;
    run(&format!("detach {}", path(&ns)))?.ok()?;
    let before = State::take(&bed, &[&ns])?;
    another(&bed, "other")?;
    for then in ["attach", "other", "detach"] {
        let scratch = bed.scratch().display().to_string();
        bed.node()
            .sh(&format!("rm -f {scratch}/reached; mkfifo {scratch}/fifo"))?;
        let killed = command(&bed, &plugins, &line).spawn()?;
        poll(SOON, "all before it is done", || {
            bed.scratch().join("reached").exists()
        })?;
        drop(killed);
        assert_eq!(names(&ns)?, ["lo", "eth1"], "the link is there");
        assert!(!bed.held("far").is_empty());
        fs::remove_file(bed.scratch().join("fifo")).map_err(os("a FIFO"))?;
        run(&format!("{line} --check"))?.refused("has not come to an end")?;
        if then == "other" {
            // It wants the very name that the one before has left.
            run(&format!("attach {} other", path(&ns)))?.ok()?;
            assert!(bed.held("far").is_empty(), "{:?}", bed.held("far"));
            assert_eq!(names(&ns)?, ["lo", "eth1"]);
        }
        if then == "attach" {
            let result = run(&line)?.ok()?;
            assert_eq!(result["ips"].as_array().map(Vec::len), Some(2));
            // No more than its own.
            assert_eq!(bed.held("far").len(), 2, "{:?}", bed.held("far"));
            run(&format!("{line} --check"))?.ok()?;
        }
        run(&format!("detach {}", path(&ns)))?.ok()?;
        before.unchanged()?;
    }
    Ok(())
}

#[test]
fn only_what_is_named_is_detached() -> Result {
    let bed = Bed::new()?;
    far(&bed, None)?;
    let (ns, other) = (bed.container()?, bed.container()?);
    another(&bed, "near")?;
    for (ns, line) in [
        (&ns, "far --ifname net1"),
        (&ns, "near --ifname net2"),
        (&other, "far --ifname net1"),
    ] {
        netctl(&bed, &format!("attach {} {line}", path(ns)))?.ok()?;
    }
    let detach = |line: &str| -> Result<Vec<Value>> {
        let gone = netctl(&bed, &format!("detach {} {line}", path(&ns)))?.ok()?;
        let gone = gone.as_array().into_iter().flatten();
        Ok(gone.map(|one| one["ifname"].clone()).collect())
    };
    assert!(detach("apps")?.is_empty());
    assert!(detach("far --ifname net2")?.is_empty());
    assert_eq!(names(&ns)?, ["lo", "net1", "net2"]);
    assert_eq!(detach("near")?, ["net2"]);
    assert_eq!(names(&ns)?, ["lo", "net1"]);
    netctl(&bed, &format!("attach {} near --ifname net2", path(&ns)))?.ok()?;
    assert_eq!(detach("--ifname net2")?, ["net2"]);
    assert_eq!(names(&ns)?, ["lo", "net1"]);
    assert_eq!(detach("")?, ["net1"]);
    assert_eq!((names(&ns)?.len(), names(&other)?.len()), (1, 2));
    netctl(&bed, &format!("detach {} far", path(&other)))?.ok()?;
    assert!(bed.held("far").is_empty(), "{:?}", bed.held("far"));
    Ok(())
}

#[test]
fn what_cannot_be_undone_stays_known_until_it_can() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    far(&bed, Some("failing"))?;
    let bin = bed.scratch().join("bin");
    let scratch = bed.scratch().display().to_string();
    let script = format!(
        "#!/bin/sh\ncat > /dev/null\n\
         if [ $CNI_COMMAND = ADD ] || [ -e {scratch}/stuck ]; then\n\
         echo '{{\"cniVersion\": \"1.1.0\", \"code\": 140, \"msg\": \"no\"}}'; exit 1; fi\n"
    );
    plugin(&bin, "failing", &script)?;
    let plugins = format!("{}:{}", bin.display(), plugin_dir().display());
    let run = |line: &str| -> Result<Ran> {
        let output = command(&bed, &plugins, line).output()?;
        Ok(Ran {
            status: output.status.code(),
            out: output.stdout,
            err: output.stderr,
        })
    };
    let records = || {
        let folder = fs::read_dir(bed.scratch().join("attached/far"));
        folder.map_or(0, Iterator::count)
    };
    let (attach, detach) = (
        format!("attach {} far", path(&ns)),
        format!("detach {}", path(&ns)),
    );
    bed.node().sh(&format!(": > {scratch}/stuck"))?;
    run(&attach)?.refused("left behind")?;
    assert_eq!(records(), 1);
    run(&detach)?.refused("no")?;
    assert_eq!(records(), 1);
    bed.node().sh(&format!("rm {scratch}/stuck"))?;
    assert_eq!(run(&detach)?.ok()?.as_array().map(Vec::len), Some(1));
    assert_eq!((records(), names(&ns)?.len()), (0, 1));
    // Where all of it is undone nothing is remembered.
    run(&attach)?.refused("no")?;
    assert_eq!((records(), names(&ns)?.len()), (0, 1));
    assert!(bed.held("far").is_empty(), "{:?}", bed.held("far"));
    Ok(())
}

/// After a boot, a namespace of the same path, device and inode is another one.
#[test]
fn what_was_attached_before_a_boot_is_not_there_any_more() -> Result {
    let bed = Bed::new()?;
    far(&bed, None)?;
    let ns = bed.container()?;
    let line = format!("attach {} far", path(&ns));
    netctl(&bed, &line)?.ok()?;
    netctl(&bed, &line)?.refused("already")?;
    let folder = bed.scratch().join("attached/far");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").map_err(os("the boot"))?;
    bed.node().sh(&format!(
        "sed -i 's/{}/{}/' {}/*",
        boot.trim(),
        "0".repeat(36),
        folder.display()
    ))?;
    netctl(&bed, &format!("{line} --check"))?.refused("gone")?;
    netctl(&bed, &line)?.ok()?;
    assert_eq!(bed.held("far").len(), 2, "{:?}", bed.held("far"));
    netctl(&bed, &format!("detach {}", path(&ns)))?.ok()?;
    assert!(bed.held("far").is_empty());
    Ok(())
}

#[test]
fn what_came_to_the_same_path_is_another_container_and_left_alone() -> Result {
    let bed = Bed::new()?;
    far(&bed, None)?;
    let (old, new) = (bed.container()?, bed.container()?);
    let place = bed.scratch().join("ns");
    let link = |ns: &Ns| {
        let _ = fs::remove_file(&place);
        symlink(ns.path(), &place).map_err(os("a link"))
    };
    link(&old)?;
    netctl(&bed, &format!("attach {} far", place.display()))?.ok()?;
    link(&new)?;
    // Somebody else's interface of that name.
    new.run("ip link add eth1 type bridge")?;
    let gone = netctl(&bed, &format!("detach {}", place.display()))?.ok()?;
    assert_eq!(gone.as_array().map(Vec::len), Some(1));
    assert_eq!(names(&new)?, ["lo", "eth1"]);
    assert!(bed.held("far").is_empty(), "{:?}", bed.held("far"));
    new.run("ip link del eth1")?;
    // The same where it is attached anew without a detach.
    netctl(&bed, &format!("attach {} far", place.display()))?.ok()?;
    link(&old)?;
    old.run("ip link del eth1 2> /dev/null").ok();
    netctl(&bed, &format!("attach {} far", place.display()))?.ok()?;
    assert_eq!(bed.held("far").len(), 2, "{:?}", bed.held("far"));
    netctl(&bed, &format!("detach {}", place.display()))?.ok()?;
    assert!(bed.held("far").is_empty());
    Ok(())
}
