//! What does not fit is set aside, one object at a time, and all the rest goes on.
//!
//! Without this, one policy that is too large would keep every later change from the dataplane: new containers
//! would wait for their policy in vain, and addresses of ended ones would keep their names. An object that is
//! set aside stays as it was before, or away if it is new, and that is told until it fits.

use fairway_policy::{
    Cause, Engine, Overflow,
    input::{Change, Input},
    spec::{Object, ObjectName},
};
use std::collections::{BTreeMap, HashMap};

/// So many are set aside in one go at most.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Fit {
    /// Objects as the dataplane has them.
    placed: HashMap<ObjectName, Object>,
    /// What has come since, none: gone.
    pending: BTreeMap<ObjectName, Option<Object>>,
    /// What does not fit, and why.
    aside: BTreeMap<ObjectName, (Object, String)>,
}

impl Fit {
    /// Tells the engine.
    pub(super) fn learn(&mut self, engine: &mut Engine, input: Input) {
        let change = match &input {
            Input::Object(object) => Some((object.object_name(), Some(object.clone()))),
            Input::ObjectGone(name) => Some((name.clone(), None)),
            _ => None,
        };
        engine.handle(input);
        let Some((name, object)) = change else {
            return;
        };
        self.aside.remove(&name);
        self.pending.insert(name, object);
        // Whatever has changed may have made room.
        for (name, (object, _)) in std::mem::take(&mut self.aside) {
            engine.handle(Input::Object(object.clone()));
            self.pending.insert(name, Some(object));
        }
    }

    /// What has to change, without what does not fit.
    pub(super) fn changes(&mut self, engine: &mut Engine) -> Result<Vec<Change>, Overflow> {
        for _ in 0..MOST {
            match engine.changes() {
                Ok(changes) => {
                    for (name, object) in std::mem::take(&mut self.pending) {
                        match object {
                            Some(object) => drop(self.placed.insert(name, object)),
                            None => drop(self.placed.remove(&name)),
                        }
                    }
                    return Ok(changes);
                }
                Err(overflow) => {
                    if !self.set_aside(engine, &overflow) {
                        return Err(overflow);
                    }
                }
            }
        }
        engine.changes()
    }

    /// Takes back the object that is too much, or the last that came; false where none came.
    fn set_aside(&mut self, engine: &mut Engine, overflow: &Overflow) -> bool {
        let blamed = match &overflow.because_of {
            Cause::Object(name) if self.pending.get(name).is_some_and(Option::is_some) => {
                Some(name.clone())
            }
            _ => None,
        };
        let mut came = self.pending.iter().filter(|(_, object)| object.is_some());
        let Some(name) = blamed.or_else(|| came.next_back().map(|(name, _)| name.clone())) else {
            return false;
        };
        let Some(Some(object)) = self.pending.remove(&name) else {
            return false;
        };
        engine.handle(match self.placed.get(&name) {
            Some(before) => Input::Object(before.clone()),
            None => Input::ObjectGone(name.clone()),
        });
        let reason = format!("{name} is not in force, it is as it was before: {overflow}");
        self.aside.insert(name, (object, reason));
        true
    }

    /// What is set aside.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.aside.values().map(|(_, reason)| reason.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_policy::{Limits, input::Endpoint, input::EndpointId, object};
    use serde_json::{Value, json};

    fn policy(name: &str, blocks: u8) -> Input {
        let block = |n: u8| json!({"ipBlock": {"cidr": format!("10.{n}.0.0/16")}});
        let from: Vec<Value> = (0..blocks).map(block).collect();
        let value = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": "web"},
            "spec": {"podSelector": {}, "ingress": [{"from": from}]}});
        Input::Object(object::parse(value).unwrap().object)
    }

    fn endpoint(last: u8) -> Input {
        Input::Endpoint(Endpoint {
            id: EndpointId {
                node: "n".into(),
                container: format!("c{last}"),
                ifname: "eth0".into(),
                network: "net".into(),
            },
            namespace: "web".into(),
            pod: format!("p{last}"),
            labels: Default::default(),
            groups: Default::default(),
            ports: Vec::new(),
            addresses: vec![[192, 0, 2, last].into()],
            local: true,
        })
    }

    #[test]
    fn one_that_is_too_large_stops_nobody_else() {
        let mut engine = Engine::new(Limits {
            addresses: 100,
            prefixes: 8,
            sets: 100,
            peers: 100,
            ports: 100,
        });
        let mut fit = Fit::default();
        for input in [endpoint(1), policy("small", 4)] {
            fit.learn(&mut engine, input);
        }
        assert!(!fit.changes(&mut engine).unwrap().is_empty());
        fit.learn(&mut engine, policy("large", 9));
        fit.learn(&mut engine, endpoint(2));
        let changes = fit.changes(&mut engine).unwrap();
        let opened = |change: &Change| {
            matches!(change, Change::Endpoint { id, sets: Some(sets), .. }
                     if id.container == "c2" && sets.ingress != 0)
        };
        assert!(changes.iter().any(opened), "{changes:?}");
        let problems: Vec<String> = fit.problems().collect();
        assert!(
            problems[0].contains("web/large") && problems.len() == 1,
            "{problems:?}"
        );

        // One that was in force and grows too large stays as it was.
        fit.learn(&mut engine, policy("small", 9));
        fit.changes(&mut engine).unwrap();
        assert_eq!(fit.problems().count(), 2);
        let policies = engine.policies();
        assert_eq!(policies.len(), 1);

        // With room, it is taken.
        fit.learn(&mut engine, policy("large", 3));
        fit.learn(&mut engine, policy("small", 5));
        fit.changes(&mut engine).unwrap();
        assert_eq!((fit.problems().count(), engine.policies().len()), (0, 2));
    }
}
