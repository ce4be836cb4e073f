//! Several daemons and not enough blocks.

use crate::support::{create, eventually, in_state, in_step, ips, pod, pool, range};
use anyhow::{Result, ensure};
use fairway_api::admin::PoolRange;
use fairway_api::ipam::Allocated;
use fairway_tests_cluster::{Bed, Door, Plan, Stop, attachment, code, joined, on};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

/// ADDs until there is no more; "try again" is tried again, for a while.
fn all(door: &Door, tag: &str) -> Result<Vec<Allocated>> {
    let mut given = Vec::new();
    let mut again = 0;
    let never = Stop::default();
    loop {
        let name = format!("{}-{tag}{}", door.node, given.len());
        match door.add(&attachment(&name), pod("plain", &name)) {
            Ok(more) => given.push(more),
            Err(error) => match code(&error) {
                // Whoever is in the way takes its time, too.
                Some(11) if again < 20 => {
                    again += 1;
                    never.pause(Duration::from_millis(50));
                }
                Some(11 | 101) => return Ok(given),
                _ => return Err(error.into()),
            },
        }
        ensure!(given.len() < 512);
    }
}

fn both(bed: &Bed, tag: &str) -> Result<[Vec<Allocated>; 2]> {
    thread::scope(|scope| {
        let ask = |number| scope.spawn(move || all(&bed.door(number), tag));
        let (one, two) = (ask(1), ask(2));
        Ok([joined(one)?, joined(two)?])
    })
}

fn distinct(given: &[Vec<Allocated>]) -> Result<usize> {
    let all: Vec<IpAddr> = given.iter().flatten().flat_map(ips).collect();
    let distinct: BTreeSet<_> = all.iter().collect();
    ensure!(
        distinct.len() == all.len(),
        "an address was given twice: {all:?}"
    );
    Ok(all.len())
}

#[test]
fn two_nodes_race_for_the_last_blocks_and_none_is_left_unused() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let made = create(bed, pool("p", vec![range("10.82.0.0/26", 28)], 1))?;
        let size: usize = made.size.parse()?;
        let given = both(bed, "a")?;
        ensure!(distinct(&given)? == size, "{} of {size}", distinct(&given)?);
        let listed = in_step(bed)?;
        ensure!(in_state(&listed, "live").len() == size, "{listed:#?}");
        // What one of them lets go, the other can have, block or not.
        let n = given[0].len().min(10);
        for number in 0..n {
            bed.door(1).del(&attachment(&format!("n1-a{number}")))?;
        }
        let mut more = 0;
        eventually("n2 gets what n1 let go", || {
            more += all(&bed.door(2), &format!("m{more}-"))?.len();
            ensure!(more == n, "{more} of {n}");
            Ok(())
        })?;
        let listed = in_step(bed)?;
        ensure!(in_state(&listed, "live").len() == size, "{listed:#?}");
        Ok(())
    })
}

#[test]
fn whole_free_blocks_are_given_back_to_who_wants_one() -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        let made = create(bed, pool("p", vec![range("10.83.0.0/26", 28)], 1))?;
        let size: usize = made.size.parse()?;
        let given = all(&one, "a")?;
        ensure!(given.len() == size, "{} of {size}", given.len());
        for number in 0..size {
            one.del(&attachment(&format!("n1-a{number}")))?;
        }
        let mut got = Vec::new();
        eventually("n2 has all of the pool", || {
            let tag = format!("b{}-", got.len());
            got.push(all(&two, &tag)?);
            ensure!(distinct(&got)? == size, "{} of {size}", distinct(&got)?);
            Ok(())
        })?;
        eventually("n2 owns blocks that were n1's", || {
            let nodes = two.nodes()?;
            let blocks = |name: &str| {
                nodes
                    .iter()
                    .find(|node| node.name == name)
                    .map_or(0, |node| node.blocks)
            };
            ensure!(blocks("n2") >= 3, "{nodes:#?}");
            Ok(())
        })?;
        in_step(bed).map(drop)
    })
}

#[test]
fn one_address_can_be_borrowed_where_no_block_is_left() -> Result<()> {
    borrowed(range("10.84.0.0/28", 28))
}

#[test]
fn one_ipv6_address_can_be_borrowed_where_no_block_is_left() -> Result<()> {
    borrowed(range("fd00:84::/124", 124))
}

fn borrowed(only: PoolRange) -> Result<()> {
    on(&Plan::nodes(2).members(1), |bed| {
        let (one, two) = (bed.door(1), bed.door(2));
        // A single block: one of them owns it.
        create(bed, pool("p", vec![only], 1))?;
        let own = one.add(&attachment("own"), pod("plain", "own"))?;
        let lent = two.add(&attachment("lent"), pod("plain", "lent"))?;
        ensure!(own.addresses[0].ip != lent.addresses[0].ip);
        two.check(&attachment("lent"), &ips(&lent))?;
        // It is the container's for as long as it lives, whatever happens to either daemon.
        bed.daemons.iter().try_for_each(|daemon| daemon.kill())?;
        bed.daemons
            .iter()
            .try_for_each(|daemon| daemon.start_connected())?;
        two.check(&attachment("lent"), &ips(&lent))?;
        one.check(&attachment("own"), &ips(&own))?;
        let listed = in_step(bed)?;
        ensure!(in_state(&listed, "live").len() == 2, "{listed:#?}");
        two.del(&attachment("lent"))?;
        eventually("what was lent is back", || {
            let listed = in_step(bed)?;
            ensure!(listed.len() == 1, "{listed:#?}");
            Ok(())
        })
    })
}
