//! What a packet costs in the program, by `BPF_PROG_TEST_RUN`, with few rules and with many.
//!
//! A set's last verdict on a peer and a port is kept until the next epoch, so the same packet again and again would
//! measure that alone. What a set in audit says is never kept: with the same set in audit besides, each packet pays
//! for the whole search, and for what is kept on top of it.

use super::kernel::Kernel;
use super::world::{Case, Named, SIZES, entry};
use super::{frame, world};
use crate::figure::Bound;
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result, ensure};
use fairway_dataplane::abi::Config;
use fairway_dataplane::{Hook, Ran};
use fairway_lab::Ns;
use fairway_policy::input::EndpointId;

/// The loopback link, which is there in each namespace.
const LINK: u32 = 1;
const PASSES: u32 = Ran::NEXT;
const REPEAT: u32 = 500_000;
/// The flow that all is measured with.
const FLOW: u16 = 40_000;
/// First packets that make a flow's entry, each once.
const FIRST: std::ops::Range<u16> = 41_000..42_000;

/// What a packet is to the program.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A verdict each time, all of it looked up.
    Whole,
    /// A verdict each time, as it was kept from the last.
    Kept,
    /// One of a flow that is known.
    Established,
    /// Someone whom no rule lets in.
    Refused,
}

/// A case with all its rules in the kernel, and what it took.
struct Ready {
    case: Case,
    kernel: Kernel,
    took: [Vec<f64>; 4],
    first: Vec<f64>,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Whole, "a verdict"),
    (Kind::Kept, "a verdict that was kept"),
    (Kind::Established, "a packet of a known flow"),
    (Kind::Refused, "a refusal"),
];

/// The sizes take turns.
pub(super) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 2).max(9);
    let ns = Ns::new("verdict")?;
    ns.up("lo")?;
    ns.inside(|| {
        for case in Case::of(&[Named::Pods, Named::Blocks, Named::Mixed], 0) {
            let sizes = SIZES.map(|size| Case { size, ..case });
            println!("  {rounds} rounds of verdicts {} …", case.name());
            let mut all = sizes.into_iter().map(ready).collect::<Result<Vec<_>>>()?;
            for round in 0..rounds {
                for turn in 0..all.len() {
                    let at = (round + turn) % SIZES.len();
                    all[at].round()?;
                }
            }
            tell(report, &all);
        }
        Ok(())
    })?
}

/// One endpoint, at the loopback link.
pub(super) fn server(kernel: &mut Kernel, case: Case) {
    let id = EndpointId {
        node: "here".to_owned(),
        container: "server".to_owned(),
        ifname: "eth0".to_owned(),
        network: "net".to_owned(),
    };
    let macs = (frame::SERVER_MAC, frame::HOST_MAC);
    kernel.link(id, LINK, entry(&[case.family.server()], macs.0, macs.1));
}

fn ready(case: Case) -> Result<Ready> {
    let mut kernel = Kernel::new()?;
    server(&mut kernel, case);
    kernel.learn(case.inputs()?)?;
    let mut ready = Ready {
        case,
        kernel,
        took: Default::default(),
        first: Vec::new(),
    };
    ready.begin()?;
    Ok(ready)
}

impl Ready {
    /// The handshake of the flow.
    fn begin(&mut self) -> Result<()> {
        let family = self.case.family;
        let way = [
            (Hook::ToContainer, frame::request(family, FLOW, frame::SYN)),
            (
                Hook::FromContainer,
                frame::answer(family, FLOW, frame::SYN_ACK),
            ),
            (Hook::ToContainer, frame::request(family, FLOW, frame::ACK)),
        ];
        for (hook, packet) in way {
            let ran = self.kernel.data.test_run(hook, &packet, LINK, 1)?;
            ensure!(ran.verdict == PASSES, "{hook:?} answers {}", ran.verdict);
        }
        Ok(())
    }

    fn round(&mut self) -> Result<()> {
        for (at, (kind, _)) in KINDS.into_iter().enumerate() {
            let took = self.run(kind)?;
            self.took[at].push(took);
        }
        self.kernel.flags(0)?;
        let mut first = Vec::new();
        for port in FIRST {
            first.push(self.once(port)?);
        }
        self.kernel.data.remove_tracks_of(&[LINK].into())?;
        self.begin()?;
        self.first.push(Samples(first).median());
        Ok(())
    }

    /// The set besides as one in audit, or not.
    fn audit(&mut self, besides: bool) -> Result<()> {
        let endpoints = self.kernel.data.endpoints()?;
        let mut entry = *endpoints.get(&LINK).context("the endpoint is missing")?;
        entry.sets.ingress_audit = if besides { entry.sets.ingress } else { 0 };
        Ok(self.kernel.data.put_endpoint(LINK, &entry)?)
    }

    /// With another epoch: nothing is kept of the peer.
    fn once(&mut self, port: u16) -> Result<f64> {
        self.kernel.flags(0)?;
        let packet = frame::request(self.case.family, port, frame::SYN);
        let ran = self
            .kernel
            .data
            .test_run(Hook::ToContainer, &packet, LINK, 1)?;
        ensure!(ran.verdict == PASSES, "a first packet: {}", ran.verdict);
        Ok(ran.duration.as_nanos() as f64)
    }

    fn run(&mut self, kind: Kind) -> Result<f64> {
        let family = self.case.family;
        let (flags, port, verdict) = match kind {
            Kind::Whole | Kind::Kept => (Config::JUDGE_ALL, world::PORT, PASSES),
            Kind::Established => (0, world::PORT, PASSES),
            Kind::Refused => (0, world::PORT + 1, 2),
        };
        self.kernel.flags(flags)?;
        self.audit(matches!(kind, Kind::Whole))?;
        let mut packet = frame::request(family, FLOW, frame::ACK);
        if matches!(kind, Kind::Refused) {
            packet = frame::elsewhere(packet, family, port);
        }
        let data = &self.kernel.data;
        data.test_run(Hook::ToContainer, &packet, LINK, REPEAT / 100)?;
        let ran = data.test_run(Hook::ToContainer, &packet, LINK, REPEAT)?;
        ensure!(ran.verdict == verdict, "{kind:?}: {}", ran.verdict);
        Ok(ran.duration.as_nanos() as f64)
    }
}

fn tell(report: &mut Report, all: &[Ready]) {
    for (at, (_, what)) in KINDS.into_iter().enumerate() {
        for ready in all {
            let name = format!("{what}, {} rules {}", ready.case.size, ready.case.name());
            let bound = (at != 3).then_some(Bound::AtMost(300.0));
            report.figure(name, "ns", bound, ready.took[at].clone());
        }
        let [few, .., many] = all else { return };
        let measure = Measure {
            name: format!("{what} {}: 12,500 rules to 10", few.case.name()),
            unit: "ns",
            peer: "10 rules",
            better: Better::Less,
            target: Some(1.1),
            theirs: Samples(few.took[at].clone()),
            ours: Samples(many.took[at].clone()),
        };
        measure.tell();
        report.measures.push(measure);
    }
    for ready in all {
        let name = format!(
            "a flow's first packet, once, cold, {} rules {}",
            ready.case.size,
            ready.case.name()
        );
        report.figure(name, "ns", None, ready.first.clone());
    }
}
