//! What the node is told.

use anyhow::{Context as _, Result, ensure};
use fairway_bgp::attr::{AsPath, Attributes, NextHop, Origin};
use fairway_bgp::policy::Source;
use fairway_bgp::table::Settings;
use fairway_bgp::{Asn, Prefix, RouterId};
use fairway_speaker::{Config, Seen, Speaker, Which};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(30);

/// With nobody to speak with.
fn alone() -> Result<Speaker> {
    let asn = Asn::new(65_000).context("an AS")?;
    let router = RouterId::new(1).context("an identifier")?;
    let config = Config {
        settings: Settings::new(asn, router),
        listen: Vec::new(),
        neighbours: Vec::new(),
        record: None,
    };
    Ok(Speaker::start(config, |_: NextHop| Some(0))?)
}

/// A node that was busy reads late, and nothing else happens that would have it told.
#[test]
fn a_node_that_reads_late_is_told_all() -> Result<()> {
    let mut speaker = alone()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut untold = BTreeSet::new();
        for number in 0..100 {
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, number, 0));
            let prefix = Prefix::new(address, 24).context("a prefix")?;
            let attributes = Attributes::new(Origin::Igp, AsPath::default());
            speaker.originate(Source::Block, prefix, attributes).await?;
            untold.insert(prefix);
        }
        // It has taken up all that was said before.
        speaker.status().await?;
        while !untold.is_empty() {
            let changes = timeout(SOON, speaker.changes()).await;
            let changes = changes.with_context(|| format!("{untold:?} are not told"))??;
            for change in changes {
                untold.remove(&change.prefix);
            }
        }
        Ok(())
    })
}

/// Of more routes than are told of at once, each is there once, by prefix.
#[test]
fn a_long_list_is_whole() -> Result<()> {
    const ROUTES: u32 = 3_000;
    let speaker = alone()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut wanted = Vec::new();
        for number in 0..ROUTES {
            let address = Ipv4Addr::from_bits(0x0A00_0000 + (number << 8));
            let prefix = Prefix::new(address.into(), 24).context("a prefix")?;
            let attributes = Attributes::new(Origin::Igp, AsPath::default());
            speaker.originate(Source::Block, prefix, attributes).await?;
            wanted.push(prefix);
        }
        let shown = speaker.show(Which::Used).await?.context("a list")?;
        let found: Vec<Prefix> = shown.iter().map(|seen| seen.prefix).collect();
        ensure!(found == wanted, "{} of {ROUTES}", found.len());
        ensure!(shown.iter().all(|seen| seen.best && seen.why == "best"));
        // In parts, each as large as whoever asks wants it.
        let (mut all, mut after, mut parts) = (Vec::new(), None, 0);
        loop {
            let mut part = Vec::new();
            let take = |seen: Vec<Seen>| {
                part.extend(seen.iter().map(|seen| seen.prefix));
                part.len() < 1_000
            };
            let next = speaker.show_some(Which::Used, after, take).await?;
            ensure!(part.len() < 1_200, "a part of {}", part.len());
            all.extend(part);
            parts += 1;
            after = next.context("a list")?;
            if after.is_none() {
                break;
            }
        }
        ensure!(all == wanted && parts == 3, "{} in {parts}", all.len());
        let one = speaker.show(Which::To(wanted[7])).await?;
        let one = one.context("a list")?;
        ensure!(one.len() == 1 && one[0].prefix == wanted[7], "{one:?}");
        let stranger = IpAddr::V4(Ipv4Addr::LOCALHOST);
        ensure!(speaker.show(Which::Heard(stranger)).await?.is_none());
        Ok(())
    })
}
