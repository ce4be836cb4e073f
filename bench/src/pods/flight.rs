//! ADDs called directly, as a runtime calls them, and so many of them at a time.
//!
//! With more in flight than the machine has cores an ADD waits for the others: with N at a time and R done in a second each
//! takes N/R on average, whatever it does by itself. So they are measured one at a time, too.

use super::floor::Floor;
use super::raw::Raw;
use super::{AT_A_TIME, PODS, overlay};
use crate::cni::burst::unique;
use crate::cni::many::all;
use crate::cni::side::{Call, Side};
use crate::ipam::daemon::Daemon;
use anyhow::Result;
use fairway_etcd_bed::{Cluster, Options, Seat};
use fairway_lab::{Ns, Value, json, reference_dir};
use fairway_tests_interop::host::Host;
use std::net::Ipv4Addr;
use std::time::Instant;

const PART: &str = "flight";
/// A bare pair of links.
pub(super) const FLOOR: &str = "floor";
/// How many at a time, on their own turns.
pub(super) const DEPTHS: [usize; 3] = [1, 8, AT_A_TIME];

/// A node of its own, and namespaces for 250 containers.
#[derive(Debug)]
pub(super) struct Bed {
    pub(super) name: &'static str,
    // In the order in which they are to go.
    pub(super) daemon: Option<Daemon>,
    _etcd: Option<Cluster>,
    spaces: Vec<Ns>,
    _far: Option<Ns>,
    side: Side,
    config: Value,
}

impl Bed {
    fn new(name: &'static str, side: Side, config: Value) -> Result<Self> {
        let spaces = (0..PODS).map(|_| side.lab.container());
        Ok(Self {
            name,
            daemon: None,
            _etcd: None,
            spaces: spaces.collect::<Result<_, _>>()?,
            _far: None,
            side,
            config,
        })
    }

    /// The reference's bridge or ours, with host-local, masquerading.
    fn bridge(name: &'static str, side: Side) -> Result<Self> {
        let config = side.config(&json!({"ipMasq": true}));
        Self::new(name, side, config)
    }

    /// The overlay, with a daemon on its own store or on an etcd of one member.
    pub(super) fn overlay(name: &'static str, host: &Host, on_etcd: bool) -> Result<Self> {
        let mut side = Side::new(host.plugins().dir().to_owned())?;
        let far = overlay::underlay(&side.lab, side.lab.node())?;
        let (node, folder) = (side.lab.node().clone(), side.lab.scratch().to_owned());
        let mut etcd = None;
        let daemon = match on_etcd {
            false => Daemon::alone(&node, &folder)?,
            true => {
                let ip = Ipv4Addr::LOCALHOST.into();
                let seat = Seat {
                    ns: node.clone(),
                    ip,
                };
                let cluster = etcd.insert(Cluster::start(Options::seats([seat]))?);
                let store = format!("etcd:{}", cluster.endpoints().join(","));
                Daemon::start(&node, &folder, "two", &store)?
            }
        };
        overlay::network(&daemon)?;
        side.env = vec![
            ("FAIRWAY_SOCKET", daemon.socket.clone().into()),
            ("FAIRWAY_STATE_DIR", daemon.state.clone().into()),
        ];
        let mut config = overlay::plugin();
        config["cniVersion"] = json!("1.0.0");
        config["name"] = json!("net");
        Ok(Self {
            daemon: Some(daemon),
            _etcd: etcd,
            _far: Some(far),
            ..Self::new(name, side, config)?
        })
    }

    /// ADD of all containers; an address that is given twice ends the run.
    pub(super) fn add(&self, at_a_time: usize) -> Result<Vec<Call>> {
        let added = all(
            &self.side,
            ("ADD", "f"),
            &self.config,
            &self.spaces,
            at_a_time,
        )?;
        unique(&added, PODS)?;
        Ok(added)
    }

    fn del(&self) -> Result<()> {
        let verb = ("DEL", "f");
        all(&self.side, verb, &self.config, &self.spaces, AT_A_TIME).map(drop)
    }
}

/// By turns; the first round makes what is the node's and is not counted.
pub(super) fn run(host: &Host, rounds: usize, raw: &mut Raw) -> Result<()> {
    let ours = || Side::new(host.plugins().dir().to_owned());
    let beds = [
        Bed::bridge("reference", Side::new(reference_dir())?)?,
        Bed::bridge("bridge", ours()?)?,
        Bed::overlay("overlay", host, false)?,
        Bed::overlay("etcd", host, true)?,
    ];
    let floor = Floor::new()?;
    let wanted = |bed: &&Bed| crate::named("FAIRWAY_BENCH_SIDES", bed.name);
    let beds: Vec<_> = beds.iter().filter(wanted).collect();
    for round in 0..=rounds {
        for depth in DEPTHS {
            let times = floor.add(depth)?;
            if round > 0 {
                raw.spread(PART, FLOOR, &depth.to_string(), times);
            }
            floor.del(AT_A_TIME)?;
        }
        for turn in 0..beds.len() {
            let bed = beds[(round + turn) % beds.len()];
            for depth in DEPTHS {
                let begin = Instant::now();
                let added = bed.add(depth)?;
                let seconds = begin.elapsed().as_secs_f64();
                let times: Vec<_> = added.iter().map(Call::wall_ms).collect();
                if round > 0 {
                    let side = bed.name;
                    raw.note(PART, side, &format!("{depth} wall"), seconds);
                    raw.spread(PART, side, &depth.to_string(), times);
                }
                eprintln!(
                    "    {}: {PODS}, {depth} at a time: {seconds:.2} s",
                    bed.name
                );
                bed.del()?;
            }
        }
    }
    Ok(())
}
