//! Our speaker as a program of its own, with nothing else in it, so that its memory and its time are its own. What it
//! uses is taken from it and let go, as a daemon would take it.
//!
//! `fairway-bench-speaker ASN ROUTER ASN@ADDRESS…`: who it is, and its neighbours, which connect. It runs until it is killed.

use anyhow::{Context as _, Result, bail};
use fairway_bgp::attr::NextHop;
use fairway_bgp::policy::{Policy, Rule};
use fairway_bgp::session::config::{Peer, Settings};
use fairway_bgp::session::{Neighbour, RemoteAs, Speaker as Whose};
use fairway_bgp::table::{Filters, Settings as TableSettings};
use fairway_bgp::{Asn, RouterId};
use fairway_speaker::{Config, NextHops, Speaker, Wanted};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [own, router, neighbours @ ..] = &words[..] else {
        bail!("usage: fairway-bench-speaker ASN ROUTER ASN@ADDRESS…");
    };
    let router: Ipv4Addr = router.parse()?;
    let local = Whose {
        asn: asn(own)?,
        router: RouterId::new(router.to_bits()).context("no identifier")?,
    };
    let filters = open()?;
    let neighbours = neighbours.iter().map(|who| wanted(who, local, &filters));
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

fn asn(text: &str) -> Result<Asn> {
    Asn::new(text.parse()?).context("AS 0")
}

fn open() -> Result<Filters> {
    let all = |name: &str| Policy::new(name, [Rule::accept("all")]);
    Ok(Filters {
        import: Some(Arc::new(all("import")?)),
        export: Some(Arc::new(all("export")?)),
        needed: true,
    })
}

fn wanted(who: &str, local: Whose, filters: &Filters) -> Result<Wanted> {
    let (remote, address) = who.split_once('@').context("not ASN@ADDRESS")?;
    let peer = Peer::At(address.parse()?);
    let mut settings = Settings::new(peer, local, RemoteAs::Is(asn(remote)?));
    settings.passive = true;
    Ok(Wanted {
        name: address.to_owned(),
        neighbour: Neighbour::new(settings)?,
        filters: filters.clone(),
        client: false,
        enforce_first_as: true,
        next_hops: NextHops::default(),
    })
}
