//! What objects mean on this node, as the speaker takes it.

use super::{feed::Objects, password::Passwords};
use fairway_bgp::{
    object::{Advertise, Effective, Neighbour, Node, for_node},
    session::{
        Neighbour as Session,
        config::{Peer, Settings},
    },
    table::Relation,
};
use fairway_ipam::NodeName;
use fairway_speaker::{Config, NextHops, Wanted};
use std::net::{IpAddr, SocketAddr};

/// What is wanted on this node.
#[derive(Debug)]
pub(super) struct Goal {
    /// None: no object is for this node.
    pub(super) speaker: Option<Config>,
    /// What it announces.
    pub(super) advertise: Advertise,
    /// What does not hold, and why.
    pub(super) problems: Vec<String>,
    /// Neighbours that have no session, since their keys cannot be read.
    pub(super) left: Vec<Left>,
}

/// A neighbour without a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    /// Where it is.
    pub(super) address: IpAddr,
    /// Its object.
    pub(super) name: String,
    /// Why it has none.
    pub(super) why: String,
}

/// What objects and files mean on a node with these addresses.
pub(super) fn goal(
    me: &NodeName,
    addresses: &[IpAddr],
    objects: &Objects,
    passwords: &mut Passwords,
) -> Goal {
    let node = Node {
        name: me.as_str(),
        addresses,
    };
    let effective = for_node(node, objects.configs.values(), objects.peers.values());
    let problems = effective.problems.iter().map(ToString::to_string);
    let mut problems: Vec<String> = problems.collect();
    let is_on = effective.config.is_some() || !effective.neighbours.is_empty();
    let Effective {
        speaker: settings,
        listen,
        advertise,
        neighbours,
        ..
    } = effective;
    passwords.retain(|path| {
        let mut files = neighbours.iter().map(|one| one.password_file.as_deref());
        files.any(|file| file == Some(path))
    });
    let next_hops = next_hops(addresses);
    let (mut wanted, mut left) = (Vec::new(), Vec::new());
    for neighbour in neighbours {
        let name = format!("BgpPeer/{}", neighbour.name);
        let (session, problem) = with_password(&neighbour, passwords);
        problems.extend(problem.as_ref().map(|problem| format!("{name}: {problem}")));
        match (session, neighbour.session.settings().peer) {
            (Some(session), _) => wanted.push(of(&neighbour, session, name, next_hops)),
            (None, Peer::At(address)) => left.push(Left {
                address,
                name,
                why: problem.unwrap_or_default(),
            }),
            (None, Peer::Within(_)) => {}
        }
    }
    let listen = listen.into_iter().flat_map(|bound| {
        let port = bound.port;
        let addresses = bound.addresses.into_iter();
        addresses.map(move |address| SocketAddr::new(address, port))
    });
    let config = Config {
        settings,
        listen: listen.collect(),
        neighbours: wanted,
        record: None,
    };
    Goal {
        speaker: is_on.then_some(config),
        advertise,
        problems,
        left,
    }
}

/// Its session with its key; none where that is missing.
fn with_password(
    neighbour: &Neighbour,
    passwords: &mut Passwords,
) -> (Option<Session>, Option<String>) {
    let Some(file) = &neighbour.password_file else {
        return (Some(neighbour.session.clone()), None);
    };
    let (password, problem) = passwords.get(file);
    let problem = problem.map(|problem| format!("spec.passwordFile: {problem}"));
    let Some(password) = password else {
        return (None, problem);
    };
    let settings = Settings {
        password: Some(password),
        ..neighbour.session.settings().clone()
    };
    match Session::new(settings) {
        Ok(session) => (Some(session), problem),
        Err(error) => (None, Some(format!("spec.passwordFile: {error}"))),
    }
}

fn of(neighbour: &Neighbour, session: Session, name: String, next_hops: NextHops) -> Wanted {
    let settings = session.settings();
    let own = settings.local.asn;
    // One that may be of either is told what those of the own AS are: with the node itself as next hop, others are
    // told the same.
    let relation = match settings.remote_as.admits(own, own) {
        true => neighbour.relation(own),
        false => Relation::External,
    };
    Wanted {
        name,
        filters: neighbour.filters(relation),
        client: relation == Relation::Client,
        enforce_first_as: neighbour.enforce_first_as,
        next_hops,
        neighbour: session,
    }
}

fn next_hops(addresses: &[IpAddr]) -> NextHops {
    let mut hops = NextHops::default();
    for address in addresses {
        match address {
            IpAddr::V4(ip) => hops.v4 = hops.v4.or(Some(*ip)),
            IpAddr::V6(ip) => hops.v6 = hops.v6.or(Some(*ip)),
        }
    }
    hops
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
