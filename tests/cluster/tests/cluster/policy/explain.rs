//! What is told of verdicts agrees with what packets meet.

use super::byhand::{netctl, prints};
use super::cases::{Case, mixed};
use super::objects::apply;
use super::table::{Table, What, Who};
use crate::support::eventually;
use anyhow::{Context, Result, ensure};
use fairway_api::admin::{Flow, FlowList, Party, PolicyExplain, PolicyExplained};
use fairway_tests_cluster::{Bed, Door, Plan, Protocol, on};

fn ask(door: &Door, from: Party, to: Party, what: What) -> Result<PolicyExplained> {
    let protocol = match what.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    Ok(door.explain(PolicyExplain {
        from,
        to,
        port: Some(what.port),
        protocol: protocol.to_owned(),
    })?)
}

/// Each direction that refuses names who decides.
fn agrees(case: &Case, told: &PolicyExplained, (from, to, what): (Who, Who, What)) -> Result<()> {
    let pair = format!("{} to {} by {what:?}", from.name(), to.name());
    let allowed = from == to || (case.expect)(from, to, what);
    ensure!((told.verdict == "allowed") == allowed, "{pair}: {told:#?}");
    let refused = told.directions.iter().filter(|one| one.verdict == "denied");
    ensure!(
        (refused.clone().count() > 0) != allowed,
        "{pair}: {told:#?}"
    );
    for direction in refused {
        let end = if direction.direction == "egress" {
            from
        } else {
            to
        };
        let named = direction
            .rules
            .iter()
            .any(|rule| direction.why.contains(&rule.policy));
        ensure!(named, "{pair}: {end:?}: {direction:#?}");
    }
    Ok(())
}

#[test]
fn explanations_agree_with_what_packets_meet() -> Result<()> {
    // Each drop is looked for, and a whole table of attempts is more than is told of in a second.
    let all = "[policy]\nsample = 0\nevents = 100000\n";
    on(&Plan::nodes(2).members(1).settings(all), |bed| {
        let table = Table::new(bed, 172)?;
        let case = mixed();
        apply(&bed.door(2), &(case.objects)(&table)?)?;
        table.settle(case.title, &case.expect)?;
        for from in &table.members {
            for to in &table.members {
                for what in What::all() {
                    let pair = (from.who, to.who, what);
                    let by_name = |who: Who| Party::Pod(who.name());
                    for node in [1, 2] {
                        let told = ask(&bed.door(node), by_name(from.who), by_name(to.who), what)?;
                        agrees(&case, &told, pair)?;
                    }
                    let told = ask(
                        &bed.door(1),
                        Party::Address(from.ip(what.v6)?),
                        Party::Address(to.ip(what.v6)?),
                        what,
                    )?;
                    agrees(&case, &told, pair)?;
                }
            }
        }
        drops(bed, &table)?;
        by_hand(bed)
    })
}

/// An attempt that was refused is told on the node of the endpoint that refused it.
fn drops(bed: &Bed, table: &Table) -> Result<()> {
    let list = FlowList {
        drops: true,
        ..FlowList::default()
    };
    // Who, to whom, on which node, in which direction, and because of what.
    let wanted = [
        ("y/b", "x/a", 1, "ingress", "not-allowed", "x/web"),
        ("z/b", "x/a", 1, "ingress", "denied", "no-z"),
        ("y/a", "z/c", 2, "egress", "not-allowed", "y/out"),
    ];
    for (from, to, node, direction, reason, policy) in wanted {
        let to_ip = table.member(to)?.ip(false)?;
        let from_ip = table.member(from)?.ip(false)?;
        table.settle("again", &mixed().expect)?;
        eventually("the drop is told", || {
            let flows = bed.door(node).flows(list.clone())?.flows;
            let endpoint = if direction == "ingress" { to } else { from };
            let found = |flow: &&Flow| {
                flow.verdict == "dropped"
                    && flow.direction == direction
                    && flow.reason == reason
                    && flow.endpoint == endpoint
                    && (flow.source, flow.destination) == (Some(from_ip), Some(to_ip))
                    && flow.source_name.as_deref() == Some(from)
                    && flow.destination_name.as_deref() == Some(to)
                    && flow
                        .rule
                        .as_deref()
                        .is_some_and(|rule| rule.contains(policy))
            };
            let last = flows.len().saturating_sub(10);
            ensure!(
                flows.iter().any(|flow| found(&flow)),
                "{from} to {to}: {:#?}",
                &flows[last..]
            );
            Ok(())
        })?;
    }
    Ok(())
}

/// The same by the administrator's program.
fn by_hand(bed: &Bed) -> Result<()> {
    let ask = |node, args: &[&str]| netctl(bed, node, args, "");
    let output = ask(2, &["policy", "explain", "z/b", "x/a", "80"])?;
    prints(
        &output,
        0,
        &["denied", "z/b", "x/a", "tcp 80", "no-z", "decides"],
    )?;
    let output = ask(1, &["policy", "explain", "y/a", "x/a", "80/tcp"])?;
    ensure!(output.stdout.starts_with("allowed"), "{output:?}");
    let output = ask(1, &["flows", "--drops"])?;
    prints(&output, 0, &["z/b", "x/a", "not-allowed", "denied", "no-z"])?;
    prints(&ask(1, &["policy", "ls"])?, 0, &["no-z", "x/web"])?;
    let output = ask(1, &["policy", "explain", "x/nobody", "x/a", "80"])?;
    prints(&output, 1, &["x/nobody"])?;
    let output = ask(1, &["policy", "status"])?;
    let line = output.stdout.lines().nth(1).context("a row")?.to_owned();
    ensure!(line.starts_with("yes") && line.contains('5'), "{output:?}");
    Ok(())
}
