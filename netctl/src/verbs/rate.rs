//! `netctl rate`: what containers may send and get, and by whose word.

use crate::{
    args_rate::{RateArg, Workload},
    cli::usage,
    document::{Job, Note},
    error::NetctlError,
};
use clap::{Args, Subcommand};
use fairway_api::{
    Method, Nothing,
    admin::{Rate, RateChanged, RateList, RateOverride, RateRemove, RateSet, RateWish},
};

#[derive(Debug, Subcommand)]
pub(crate) enum RateVerb {
    /// List what is limited or marked on this node, and by whose word
    Ls {
        /// Of this workload only
        #[arg(value_name = "NAMESPACE/POD")]
        workload: Option<Workload>,
    },
    /// Say how much a workload may send or get from now on, in place of what its own configuration says. A
    /// direction that is named is said anew as a whole, the other stays as it was
    Set(Set),
    /// Take back what `set` has said: the workload's own configuration counts again
    Rm {
        /// Whose
        #[arg(value_name = "NAMESPACE/POD")]
        workload: Workload,
    },
    /// How limits of this node have changed, the newest last
    History {
        /// Of this workload only
        #[arg(value_name = "NAMESPACE/POD")]
        workload: Option<Workload>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Whose
    #[arg(value_name = "NAMESPACE/POD")]
    workload: Workload,
    /// What it gets, bits of Ethernet frames a second, as 20M or 1.5Gbit; `none`: no limit of its own,
    /// whatever its configuration says
    #[arg(long, value_name = "RATE|none")]
    ingress: Option<RateArg>,
    /// What it sends, likewise
    #[arg(long, value_name = "RATE|none")]
    egress: Option<RateArg>,
    /// What it may get at once after a pause, as 64Ki [default: what suits the rate]
    #[arg(long, value_name = "BYTES")]
    ingress_burst: Option<String>,
    /// What it may send at once after a pause, likewise
    #[arg(long, value_name = "BYTES")]
    egress_burst: Option<String>,
    /// Packets a second that it gets
    #[arg(long, value_name = "N")]
    ingress_packets: Option<u64>,
    /// Packets a second that it sends
    #[arg(long, value_name = "N")]
    egress_packets: Option<u64>,
    /// The DSCP of what it gets, 0 to 63
    #[arg(long, value_name = "N")]
    ingress_dscp: Option<u64>,
    /// The DSCP of what it sends, 0 to 63
    #[arg(long, value_name = "N")]
    egress_dscp: Option<u64>,
    /// Why, for whoever looks at it later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl RateVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        let of = |workload: &Option<Workload>| RateList {
            workload: workload.as_ref().map(ToString::to_string),
        };
        Ok(match self {
            RateVerb::Ls { workload } => {
                Job::list::<Rate>(Method::RateList(of(workload))).watchable()
            }
            RateVerb::Set(set) => Job::new::<RateOverride>(Method::RateSet(set.api()?)),
            RateVerb::Rm { workload } => {
                let note = format!("nothing is set for {workload}: its own configuration counts");
                let workload = workload.to_string();
                Job::new::<Nothing>(Method::RateRemove(RateRemove { workload }))
                    .note(Note::Instead(note))
            }
            RateVerb::History { workload } => {
                Job::list::<RateChanged>(Method::RateHistory(of(workload))).watchable()
            }
        })
    }
}

impl Set {
    fn api(&self) -> Result<RateSet, NetctlError> {
        let ingress = wish(
            "--ingress",
            (self.ingress.as_ref(), self.ingress_burst.as_ref()),
            (self.ingress_packets, self.ingress_dscp),
        )?;
        let egress = wish(
            "--egress",
            (self.egress.as_ref(), self.egress_burst.as_ref()),
            (self.egress_packets, self.egress_dscp),
        )?;
        if ingress.is_none() && egress.is_none() {
            return Err(usage(
                "rate set: neither --ingress nor --egress was given, nor what belongs to them",
            ));
        }
        Ok(RateSet {
            workload: self.workload.to_string(),
            ingress,
            egress,
            reason: self.reason.clone(),
        })
    }
}

/// What is said of a direction; none where nothing is.
fn wish(
    option: &str,
    (rate, burst): (Option<&RateArg>, Option<&String>),
    (packets, dscp): (Option<u64>, Option<u64>),
) -> Result<Option<RateWish>, NetctlError> {
    let said = rate.is_some() || burst.is_some() || packets.is_some() || dscp.is_some();
    let rate = match (rate, burst) {
        (Some(RateArg::None), Some(_)) => {
            return Err(usage(&format!("{option}-burst: {option} says none")));
        }
        (Some(RateArg::Rate(rate)), _) => Some(rate.clone()),
        _ => None,
    };
    let burst = burst.cloned();
    let wish = RateWish {
        rate,
        burst,
        packets,
        dscp,
    };
    Ok(said.then_some(wish))
}
