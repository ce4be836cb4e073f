//! Journals that are damaged, lost, or of another boot.

use crate::real::Container;
use crate::support::{create, dual, eventually, in_state, in_step, ips, pod};
use anyhow::{Result, ensure};
use fairway_tests_cluster::{Bed, Daemon, Plan, attachment, on};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

fn journal(daemon: &Daemon) -> Result<PathBuf> {
    let path = daemon.state().join("journal.redb");
    ensure!(path.exists(), "{} is not there", path.display());
    Ok(path)
}

/// What spoils a journal.
fn spoil(path: &Path, how: &str) -> Result<()> {
    let mut bytes = fs::read(path)?;
    match how {
        "gone" => return Ok(fs::remove_file(path)?),
        "empty" => bytes.clear(),
        "noise" => bytes
            .iter_mut()
            .enumerate()
            .for_each(|(n, b)| *b ^= (n % 251) as u8),
        "short" => bytes.truncate(bytes.len() / 2),
        "rotten" => {
            // Everything but the head, which says what kind of file it is.
            let from = bytes.len().min(4096);
            bytes[from..]
                .iter_mut()
                .for_each(|b| *b = b.wrapping_mul(7).wrapping_add(3));
        }
        other => anyhow::bail!("no way to spoil by {other}"),
    }
    Ok(fs::write(path, bytes)?)
}

fn survives(how: &str, net: u8) -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.node(1), bed.node(2));
        create(bed, dual("p", net, 27, 1))?;
        let held: Vec<_> = (0..4)
            .map(|n| Container::add(bed, one, &format!("h{n}")))
            .collect::<Result<_>>()?;
        let gone = Container::add(bed, one, "gone")?;
        let early = Container::add(bed, one, "early")?;
        gone.del()?.ok()?;
        two.door().add(&attachment("two"), pod("plain", "two"))?;
        in_step(bed)?;
        one.kill()?;
        spoil(&journal(one)?, how)?;
        one.start_connected()?;
        if how != "gone" {
            one.says("journal")?;
            aside(one)?;
        }
        // Its DEL may come before the blocks are taken over.
        early.del()?.ok()?;
        held.iter().try_for_each(checked)?;
        let had: Vec<IpAddr> = held
            .iter()
            .map(Container::given)
            .collect::<Result<Vec<_>>>()?
            .concat();
        nobody_gets(bed, &had)?;
        held.iter().try_for_each(Container::whole)?;
        for container in &held {
            container.del()?.ok()?;
        }
        eventually("all is free", || {
            let rows = in_step(bed)?;
            let live = in_state(&rows, "live").len();
            ensure!(live == 2, "{rows:#?}");
            Ok(())
        })
    })
}

/// The container runs on, and CHECK says so, at the latest when the node has taken its blocks over.
fn checked(container: &Container) -> Result<()> {
    eventually("CHECK is good", || {
        let (given, shown) = (container.given()?, container.shown()?);
        assert_eq!(given, shown, "the kernel's word is not to change");
        container.whole()
    })
}

/// The damaged file is set aside and not deleted: somebody may want to know.
fn aside(daemon: &Daemon) -> Result<()> {
    let names: Vec<_> = fs::read_dir(daemon.state())?
        .flatten()
        .map(|e| e.file_name())
        .collect();
    let kept = names.iter().filter_map(|name| name.to_str());
    let kept = kept
        .filter(|name| name.starts_with("journal") && *name != "journal.redb")
        .count();
    ensure!(kept > 0, "{names:?}");
    Ok(())
}

/// Both nodes ask for all that the pool has.
fn nobody_gets(bed: &Bed, had: &[IpAddr]) -> Result<()> {
    let mut number = 0;
    for daemon in &bed.daemons {
        eventually("it gives addresses", || {
            number += 1;
            let name = format!("x{number}");
            let given = daemon.door().add(&attachment(&name), pod("plain", &name));
            let full = given
                .as_ref()
                .is_err_and(|error| fairway_tests_cluster::code(error) == Some(101));
            if let Ok(given) = &given {
                ensure!(
                    !ips(given).iter().any(|ip| had.contains(ip)),
                    "{given:?} is another's"
                );
            }
            ensure!(given.is_ok() || full, "{given:?}");
            // Until the pool has no more.
            ensure!(full, "not full yet");
            Ok(())
        })?;
    }
    let mut live = 0;
    for n in 1..=number {
        for daemon in &bed.daemons {
            live += daemon
                .door()
                .del(&attachment(&format!("x{n}")))?
                .addresses
                .len();
        }
    }
    ensure!(
        live >= 10,
        "only {live} addresses were had, which proves little"
    );
    Ok(())
}

#[test]
fn a_journal_of_noise_is_rebuilt() -> Result<()> {
    survives("noise", 40)
}

#[test]
fn a_journal_that_is_rotten_inside_is_rebuilt() -> Result<()> {
    survives("rotten", 41)
}

#[test]
fn a_journal_cut_short_is_rebuilt() -> Result<()> {
    survives("short", 42)
}

#[test]
fn an_empty_journal_is_rebuilt() -> Result<()> {
    survives("empty", 43)
}

#[test]
fn a_journal_that_is_gone_is_rebuilt() -> Result<()> {
    survives("gone", 44)
}
