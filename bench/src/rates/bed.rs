//! Containers on a bridge, of which one is limited: the reference's bridge and bandwidth, and ours.
//!
//! Everything stays in one machine's memory, so what limits is the plugin's doing and nothing else.

use crate::cni::side::{self, Side};
use anyhow::{Context as _, Result, ensure};
use fairway_lab::traffic::{Kind, Load};
use fairway_lab::{Ns, Value, json};
use std::net::IpAddr;

/// How long a load lasts.
pub(super) const SECONDS: u32 = 10;
const PORT: u16 = 5201;
/// Of the reference's bucket: two full frames, and where that is more what goes in a millisecond.
const LEAST_BURST: u64 = 2 * 1514 * 8;

/// Which way is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Egress,
    Ingress,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::Egress, Self::Ingress];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Egress => "sends",
            Self::Ingress => "gets",
        }
    }
}

/// A limit of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) megabits: u64,
    pub(super) way: Way,
}

/// A limited container, and one on the same bridge that is not.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) limited: Ns,
    free: Ns,
    addresses: [IpAddr; 2],
    pub(super) limit: Limit,
}

impl Lane {
    pub(super) fn load(&self, flows: u32) -> Load {
        let (limited, free) = (self.limited.clone(), self.free.clone());
        let [own, other] = self.addresses;
        let (from, to, address) = match self.limit.way {
            Way::Egress => (limited, free, other),
            Way::Ingress => (free, limited, own),
        };
        Load {
            from,
            to,
            address,
            port: PORT,
            kind: Kind::Tcp("cubic"),
            flows,
            seconds: SECONDS,
            reverse: false,
        }
    }

    /// The one that is not limited.
    pub(super) fn other(&self) -> IpAddr {
        self.addresses[1]
    }
}

/// One maker's lanes, in the order of the limits.
#[derive(Debug)]
pub(super) struct Bed {
    _side: Side,
    pub(super) lanes: Vec<Lane>,
}

/// The reference's first, then ours.
pub(super) fn both(limits: &[Limit]) -> Result<[Bed; 2]> {
    let [reference, ours] = side::both()?;
    Ok([
        Bed::new(reference, limits, true)?,
        Bed::new(ours, limits, false)?,
    ])
}

impl Bed {
    fn new(side: Side, limits: &[Limit], bucket: bool) -> Result<Self> {
        let mut lanes = Vec::new();
        for (at, limit) in limits.iter().enumerate() {
            let (limited, result, own) = attached(&side, &format!("limited{at}"))?;
            let (free, _, other) = attached(&side, &format!("free{at}"))?;
            chained(
                &side,
                (&format!("limited{at}"), &limited),
                (*limit, bucket),
                result,
            )?;
            lanes.push(Lane {
                limited,
                free,
                addresses: [own, other],
                limit: *limit,
            });
        }
        Ok(Self { _side: side, lanes })
    }
}

fn attached(side: &Side, id: &str) -> Result<(Ns, Value, IpAddr)> {
    let ns = side.lab.container()?;
    let result = side
        .call("ADD", &side.config(&json!({})), (id, &ns))?
        .result;
    let address = result["ips"][0]["address"].as_str().context("no address")?;
    let address = address.split('/').next().unwrap_or(address).parse()?;
    Ok((ns, result, address))
}

/// The second plugin of the list. The reference needs a burst; ours knows what suits the rate.
fn chained(
    side: &Side,
    container: (&str, &Ns),
    (limit, bucket): (Limit, bool),
    prev: Value,
) -> Result<()> {
    let rate = limit.megabits * 1_000_000;
    let (key, burst) = match limit.way {
        Way::Egress => ("egressRate", "egressBurst"),
        Way::Ingress => ("ingressRate", "ingressBurst"),
    };
    let mut config = json!({
        "cniVersion": "1.0.0", "name": "net", "type": "bandwidth", key: rate, "prevResult": prev,
    });
    if bucket {
        config[burst] = json!((rate / 1000).max(LEAST_BURST));
    }
    let added = side.call("ADD", &config, container)?;
    ensure!(
        added.result["ips"] == config["prevResult"]["ips"],
        "{}",
        added.result
    );
    Ok(())
}
