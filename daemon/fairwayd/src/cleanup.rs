//! `--cleanup`: gives back what this node owns, where nobody lives in it.
//!
//! What a container still has stays its own, in the store and in the journal: cleaning up must not become
//! a way to give an address twice.

use crate::{
    base::Base, config::Config, error::Error, policy, rates, routes, server::Claim, sweep,
};
use fairway_ipam::{
    Lease, NodeName, View,
    keys::Key,
    record::{Record, Use},
};
use fairway_kv::{Committed, ROOT, Txn, Write};
use fairway_store::Store;
use prometheus_client::metrics::counter::Counter;
use std::sync::Arc;
use tracing::{info, warn};

/// How often a block is tried again that somebody else writes to.
const TRIES: usize = 5;

/// Frees this node's blocks in which no container lives, and removes the journal if all could go. What has
/// to stay is told in the log.
///
/// # Errors
/// Where a daemon runs, the store cannot be reached, or something had to stay; see [`Error`].
pub async fn cleanup(config: Config) -> Result<(), Error> {
    let _claim = Claim::new(&config.socket)?;
    let node = config.node.clone();
    let grace = config.sweep.first_grace;
    let policing = config.policy.clone();
    let state_dir = config.state_dir.clone();
    let base = Base::start(Arc::new(config)).await?;
    sweep::twice(&base.driver, base.former, grace, &Counter::default()).await;
    base.settle().await;
    let leases = base.driver.leases().await;
    let (store, connected) = (base.link.store(), base.link.connected());
    let folder = base.end().await;
    // What is in use is not known then, so nothing may go.
    let leases = leases.map_err(|failure| Error::Late(Box::new(failure)))?;
    let Some(store) = store.filter(|_| connected) else {
        let reason = "the store cannot be reached; nothing was given back".to_owned();
        return Err(Error::Cleanup { reason });
    };
    let mut left: Vec<String> = leases
        .iter()
        .map(|lease| lease.attachment.to_string())
        .collect();
    let (given, kept) = give_back(&*store, &node, &leases).await?;
    info!("{given} blocks of node {node} are free");
    left.extend(kept);
    if left.is_empty() {
        routes::clear()?;
        policy::clear(&policing, &node)?;
        rates::clear(&state_dir)?;
        folder.remove_journal()?;
        info!("the journal is removed; the store's own file, if any, is left");
        return Ok(());
    }
    for left in &left {
        warn!("left as it is: {left}");
    }
    let reason = format!(
        "{} things are in use and were left; end those containers first",
        left.len()
    );
    Err(Error::Cleanup { reason })
}

/// Gives back all blocks in which nobody lives. Says how many, and what stays.
async fn give_back(
    store: &dyn Store,
    node: &NodeName,
    leases: &[Lease],
) -> Result<(usize, Vec<String>), Error> {
    let mut given = 0;
    for attempt in 1.. {
        let range = store.range(ROOT).await?;
        let view = View::from_entries(range.revision, range.entries);
        let (txns, kept) = plan(&view, node, leases);
        let mut refused = false;
        for txn in &txns {
            match store.commit(txn).await? {
                Committed::Yes { .. } => given += 1,
                Committed::No { .. } => refused = true,
            }
        }
        if !refused || attempt >= TRIES {
            return Ok((given, kept));
        }
    }
    Ok((given, Vec::new()))
}

fn plan(view: &View, node: &NodeName, leases: &[Lease]) -> (Vec<Txn>, Vec<String>) {
    let (mut txns, mut kept) = (Vec::new(), Vec::new());
    for ((pool, cidr), stored) in &view.blocks {
        let block = &stored.value;
        if block.owner.as_ref().is_none_or(|owner| owner.node != *node) {
            continue;
        }
        let entries = block.entries.iter();
        let live = entries
            .filter(|entry| matches!(entry.used, Use::Live { .. }))
            .count();
        let mut ours = leases.iter().flat_map(|lease| &lease.addresses);
        if live > 0 || ours.any(|ip| cidr.contains(*ip)) {
            kept.push(format!("block {cidr} of pool {pool}"));
            continue;
        }
        let key = Key::Block(pool.clone(), *cidr).path();
        txns.push(Txn::if_unchanged(
            stored.modified,
            Write::Put {
                key,
                value: block.disowned().encode(),
                lease: None,
            },
        ));
    }
    (txns, kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_ipam::record::BlockRecord;
    use fairway_kv::{Entry, Revision};

    fn entry(key: &str, value: &str) -> Entry {
        Entry {
            key: format!("{ROOT}blocks/web/{key}"),
            value: value.as_bytes().to_vec(),
            created: Revision(1),
            modified: Revision(2),
        }
    }

    #[test]
    fn only_blocks_without_containers_are_given_back() {
        let owner = r#""owner":{"node":"n1","journal":"j"}"#;
        let live = r#"{"ip":"10.0.1.5","seq":1,"live":{"attachment":{"network":"n","container":"c","ifname":"e"}}}"#;
        let block = |owner: &str, entries: &str| {
            format!(r#"{{"version":1,{owner},"epoch":3,"free":60,"entries":[{entries}]}}"#)
        };
        let cooling = r#"{"ip":"10.0.0.5","seq":1,"cooling":true}"#;
        let view = View::from_entries(
            Revision(9),
            vec![
                entry("10.0.0.0/26", &block(owner, cooling)),
                entry("10.0.1.0/26", &block(owner, live)),
                entry("10.0.2.0/26", &block(&owner.replace("n1", "n2"), "")),
            ],
        );
        assert_eq!(view.blocks.len(), 3, "{:?}", view.unreadable);
        let (txns, kept) = plan(&view, &NodeName::new("n1").unwrap(), &[]);
        assert_eq!(kept, ["block 10.0.1.0/26 of pool web"]);
        let [txn] = &txns[..] else { panic!("{txns:?}") };
        let Write::Put { key, value, .. } = &txn.writes[0] else {
            panic!("{txn:?}")
        };
        assert!(key.ends_with("blocks/web/10.0.0.0/26"));
        let record = BlockRecord::decode(value).unwrap();
        assert_eq!(
            (record.owner, record.epoch, record.entries.len()),
            (None, 4, 1)
        );
    }
}
