//! The daemon keeps rates by departure times where the kernel has fq: it says so, the kernel shows it, they hold,
//! and nothing waits long.

use anyhow::{Result, ensure};
use fairway_lab::traffic::{Load, Pings};

use super::node::{MEGABIT, both, free, load, on};
use super::tries::{one_of_three, tried};

const SECONDS: u32 = 4;

pub(super) fn by_departures() -> Result<()> {
    on(|node| {
        let one = node.pod("one", both(10 * MEGABIT))?;
        let two = node.pod("two", free())?;
        let fast = node.pod("fast", both(100 * MEGABIT))?;
        for (name, bits) in [("one", 10 * MEGABIT), ("fast", 100 * MEGABIT)] {
            let edt = |way: &str| (way.to_owned(), "edt".to_owned(), Some(bits));
            let rates = node.rates(name)?;
            ensure!(rates == [edt("egress"), edt("ingress")], "{rates:?}");
        }
        for pod in [&one, &fast] {
            for queue in [node.sends(pod), node.gets(pod)] {
                ensure!(queue.is_fair()?, "{}", queue.shown()?);
            }
        }
        for queue in [node.sends(&two), node.gets(&two)] {
            ensure!(queue.is_bare()?, "{}", queue.shown()?);
        }
        for (pod, bits) in [(&one, 10 * MEGABIT), (&fast, 100 * MEGABIT)] {
            holds("out", &load(pod, &two, 5201, SECONDS), bits)?;
            holds("in", &load(&two, pod, 5201, SECONDS), bits)?;
        }
        Ok(())
    })
}

/// It does, and pings beside the load are quick.
fn holds(what: &str, load: &Load, bits: u64) -> Result<()> {
    one_of_three(|| {
        let pings = Pings::start(&load.from, load.address)?;
        let rates = load.run()?;
        let pings = pings.end()?;
        let ping = pings[pings.len() / 2];
        let of = |rate: f64| rate / bits as f64;
        let (first, whole) = (of(rates.first()), of(rates.whole()));
        let told = format!(
            "{what}, {bits} bit/s: first second {first:.3}, whole {whole:.3}, {} of {} sent again, ping {ping:.2} ms",
            rates.retransmits, rates.segments
        );
        eprintln!("{told}");
        ensure!(first < 1.1 && whole < 1.03, "{told}");
        let good = whole > 0.97 && rates.retransmitted() < 0.001 && ping < 10.0;
        Ok(tried(good, told))
    })
}
