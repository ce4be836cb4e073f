//! Who breaks the cluster while it works: one thing at a time, and mends it again.

use crate::history::Recorder;
use crate::rest::{Dice, Stop};
use crate::{Bed, Cut, Daemon};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::time::Duration;

/// What can be done to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of the member that leads; it comes back.
    LeaderKilled,
    /// SIGSTOP of a member.
    MemberStopped,
    /// The wire of a member.
    MemberCut(Cut),
    /// Two members at once: nothing can be written.
    QuorumLost,
    /// SIGKILL of a daemon; it comes back.
    DaemonKilled,
    /// SIGKILL of all daemons, as when a rack loses power.
    AllKilled,
    /// SIGSTOP of a daemon, shorter than its clients' patience.
    DaemonStopped,
    /// The wire of a node.
    NodeCut(Cut),
}

/// All of them; what the issue names stands twice.
pub const FAULTS: [Fault; 14] = [
    Fault::LeaderKilled,
    Fault::LeaderKilled,
    Fault::MemberStopped,
    Fault::MemberStopped,
    Fault::MemberCut(Cut::Carrier),
    Fault::MemberCut(Cut::Silent),
    Fault::QuorumLost,
    Fault::DaemonKilled,
    Fault::DaemonKilled,
    Fault::DaemonKilled,
    Fault::AllKilled,
    Fault::DaemonStopped,
    Fault::NodeCut(Cut::Carrier),
    Fault::NodeCut(Cut::Silent),
];

/// Breaks things until told to end; all is mended when this returns. Each fault comes once before any
/// comes again. A fault lasts for a second at least and `longest` at most.
///
/// # Errors
/// Where a thing cannot be broken or mended, such as a daemon that does not start again.
pub fn rage(
    bed: &Bed,
    recorder: &Recorder,
    stop: &Stop,
    longest: Duration,
    mut dice: Dice,
) -> Result<()> {
    let mut left = Vec::new();
    while !stop.pause(dice.millis(300, 1500)) {
        if left.is_empty() {
            left = FAULTS.to_vec();
        }
        let fault = left.swap_remove(dice.below(left.len()));
        let most = u64::try_from(longest.as_millis())?;
        let during = dice.millis(1000, most);
        strike(bed, fault, during, recorder, stop, &mut dice)
            .with_context(|| format!("{fault:?}"))?;
    }
    Ok(())
}

fn strike(
    bed: &Bed,
    fault: Fault,
    during: Duration,
    recorder: &Recorder,
    stop: &Stop,
    dice: &mut Dice,
) -> Result<()> {
    let member = dice.below(bed.etcd.len());
    let daemon = dice.one(&bed.daemons);
    let note = |what: &str, of: &str| recorder.fault(format!("{fault:?} {of}: {what}"));
    let m = format!("m{member}");
    match fault {
        Fault::LeaderKilled => {
            let leader = bed.etcd.leader()?;
            note("begins", &format!("m{leader}"))?;
            bed.etcd.kill(leader)?;
            stop.pause(during);
            bed.etcd.restart(leader)?;
            bed.etcd.wait_ready(Duration::from_secs(60))?;
        }
        Fault::MemberStopped => {
            note("begins", &m)?;
            bed.etcd.stop(member)?;
            stop.pause(during);
            bed.etcd.cont(member)?;
            bed.etcd.wait_ready(Duration::from_secs(60))?;
        }
        Fault::MemberCut(how) => {
            note("begins", &m)?;
            bed.wires[member].cut(how)?;
            stop.pause(during);
            bed.wires[member].mend()?;
            bed.etcd.wait_ready(Duration::from_secs(60))?;
        }
        Fault::QuorumLost => {
            note("begins", &m)?;
            let others = (0..bed.etcd.len()).filter(|other| *other != member);
            let others: Vec<_> = others.collect();
            others.iter().try_for_each(|other| bed.etcd.kill(*other))?;
            stop.pause(during);
            others
                .iter()
                .try_for_each(|other| bed.etcd.restart(*other))?;
            bed.etcd.wait_ready(Duration::from_secs(60))?;
        }
        Fault::DaemonKilled => {
            note("begins", &daemon.name)?;
            daemon.kill()?;
            stop.pause(during / 2);
            daemon.start()?;
        }
        Fault::AllKilled => {
            note("begins", "")?;
            bed.daemons.iter().try_for_each(Daemon::kill)?;
            bed.daemons.iter().try_for_each(Daemon::start)?;
        }
        Fault::DaemonStopped => {
            note("begins", &daemon.name)?;
            daemon.signal(Signal::SIGSTOP)?;
            stop.pause(during);
            daemon.signal(Signal::SIGCONT)?;
        }
        Fault::NodeCut(how) => {
            note("begins", &daemon.name)?;
            daemon.cable.cut(how)?;
            stop.pause(during);
            daemon.cable.mend()?;
        }
    }
    note("ends", "")?;
    Ok(())
}
