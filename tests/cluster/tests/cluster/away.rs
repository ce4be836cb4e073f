//! The store is away: nodes go on inside their blocks, and are in step when it is back.

use crate::support::{create, dual, eventually, in_state, in_step, ips, pod, refused};
use anyhow::{Context, Result, ensure};
use fairway_api::{
    Client, Method,
    admin::{AddressRow, IpamList},
    ipam::{Allocated, Attachment, StatusQuery},
};
use fairway_tests_cluster::{Bed, Cut, Door, Plan, Stop, attachment, on};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

fn seconds() -> u64 {
    let given = std::env::var("FAIRWAY_CUT_SECONDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// So long do addresses rest.
const REST: Duration = Duration::from_secs(1);

/// What each node's containers have.
type Held = BTreeMap<(String, Attachment), Vec<IpAddr>>;

/// An ADD, whose addresses nobody has.
fn add(door: &Door, held: &mut Held, name: &str) -> Result<Allocated> {
    let who = attachment(&format!("{}-{name}", door.node));
    let given = door.add(&who, pod("plain", name))?;
    let other = held.values().flatten().find(|ip| ips(&given).contains(ip));
    ensure!(other.is_none(), "{other:?} is given twice");
    held.insert((door.node.clone(), who), ips(&given));
    Ok(given)
}

fn del(door: &Door, held: &mut Held, name: &str) -> Result<()> {
    let who = attachment(&format!("{}-{name}", door.node));
    door.del(&who)?;
    held.remove(&(door.node.clone(), who))
        .context("it was there")?;
    Ok(())
}

#[test]
fn nodes_go_on_in_their_blocks_while_the_store_is_away() -> Result<()> {
    on(&Plan::nodes(2), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        create(bed, dual("p", 6, 25, REST.as_secs()))?;
        let mut held = Held::new();
        add(&one, &mut held, "first")?;
        add(&two, &mut held, "first")?;
        in_step(bed)?;
        cut(bed)?;
        // What a node knew last can still be looked at, and that it is old is said.
        for daemon in &bed.daemons {
            let list = Method::IpamList(IpamList::default());
            let mut notes = Vec::new();
            let mut client = Client::connect(&daemon.door().socket, Duration::from_secs(5))?;
            let rows: Vec<AddressRow> = client.call_with(list, |note| notes.push(note.clone()))?;
            ensure!(!rows.is_empty(), "{} shows nothing", daemon.name);
            ensure!(
                notes
                    .iter()
                    .any(|note| note.is_note() && note.what.contains("knew last")),
                "{}: {notes:?}",
                daemon.name
            );
        }
        let end = Instant::now() + Duration::from_secs(seconds());
        let mut round = 0;
        while Instant::now() < end {
            let doors = [&one, &two];
            for door in doors {
                add(door, &mut held, &format!("r{round}"))
                    .with_context(|| format!("round {round}"))?;
                door.status(StatusQuery::default())
                    .context("STATUS with free addresses")?;
                if round >= 3 {
                    del(door, &mut held, &format!("r{}", round - 3))?;
                }
            }
            round += 1;
            Stop::default().pause(Duration::from_millis(500));
        }
        // A daemon that is killed now starts from its journal alone.
        bed.node(1).kill()?;
        bed.node(1).start()?;
        used_up(&one, &mut held)?;
        for ((node, who), addresses) in &held {
            let door = if *node == one.node { &one } else { &two };
            door.check(who, addresses)
                .with_context(|| format!("{who:?} on {node}"))?;
        }
        bed.daemons
            .iter()
            .try_for_each(|daemon| daemon.cable.mend())?;
        bed.daemons
            .iter()
            .try_for_each(|daemon| daemon.connected())?;
        listed(bed, &held)?;
        add(&one, &mut held, "afterwards")?;
        listed(bed, &held)
    })
}

fn cut(bed: &Bed) -> Result<()> {
    for (daemon, how) in bed.daemons.iter().zip([Cut::Silent, Cut::Carrier]) {
        daemon.cable.cut(how)?;
    }
    for daemon in &bed.daemons {
        let notices = || {
            ensure!(
                !daemon.door().info()?.connected,
                "{} does not notice",
                daemon.name
            );
            Ok(())
        };
        eventually("the store is seen to be away", notices)?;
    }
    Ok(())
}

/// All that the node's blocks have, and then the codes of one that is used up; one that goes makes room.
fn used_up(door: &Door, held: &mut Held) -> Result<()> {
    let (mut number, mut had) = (0, Instant::now());
    let full = loop {
        match add(door, held, &format!("u{number}")) {
            Ok(_) => (number, had) = (number + 1, Instant::now()),
            // What rests from before is free in its turn.
            Err(_) if had.elapsed() < REST * 3 => {
                Stop::default().pause(Duration::from_millis(100));
            }
            Err(error) => break error,
        }
        ensure!(number <= 128, "more than the pool has");
    };
    ensure!(number > 0, "nothing was left in the blocks: {full:#}");
    refused(
        door.add(&attachment("full"), pod("plain", "full")),
        11,
        &["store"],
    )?;
    refused(door.status(StatusQuery::default()), 51, &[])?;
    del(door, held, "u0")?;
    // It rests first.
    eventually("the address that was freed can be had", || {
        add(door, held, "again").map(drop)
    })?;
    refused(door.status(StatusQuery::default()), 51, &[])?;
    del(door, held, "again")?;
    eventually("STATUS is good again", || {
        Ok(door.status(StatusQuery::default()).map(drop)?)
    })
}

/// Every list has what is held, as live, and no more of that.
fn listed(bed: &Bed, held: &Held) -> Result<()> {
    let mut wanted: Vec<IpAddr> = held.values().flatten().copied().collect();
    wanted.sort_unstable();
    eventually("what is held is listed", || {
        let rows = in_step(bed)?;
        let live: Vec<_> = in_state(&rows, "live").iter().map(|row| row.ip).collect();
        ensure!(live == wanted, "listed: {live:?}, held: {wanted:?}");
        Ok(())
    })
}
