//! A neighbour of a node, or all that connect from a prefix.

use super::problem::Problems;
use crate::Asn;
use crate::object::{BgpPeer, Kind};
use crate::policy::{Action, HopChange, Policy, Rule};
use crate::session::Speaker;
use crate::session::config::{Backoff, Graceful, Neighbour as Session, Peer, RemoteAs, Settings};
use crate::table::{Filters, Relation};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The first pause after a failed attempt to connect; it doubles.
const FIRST: Duration = Duration::from_secs(5);

/// A neighbour of a node, or all that connect from a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The name of its `BgpPeer`.
    pub name: String,
    /// For its session; the password is still to be read.
    pub session: Session,
    /// Where its password lies.
    pub password_file: Option<PathBuf>,
    /// Whether paths have to begin with its AS, if it is of another.
    pub enforce_first_as: bool,
    client: bool,
    import: Option<Arc<Policy>>,
    /// To others of the AS, and to others than those.
    export: [Option<Arc<Policy>>; 2],
}

impl Neighbour {
    /// What it is, once it said of which AS.
    pub fn relation(&self, asn: Asn) -> Relation {
        match (asn == self.session.settings().local.asn, self.client) {
            (false, _) => Relation::External,
            (true, false) => Relation::Internal,
            (true, true) => Relation::Client,
        }
    }

    /// What is taken from it and told to it, being what it is.
    pub fn filters(&self, relation: Relation) -> Filters {
        let [internal, external] = &self.export;
        Filters {
            import: self.import.clone(),
            export: match relation {
                Relation::External => external.clone(),
                Relation::Internal | Relation::Client => internal.clone(),
            },
            needed: true,
        }
    }
}

/// Of an object; none where it contradicts itself on this node.
pub(super) fn of(
    peer: &BgpPeer,
    own: Speaker,
    graceful: Graceful,
    listens: bool,
    problems: &mut Problems,
) -> Option<Neighbour> {
    let object = (Kind::BgpPeer, peer.name.as_str());
    let asn = own.asn;
    let internal = match &peer.asn {
        RemoteAs::Is(one) => Some(*one == asn),
        RemoteAs::OneOf(all) if !all.contains(&asn) => Some(false),
        RemoteAs::OneOf(_) => None,
        RemoteAs::Internal => Some(true),
        RemoteAs::External => Some(false),
    };
    if peer.local_asn.is_some_and(|local| local != asn) && internal != Some(false) {
        let text = format!(
            "it does not hold on this node: neighbours of AS {asn}, the node's own, are told no other"
        );
        problems.add(object, "spec.localAsn", text);
        return None;
    }
    if internal == Some(false) {
        let fields = [
            ("spec.reflectorClient", peer.reflector_client),
            ("spec.nextHopSelf", peer.next_hop_self),
        ];
        for (field, _) in fields.into_iter().filter(|(_, given)| *given) {
            let text = format!(
                "it changes nothing here: the neighbour is not of AS {asn}, the node's own"
            );
            problems.add(object, field, text);
        }
    }
    if !listens && peer.passive {
        let (field, who) = match peer.peer {
            Peer::At(_) => ("spec.passive", "the neighbour"),
            Peer::Within(_) => ("spec.prefix", "neighbours"),
        };
        let text = format!(
            "{who} would have to connect, and the node does not listen (BgpConfig, spec.listen)"
        );
        problems.add(object, field, text);
    }
    let session = match Session::new(settings(peer, own, graceful)) {
        Ok(session) => session,
        Err(error) => {
            problems.add(object, "spec", error.to_string());
            return None;
        }
    };
    let internal = match peer.next_hop_self {
        true => own_hop(peer.export.as_deref())
            .map(Arc::new)
            .or_else(|| peer.export.clone()),
        false => peer.export.clone(),
    };
    Some(Neighbour {
        name: peer.name.clone(),
        session,
        password_file: peer.password_file.clone(),
        enforce_first_as: peer.enforce_first_as,
        client: peer.reflector_client,
        import: peer.import.clone(),
        export: [internal, peer.export.clone()],
    })
}

fn settings(peer: &BgpPeer, own: Speaker, graceful: Graceful) -> Settings {
    let local = Speaker {
        asn: peer.local_asn.unwrap_or(own.asn),
        ..own
    };
    Settings {
        port: peer.port,
        source: peer.source,
        passive: peer.passive,
        hold_time: peer.hold_time,
        retry: Backoff {
            first: FIRST.min(peer.connect_retry),
            most: peer.connect_retry,
        },
        families: peer.families.clone(),
        graceful,
        ttl: peer.ttl,
        ..Settings::new(peer.peer, local, peer.asn.clone())
    }
}

/// The policy, with the node itself as next hop wherever it names none. Without a policy, all is told so.
fn own_hop(policy: Option<&Policy>) -> Option<Policy> {
    const NAME: &str = "nextHopSelf";
    let hop = Action::NextHop(HopChange::Own);
    let Some(policy) = policy else {
        return Policy::new(NAME, [Rule::accept(NAME).then(hop)]).ok();
    };
    let names = |action: &Action| matches!(action, Action::NextHop(_));
    let rules = policy.rules().iter().cloned().map(|rule| {
        match rule.accepts() && !rule.actions().iter().any(names) {
            true => rule.then(hop.clone()),
            false => rule,
        }
    });
    Policy::new(policy.name(), rules).ok()
}
