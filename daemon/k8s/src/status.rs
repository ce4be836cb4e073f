//! What objects are told: conditions in their status, or an event where they have none.

use crate::{
    call::{CallError, call},
    condition::{self, Condition, Verdict},
    kind::{Kind, Name},
    seen::Whole,
};
use k8s_openapi::{api::core::v1::ObjectReference, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::ApiResource,
    runtime::events::{Event, EventType, Recorder},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Whose fields these are in the server's books.
const MANAGER: &str = "fairway";
/// Numbers in a status go up and down with each container; where they alone are others, that is told no more often.
const EVERY: Duration = Duration::from_secs(30);

/// What is known of an object that is to be told something.
#[derive(Debug, Default)]
pub(crate) struct Fact {
    uid: Option<String>,
    generation: i64,
    conditions: Vec<Condition>,
    verdict: Option<Verdict>,
    /// What else its status says by our word, and what it is to say.
    fields: (Map<String, Value>, Map<String, Value>),
    /// It was asked what its status is to say.
    asked: bool,
    /// When such were told last.
    at: Option<Instant>,
    /// The event that was written last.
    told: Option<Verdict>,
}

/// All objects of a kind that are to be told something.
pub(crate) struct Facts {
    client: Client,
    resource: ApiResource,
    kind: Kind,
    recorder: Recorder,
    of: BTreeMap<Name, Fact>,
}

impl Facts {
    pub(crate) fn new(
        client: Client,
        kind: Kind,
        resource: ApiResource,
        recorder: Recorder,
    ) -> Facts {
        Facts {
            client,
            resource,
            kind,
            recorder,
            of: BTreeMap::new(),
        }
    }

    /// Is there anything to be told to objects of this kind?
    fn speaks(&self) -> bool {
        self.kind.has_status() || self.kind.has_events()
    }

    /// An object is so.
    pub(crate) fn seen(
        &mut self,
        name: &Name,
        uid: Option<String>,
        generation: Option<i64>,
        conditions: Option<Value>,
    ) {
        if !self.speaks() {
            return;
        }
        let fact = self.of.entry(name.clone()).or_default();
        if fact.uid != uid {
            *fact = Fact::default();
        }
        fact.uid = uid;
        fact.generation = generation.unwrap_or(0);
        fact.conditions = condition::read(conditions);
    }

    /// It is gone.
    pub(crate) fn gone(&mut self, name: &Name) {
        self.of.remove(name);
    }

    /// All are to be told of anew.
    pub(crate) fn list(&mut self) {
        self.of.clear();
    }

    /// What is said of an object.
    pub(crate) fn judged(&mut self, name: &Name, verdict: Verdict) {
        if let Some(fact) = self.of.get_mut(name) {
            fact.verdict = Some(verdict);
        }
    }

    /// What else their status is to say.
    pub(crate) fn fields(&mut self, mut all: BTreeMap<Name, Map<String, Value>>) {
        for (name, fact) in &mut self.of {
            fact.fields.1 = all.remove(name).unwrap_or_default();
            fact.asked = true;
        }
    }

    /// Is there one that is to be told something, and of which only conditions are known? What a status said before would
    /// be taken away by that.
    pub(crate) fn lack_fields(&self) -> bool {
        let lacks = |fact: &Fact| fact.verdict.is_some() && !fact.asked;
        self.kind.has_status() && self.of.values().any(lacks)
    }

    /// Tells objects what they do not say yet; the first that cannot be told ends it, to be tried again.
    pub(crate) async fn tell(&mut self) -> Result<(), CallError> {
        for (name, fact) in &mut self.of {
            let Some(verdict) = &fact.verdict else {
                continue;
            };
            if !self.kind.has_status() {
                let refused = *verdict != Verdict::Accepted;
                if refused && fact.told.as_ref() != Some(verdict) {
                    let about = reference(&self.resource, name, fact);
                    call(self.recorder.publish(&event(verdict), &about)).await?;
                }
                fact.told = Some(verdict.clone());
                continue;
            }
            let (there, now) = (&fact.conditions, Timestamp::now());
            let wanted = condition::wanted(there, fact.generation, verdict, now);
            // What is there under its name is somebody else's.
            let fields = match verdict {
                Verdict::Foreign(_) => Map::new(),
                _ => fact.fields.1.clone(),
            };
            let is_so = condition::is_so(there, &wanted);
            let since = fact.at.map(|at| at.elapsed());
            if !due(is_so, fields == fact.fields.0, since) {
                continue;
            }
            let mut status = fields.clone();
            status.insert("conditions".to_owned(), json!(wanted));
            if self.kind.is_own() {
                status.insert("observedGeneration".to_owned(), json!(fact.generation));
            }
            let mut object = json!({
                "apiVersion": self.resource.api_version,
                "kind": self.resource.kind,
                "metadata": { "name": name.name },
                "status": status,
            });
            let (client, resource) = (self.client.clone(), &self.resource);
            let api: Api<Whole> = match name.namespace.as_str() {
                "" => Api::all_with(client, resource),
                namespace => {
                    object["metadata"]["namespace"] = json!(namespace);
                    Api::namespaced_with(client, namespace, resource)
                }
            };
            let params = PatchParams::apply(MANAGER).force();
            let patch = Patch::Apply(&object);
            match call(api.patch_status(&name.name, &params, &patch)).await {
                Ok(_) => {
                    fact.conditions = wanted;
                    fact.at = (!fields.is_empty()).then(Instant::now);
                    fact.fields.0 = fields;
                }
                // It has gone; the watch says so in a moment.
                Err(error) if error.code() == Some(404) => fact.verdict = None,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Is it time to tell an object something? `since`: when numbers were told last.
fn due(conditions: bool, fields: bool, since: Option<Duration>) -> bool {
    !conditions || (!fields && since.is_none_or(|since| since >= EVERY))
}

fn reference(resource: &ApiResource, name: &Name, fact: &Fact) -> ObjectReference {
    ObjectReference {
        api_version: Some(resource.api_version.clone()),
        kind: Some(resource.kind.clone()),
        name: Some(name.name.clone()),
        namespace: Some(name.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        uid: fact.uid.clone(),
        ..ObjectReference::default()
    }
}

fn event(verdict: &Verdict) -> Event {
    let (reason, note) = match verdict {
        Verdict::Refused(text) => ("Invalid", text.as_str()),
        Verdict::Foreign(text) => ("Conflict", text.as_str()),
        Verdict::Accepted => ("Accepted", ""),
    };
    Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        // The server takes no more than a kilobyte.
        note: Some(note.chars().take(250).collect()),
        action: "Mirror".to_owned(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_alone_are_told_now_and_then() {
        let (now, late) = (Some(Duration::from_secs(29)), Some(EVERY));
        // A verdict is told at once, numbers that were never told as well.
        assert!(due(false, true, now) && due(false, false, now) && due(true, false, None));
        assert!(!due(true, false, now) && due(true, false, late));
        assert!(!due(true, true, late) && !due(true, true, None));
    }
}
