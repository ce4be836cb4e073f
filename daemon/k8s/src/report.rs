//! How it stands, for operators.

use crate::{
    call,
    kind::{Kind, Name},
};
use kube::runtime::watcher;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use tracing::{info, warn};

/// So many refused objects are told of one by one.
const TOLD: usize = 8;

/// How it stands. Written by the tasks of this crate, read by anybody.
#[derive(Debug, Default)]
pub struct Report {
    state: Mutex<State>,
    /// The server does not know us any more: our credentials are to be read anew.
    pub(crate) unknown: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What keeps something from being done, by what that is.
    troubles: BTreeMap<String, String>,
    /// Why objects are not as they should be.
    refused: BTreeMap<(Kind, Name), String>,
    synced: BTreeMap<Kind, bool>,
    leader: String,
    leading: bool,
}

impl Report {
    /// What is not as it should be.
    pub fn problems(&self) -> Vec<String> {
        let state = self.state();
        let troubles = state.troubles.iter();
        let mut problems: Vec<String> = troubles
            .map(|(what, text)| format!("kubernetes: {what}: {text}"))
            .collect();
        for ((kind, name), text) in state.refused.iter().take(TOLD) {
            let text = text.lines().next().unwrap_or_default();
            problems.push(format!("kubernetes: {kind} {name}: {text}"));
        }
        if let Some(more) = state.refused.len().checked_sub(TOLD + 1) {
            problems.push(format!("kubernetes: {} more objects are refused", more + 1));
        }
        problems
    }

    /// Who mirrors the API server; empty: nobody that is known.
    pub fn leader(&self) -> String {
        self.state().leader.clone()
    }

    /// Does this node?
    pub fn leading(&self) -> bool {
        self.state().leading
    }

    /// Is all there of a kind, here, where this node leads?
    pub fn synced(&self, kind: Kind) -> bool {
        self.state().synced.get(&kind).copied().unwrap_or(false)
    }

    pub(crate) fn trouble(&self, what: &str, text: impl ToString) {
        let text = text.to_string();
        let mut state = self.state();
        if state.troubles.get(what) != Some(&text) {
            warn!("kubernetes: {what}: {text}");
            state.troubles.insert(what.to_owned(), text);
        }
    }

    pub(crate) fn failed(&self, what: &str, error: &call::CallError) {
        self.watch_code(error.code());
        self.trouble(what, error);
    }

    pub(crate) fn watch_failed(&self, what: &str, error: &watcher::Error) {
        self.watch_code(watch_code(error));
        let text = match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => call::text(error),
            watcher::Error::WatchError(status) => status.message.clone(),
            other @ watcher::Error::NoResourceVersion => other.to_string(),
        };
        self.trouble(what, text);
    }

    fn watch_code(&self, code: Option<u16>) {
        if code == Some(401) {
            self.unknown.notify_one();
        }
    }

    pub(crate) fn fine(&self, what: &str) {
        if self.state().troubles.remove(what).is_some() {
            info!("kubernetes: {what}: goes on");
        }
    }

    pub(crate) fn refused(&self, kind: Kind, name: &Name, text: Option<&str>) {
        let mut state = self.state();
        let key = (kind, name.clone());
        match text {
            Some(text) => {
                if state.refused.get(&key).is_none_or(|told| told != text) {
                    warn!("kubernetes: {kind} {name} is refused: {text}");
                    state.refused.insert(key, text.to_owned());
                }
            }
            None => drop(state.refused.remove(&key)),
        }
    }

    /// It is to go, and cannot yet.
    pub(crate) fn waits(&self, kind: Kind, name: &Name, text: &str) {
        let text = format!("was deleted: {text}");
        let key = (kind, name.clone());
        if self.state().refused.insert(key, text.clone()) != Some(text.clone()) {
            info!("kubernetes: {kind} {name} {text}");
        }
    }

    pub(crate) fn set_synced(&self, kind: Kind, synced: bool) {
        if self.state().synced.insert(kind, synced) != Some(synced) && synced {
            info!("kubernetes: all of {kind} is mirrored");
        }
    }

    pub(crate) fn set_leader(&self, leader: &str, leading: bool) {
        let mut state = self.state();
        if state.leading != leading {
            info!(
                "kubernetes: this node {}",
                match leading {
                    true => "mirrors the API server from now on",
                    false => "mirrors the API server no more",
                }
            );
            // Whoever mirrors knows what is refused.
            state.refused.clear();
            state.synced.clear();
            state
                .troubles
                .retain(|what, _| KEPT.contains(&what.as_str()));
        }
        state.leader = leader.to_owned();
        state.leading = leading;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Troubles of each node, not of the one that leads.
const KEPT: [&str; 3] = [SERVER, LEASE, NODE];
pub(crate) const SERVER: &str = "API server";
pub(crate) const LEASE: &str = "Lease fairway";
pub(crate) const NODE: &str = "Node";

/// The status of HTTP of what a watch met.
pub(crate) fn watch_code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => call::code(error),
        watcher::Error::WatchError(status) => Some(status.code),
        watcher::Error::NoResourceVersion => None,
    }
}
