//! What a packet costs in the program that keeps limits, by `BPF_PROG_TEST_RUN`: with one limited container, and with a
//! thousand.

use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Result, ensure};
use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, limit};
use std::time::Duration;

/// Containers, each with three limits: its own, its namespace's, its network's.
const MANY: u32 = 1_000;
const EACH: u32 = Slot::LIMITS as u32;
/// So few that what waits is never so much that any of it is dropped.
const REPEAT: u32 = 5_000;
/// Each from a limit of which nothing is used.
const PASSES: u32 = 40;
const ROUNDS: usize = 20;
const FRAME: usize = 1514;
const GOES_ON: i32 = -1;

/// (name, bits a second, how the slot is kept)
const KINDS: [(&str, u64, u32); 3] = [
    // 1514 bytes in 12 ns, which is less than the program takes.
    ("below the limit, edt", 1_000_000_000_000, Slot::DEPART),
    // 1.5 µs each: all but the first wait.
    ("that waits, edt", 8_000_000_000, Slot::DEPART),
    ("that waits, htb", 8_000_000_000, Slot::CLASSES),
];

/// One with a single container and one with many take turns.
pub(super) fn run(report: &mut Report) -> Result<()> {
    println!("  {ROUNDS} rounds of the program …");
    for (what, bits, flags) in KINDS {
        let sizes = [1, MANY].map(|containers| Bed::new(containers, bits, flags));
        let [few, many] = sizes;
        let beds = [few?, many?];
        let mut took: [Vec<f64>; 2] = Default::default();
        for round in 0..ROUNDS {
            for turn in 0..2 {
                let at = (round + turn) % 2;
                took[at].push(beds[at].run(bits < KINDS[0].1)?);
            }
        }
        let [theirs, ours] = took;
        let measure = Measure {
            name: format!("a packet {what}: {MANY} limited containers to 1"),
            unit: "ns",
            peer: "one limited container",
            better: Better::Less,
            target: Some(1.1),
            theirs: Samples(theirs),
            ours: Samples(ours),
        };
        measure.tell();
        report.measures.push(measure);
    }
    Ok(())
}

struct Bed {
    shaper: Shaper,
    containers: u32,
    allowance: Allowance,
    flags: u32,
    frame: Vec<u8>,
}

impl Bed {
    fn new(containers: u32, bits: u64, flags: u32) -> Result<Self> {
        let bed = Self {
            shaper: Shaper::load()?,
            containers,
            allowance: Allowance {
                bits,
                ..Allowance::default()
            },
            flags,
            frame: frame(),
        };
        for container in 0..containers {
            bed.begin(container)?;
            bed.shaper.set_slot(container + 1, &bed.slot(container))?;
        }
        Ok(bed)
    }

    fn slot(&self, container: u32) -> Slot {
        Slot {
            limits: std::array::from_fn(|at| container * EACH + 1 + at as u32),
            flags: self.flags,
            ..Slot::default()
        }
    }

    /// Nothing of its limits is used.
    fn begin(&self, container: u32) -> Result<()> {
        for number in self.slot(container).limits {
            self.shaper.begin_limit(number, &limit(&self.allowance))?;
        }
        Ok(())
    }

    /// ns a packet. A test runs for slot 0, which stands for another of the containers in each pass.
    fn run(&self, waits: bool) -> Result<f64> {
        let mut took = Duration::ZERO;
        let before = self.shaper.sent(0)?;
        for pass in 0..PASSES {
            let container = pass * self.containers / PASSES;
            self.begin(container)?;
            // As of a new link: one that lost a limit would look after the order of its flows for a while, which costs a
            // tenth, and only here are they changed all the time.
            self.shaper.begin_slot(0, &self.slot(container))?;
            let wire = FRAME as u32;
            let (shaped, each) = self.shaper.time_run(&self.frame, wire, 1, REPEAT)?;
            let verdict = shaped.verdict;
            ensure!(verdict == GOES_ON, "a packet's verdict: {verdict}");
            took += each;
        }
        let sent = self.shaper.sent(0)?;
        let waited = (sent.delayed - before.delayed) * 2 > u64::from(PASSES * REPEAT);
        ensure!(waited == waits && sent.dropped == 0, "{sent:?}");
        Ok(took.as_nanos() as f64 / f64::from(PASSES))
    }
}

/// UDP over IPv4, of a full frame.
fn frame() -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    frame[12..14].copy_from_slice(&[8, 0]);
    let total = (FRAME - 14) as u16;
    frame[14..34].copy_from_slice(&[
        0x45,
        0,
        (total >> 8) as u8,
        total as u8,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2,
    ]);
    frame[34..38].copy_from_slice(&[0x9c, 0x40, 0x14, 0x51]);
    frame
}
