//! What the node is told.

use anyhow::{Context as _, Result};
use fairway_bgp::attr::{AsPath, Attributes, NextHop, Origin};
use fairway_bgp::policy::Source;
use fairway_bgp::table::Settings;
use fairway_bgp::{Asn, Prefix, RouterId};
use fairway_speaker::{Config, Speaker};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);

/// A node that was busy reads late, and nothing else happens that would have it told.
#[test]
fn a_node_that_reads_late_is_told_all() -> Result<()> {
    let asn = Asn::new(65_000).context("an AS")?;
    let router = RouterId::new(1).context("an identifier")?;
    let config = Config {
        settings: Settings::new(asn, router),
        listen: Vec::new(),
        neighbours: Vec::new(),
        record: None,
    };
    let mut speaker = Speaker::start(config, |_: NextHop| Some(0))?;
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
