//! What is gone after a container, and after the daemon for good.

use super::stage::{MEGABIT, both, free, limit, link, on_beside, pod, row};
use crate::overlay::stage::network;
use crate::policy::byhand::{netctl, prints};
use crate::policy::objects::{apply, remove};
use crate::support::eventually;
use anyhow::{Result, ensure};
use fairway_api::admin::{Direction, RateList};
use fairway_lab::{Ns, json};
use fairway_tests_cluster::Plan;

/// What the kernel's own tool shows of queues and programs of rates.
fn shown(ns: &Ns, link: &str) -> Result<String> {
    let mut all = ns.run(&format!("tc qdisc show dev {link}"))?;
    for hook in ["ingress", "egress"] {
        all += &ns.run(&format!("tc filter show dev {link} {hook}"))?;
    }
    Ok(all)
}

fn is_limited(shown: &str) -> bool {
    ["fa17: root", "fairway/shape", "fairway/backstop"]
        .iter()
        .any(|ours| shown.contains(ours))
}

#[test]
fn nothing_of_a_limit_outlives_it() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 214, "always")?;
        let node = &bed.node(1).ns;
        let one = pod(bed, 1, ("x", "one"), both(20 * MEGABIT))?;
        let two = pod(bed, 1, ("x", "two"), free())?;
        let (first, second) = (link(&one)?, link(&two)?);
        ensure!(is_limited(&shown(node, &first)?) && is_limited(&shown(&one.ns, "eth0")?));
        ensure!(!is_limited(&shown(node, &second)?) && !is_limited(&shown(&two.ns, "eth0")?));
        // One that comes and goes while its container runs.
        let each = limit(
            "each",
            json!({"podSelector": {}, "ingress": {"rate": "9M"}, "egress": {"rate": "9M"}}),
        );
        apply(&bed.door(1), std::slice::from_ref(&each))?;
        eventually("it is there", || {
            ensure!(is_limited(&shown(node, &second)?) && is_limited(&shown(&two.ns, "eth0")?));
            Ok(())
        })?;
        remove(&bed.door(1), &[each])?;
        eventually("it is gone", || {
            let (host, inside) = (shown(node, &second)?, shown(&two.ns, "eth0")?);
            ensure!(!is_limited(&host) && !is_limited(&inside), "{host}{inside}");
            Ok(())
        })?;
        ensure!(row(bed, 1, "x/one", Direction::Ingress)?.rate == Some(20 * MEGABIT));
        one.del()?;
        two.del()?;
        eventually("nothing is listed", || {
            ensure!(bed.door(1).rate_list(RateList::default())?.is_empty());
            Ok(())
        })?;
        let records = bed.node(1).state().join("rates");
        eventually("nothing is written down", || {
            ensure!(std::fs::read_dir(&records)?.next().is_none());
            Ok(())
        })?;
        // What was is in the history.
        let told = netctl(bed, 1, &["rate", "history", "x/one"], "")?;
        prints(&told, 0, &["20Mbit", "bandwidth.ingressRate"])
    })
}
