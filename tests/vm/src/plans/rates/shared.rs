//! What a namespace has, its containers share.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fairway_lab::queue::Between;

use super::node::{MEGABIT, Pod, Queue, both, flows, free, load, on, until};
use super::tries::{one_of_three, tried};

const LIMIT: &str = "
apiVersion: fairway.network/v1alpha1
kind: RateLimit
metadata: {name: team}
spec: {per: Namespace, namespaces: [x], ingress: {rate: 40M}, egress: {rate: 40M}}
";
const BITS: u64 = 40 * MEGABIT;
const SECONDS: u32 = 8;
/// How long it is looked at what both have.
const LOOK: Duration = Duration::from_secs(4);

pub(super) fn by_a_namespace() -> Result<()> {
    on(|node| {
        let one = node.pod("one", both(30 * MEGABIT))?;
        let two = node.pod("two", free())?;
        let peer = node.pod_of("y", "peer", free())?;
        node.netctl("apply -f -", LIMIT)?;
        for (name, bits) in [("one", 30 * MEGABIT), ("two", BITS)] {
            let edt = |way: &str| (way.to_owned(), "edt".to_owned(), Some(bits));
            let rates = node.rates(name)?;
            ensure!(rates == [edt("egress"), edt("ingress")], "{rates:?}");
        }
        let out = [(&one, &peer), (&two, &peer)];
        one_of_three(|| together(out, [node.sends(&one), node.sends(&two)]))?;
        let back = [(&peer, &one), (&peer, &two)];
        one_of_three(|| together(back, [node.gets(&one), node.gets(&two)]))
    })
}

fn together(of: [(&Pod, &Pod); 2], queues: [Queue<'_>; 2]) -> Result<Result<()>> {
    let [first, second] = of;
    let first = load(first.0, first.1, 5201, SECONDS).start()?;
    let second = load(second.0, second.1, 5202, SECONDS).start()?;
    for queue in queues {
        flows(queue)?;
    }
    let begun = Instant::now();
    let before = [queues[0].left()?, queues[1].left()?];
    until(begun, LOOK)?;
    let after = [queues[0].left()?, queues[1].left()?];
    let each = [
        Between::of(before[0], after[0], BITS)?,
        Between::of(before[1], after[1], BITS)?,
    ];
    let least: f64 = each.iter().map(|one| one.least).sum();
    let most: f64 = each.iter().map(|one| one.most).sum();
    let [one, two] = each;
    let mut told = format!("together {least:.3} to {most:.3}, of that {one}, and {two}");
    for running in [first, second] {
        let rates = running.end()?;
        told += &format!(", {} of {} sent again", rates.retransmits, rates.segments);
    }
    eprintln!("{told}");
    ensure!(least < 1.03, "{told}");
    let fair = each.iter().all(|one| one.most >= most / 4.0);
    Ok(tried(most > 0.85 && fair, told))
}
