//! Our speaker in a process of its own, so that its memory and its time are its own. What it uses is taken from it and
//! let go, as a daemon would take it.

use super::crowd::{SINK, peer};
use super::handshake::Who;
use super::side::{ASN, ROUTER};
use anyhow::{Context as _, Result};
use fairway_bgp::attr::NextHop;
use fairway_bgp::policy::{Policy, Rule};
use fairway_bgp::session::config::{Peer, Settings};
use fairway_bgp::session::{Neighbour, RemoteAs, Speaker as Whose};
use fairway_bgp::table::{Filters, Settings as TableSettings};
use fairway_bgp::{Asn, RouterId};
use fairway_speaker::{Config, NextHops, Speaker, Wanted};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The name by which the process knows that it is the one; the number of peers follows.
pub(crate) const CHILD: &str = "bgp:speaker";

fn open() -> Result<Filters> {
    let all = |name: &str| Policy::new(name, [Rule::accept("all")]);
    Ok(Filters {
        import: Some(Arc::new(all("import")?)),
        export: Some(Arc::new(all("export")?)),
        needed: true,
    })
}

fn wanted(who: Who, local: Whose, filters: &Filters) -> Result<Wanted> {
    let asn = Asn::new(who.asn).context("AS 0")?;
    let peer = Peer::At(IpAddr::V4(who.address));
    let mut settings = Settings::new(peer, local, RemoteAs::Is(asn));
    settings.passive = true;
    Ok(Wanted {
        name: who.address.to_string(),
        neighbour: Neighbour::new(settings)?,
        filters: filters.clone(),
        client: false,
        enforce_first_as: true,
        next_hops: NextHops::default(),
    })
}

/// What the process does, until it is killed.
pub(crate) fn child(peers: &str) -> Result<()> {
    let peers: u32 = peers.parse()?;
    let local = Whose {
        asn: Asn::new(ASN).context("AS 0")?,
        router: RouterId::new(ROUTER.to_bits()).context("no identifier")?,
    };
    let filters = open()?;
    let all = (0..peers).map(peer).chain([SINK]);
    let neighbours = all.map(|who| wanted(who, local, &filters));
    let config = Config {
        settings: TableSettings::new(local.asn, local.router),
        listen: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 179))],
        neighbours: neighbours.collect::<Result<_>>()?,
        record: None,
    };
    let mut speaker = Speaker::start(config, |_: NextHop| Some(0))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        loop {
            drop(speaker.changes().await?);
        }
    })
}
