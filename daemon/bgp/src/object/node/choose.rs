//! Which of the objects hold on a node.

use super::{Node, problem::Problems};
use crate::object::{BgpConfig, BgpPeer, Fit, Kind};
use crate::session::config::Peer;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The `BgpConfig` that holds. The others are told.
pub(super) fn config<'o>(
    node: Node<'_>,
    configs: impl IntoIterator<Item = &'o BgpConfig>,
    problems: &mut Problems,
) -> Option<&'o BgpConfig> {
    let fits = configs.into_iter().filter_map(|config| {
        let fit = config.nodes.fit(node.name)?;
        Some((Reverse(fit), &config.name, config))
    });
    let mut fits: Vec<_> = fits.collect();
    fits.sort_by_key(|(fit, name, _)| (*fit, *name));
    let mut fits = fits.into_iter();
    let (best, first, config) = fits.next()?;
    for (fit, name, _) in fits {
        let why = match (fit == best, best.0) {
            (true, _) => "comes before it by name",
            (false, Fit::Name) => "names the node",
            (false, _) => "says more exactly for which nodes it is",
        };
        let text = format!("it does not hold on this node: BgpConfig/{first} {why}");
        problems.add((Kind::BgpConfig, name), "spec.nodes", text);
    }
    Some(config)
}

/// The `BgpPeer` that hold, by name. Others of the same place are told.
pub(super) fn peers<'o>(
    node: Node<'_>,
    peers: impl IntoIterator<Item = &'o BgpPeer>,
    problems: &mut Problems,
) -> Vec<&'o BgpPeer> {
    let fits = peers.into_iter().filter_map(|peer| {
        let fit = peer.nodes.fit(node.name)?;
        Some((peer, fit))
    });
    let mut fits: Vec<_> = fits.collect();
    fits.sort_by_key(|(peer, _)| &peer.name);
    let mut places: HashMap<Peer, &str> = HashMap::new();
    let mut chosen = Vec::new();
    for (peer, fit) in fits {
        let object = (Kind::BgpPeer, peer.name.as_str());
        let own = matches!(peer.peer, Peer::At(address) if node.addresses.contains(&address));
        if own {
            if fit == Fit::Name {
                let text = "it is an address of this node, which is not its own neighbour";
                problems.add(object, "spec.address", text);
            }
            continue;
        }
        match places.get(&peer.peer) {
            Some(first) => {
                let field = match peer.peer {
                    Peer::At(_) => "spec.address",
                    Peer::Within(_) => "spec.prefix",
                };
                let text = format!("it does not hold on this node: BgpPeer/{first} has the same");
                problems.add(object, field, text);
            }
            None => {
                places.insert(peer.peer, &peer.name);
                chosen.push(peer);
            }
        }
    }
    chosen
}
