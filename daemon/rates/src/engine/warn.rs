//! What is worth knowing of a container's limits beside those that it shares.

use super::{
    Key, Sharers,
    said::{Said, Word},
};
use crate::model::{Allowance, Endpoint};

/// The namespace or the network; of a container, its id.
pub(super) fn of(sharers: &Sharers) -> String {
    match sharers {
        Sharers::Namespace(name) | Sharers::Network(name) => name.clone(),
        Sharers::Container(id) => id.container.clone(),
    }
}

/// A rate alone, and packets alone, each with who decided it.
fn kinds<'w>(said: &Said<'w>) -> [Option<(Allowance, Word<'w>)>; 2] {
    let rate = Allowance {
        rate: said.allowance.rate,
        ..Allowance::default()
    };
    let packets = Allowance {
        packets: said.allowance.packets,
        ..Allowance::default()
    };
    [
        said.rate_by.map(|by| (rate, by)),
        said.packets_by.map(|by| (packets, by)),
    ]
}

fn line(endpoint: &Endpoint, (sharers, direction): &Key) -> (String, String) {
    let who = format!("container {} {direction}", endpoint.workload());
    let whose = format!("the limit of {} {}", sharers.scope(), of(sharers));
    (who, whose)
}

/// Its own limit is one that it can never reach.
pub(super) fn above(
    endpoint: &Endpoint,
    own: &Said<'_>,
    (key, all): (&Key, &Said<'_>),
    warnings: &mut Vec<String>,
) {
    for pair in kinds(own).into_iter().zip(kinds(all)) {
        let (Some((own, by)), Some((most, whose))) = pair else {
            continue;
        };
        if own.rate > most.rate || own.packets > most.packets {
            let (who, of) = line(endpoint, key);
            warnings.push(format!(
                "{who} {own} ({by}) is above {of}, {most} ({whose})"
            ));
        }
    }
}

/// It is held lower than is said of it, for it shares the limit with others of whom less is said.
pub(super) fn lower(
    endpoint: &Endpoint,
    said: &Said<'_>,
    (key, all): (&Key, &Said<'_>),
    warnings: &mut Vec<String>,
) {
    for (said, all) in kinds(said).into_iter().zip(kinds(all)) {
        if let Some((most, whose)) = all
            && said.is_none_or(|(said, _)| said != most)
        {
            let (who, of) = line(endpoint, key);
            warnings.push(format!(
                "{who} shares {of}, {most}, though {whose} is not about it"
            ));
        }
    }
}
