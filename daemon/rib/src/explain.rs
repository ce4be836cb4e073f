//! Why an address is reached the way it is: every route that was considered, and why it lost.

use crate::{
    Class, Forward, NetworkName, Prefix, Rib, Step, Unusable, Vni, Why,
    route::Key,
    select::{self, Contender},
};
use std::{fmt, net::IpAddr};

/// What became of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The best for its prefix.
    Best {
        /// Which way.
        forward: Forward,
        /// Why that way.
        why: Why,
    },
    /// Another was better.
    Lost {
        /// Which way it would have gone.
        forward: Forward,
        /// What decided.
        step: Step,
    },
    /// It leads nowhere now.
    Unusable(Unusable),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Best { forward, why } => write!(f, "best: {forward}, since {why}"),
            Verdict::Lost { forward, step } => write!(f, "lost ({forward}): {step}"),
            Verdict::Unusable(unusable) => write!(f, "unusable: {unusable}"),
        }
    }
}

/// A route that was considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub key: Key,
    /// Whose it is: the network asked for, or one that it imports.
    pub network: NetworkName,
    /// What kind of route.
    pub class: Class,
    /// What became of it.
    pub verdict: Verdict,
}

/// A prefix that holds the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The prefix.
    pub prefix: Prefix,
    /// Its routes: the best, those that lost, those that cannot be used.
    pub candidates: Vec<Candidate>,
}

/// How a network reaches an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The address.
    pub address: IpAddr,
    /// The network.
    pub network: NetworkName,
    /// Its VNI.
    pub vni: Vni,
    /// The longest prefix with a way, and the way. None: no route of ours.
    pub route: Option<(Prefix, Forward)>,
    /// Every prefix that holds the address, the longest first.
    pub considered: Vec<Considered>,
}

/// A network that has no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// It is not there.
    #[error("network: there is no {network}")]
    NoNetwork {
        /// As it was given.
        network: NetworkName,
    },
    /// Another network has its VNI.
    #[error("network: {network} has no routes, since its VNI {vni} is {by}'s")]
    VniTaken {
        /// As it was given.
        network: NetworkName,
        /// The VNI.
        vni: Vni,
        /// Who has it.
        by: NetworkName,
    },
}

impl Rib {
    /// How a network reaches an address, with everything that was considered.
    ///
    /// # Errors
    /// Where there is no such network, or it has no table.
    pub fn explain(
        &self,
        network: &NetworkName,
        address: IpAddr,
    ) -> Result<Explanation, ExplainError> {
        let vni = self.networks.standing(network)?;
        let mut considered = Vec::new();
        let mut route = None;
        for prefix in Prefix::around(address) {
            let contenders = self.contenders(network, prefix);
            if contenders.is_empty() {
                continue;
            }
            let forward = self.output.get(vni, prefix).cloned();
            route = route.or(forward.map(|forward| (prefix, forward)));
            considered.push(Considered {
                prefix,
                candidates: verdicts(contenders),
            });
        }
        Ok(Explanation {
            address,
            network: network.clone(),
            vni,
            route,
            considered,
        })
    }
}

fn verdicts(mut contenders: Vec<Contender<'_>>) -> Vec<Candidate> {
    contenders.sort_by(|a, b| {
        let usable = b.way.is_ok().cmp(&a.way.is_ok());
        usable.then_with(|| select::compare(a, b).0)
    });
    let verdict = |(place, contender): (usize, &Contender<'_>)| match &contender.way {
        Err(unusable) => Verdict::Unusable(unusable.clone()),
        Ok(way) if place == 0 => Verdict::Best {
            forward: way.forward.clone(),
            why: way.why.clone(),
        },
        Ok(way) => Verdict::Lost {
            forward: way.forward.clone(),
            step: select::compare(&contenders[0], contender).1,
        },
    };
    let verdicts: Vec<_> = contenders.iter().enumerate().map(verdict).collect();
    let candidate = |(contender, verdict): (Contender<'_>, Verdict)| Candidate {
        key: contender.key.clone(),
        network: contender.network.clone(),
        class: contender.class,
        verdict,
    };
    contenders
        .into_iter()
        .zip(verdicts)
        .map(candidate)
        .collect()
}
