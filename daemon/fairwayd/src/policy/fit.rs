//! What does not fit is set aside, one object at a time, and all the rest goes on.
//!
//! Without this, one policy that is too large would keep every later change from the dataplane: new containers
//! would wait for their policy in vain, and addresses of ended ones would keep their names. An object that is
//! set aside stays as it was before, or away if it is new, and that is told until it fits.

use fairway_policy::{
    Cause, Engine, Overflow,
    input::{Change, Input},
    spec::{Kind, Object, ObjectName, Pod},
};
use std::collections::{BTreeMap, HashMap};

/// So many are set aside in one go at most.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Fit {
    /// Objects as the dataplane has them, but for pods: of these there are many, and the engine has them too.
    placed: HashMap<ObjectName, Object>,
    /// What has come since, none: gone.
    pending: BTreeMap<ObjectName, Option<Object>>,
    /// As the dataplane has them, those pods of which something has come.
    before: BTreeMap<ObjectName, Option<Pod>>,
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
        let Some((name, object)) = change else {
            return engine.handle(input);
        };
        self.remember(engine, &name);
        engine.handle(input);
        self.aside.remove(&name);
        self.pending.insert(name, object);
        // Whatever has changed may have made room.
        for (name, (object, _)) in std::mem::take(&mut self.aside) {
            self.remember(engine, &name);
            engine.handle(Input::Object(object.clone()));
            self.pending.insert(name, Some(object));
        }
    }

    /// A pod is about to change in the engine.
    fn remember(&mut self, engine: &Engine, name: &ObjectName) {
        if name.kind == Kind::Pod && !self.before.contains_key(name) {
            let pod = engine.pod(&name.namespace, &name.name).cloned();
            self.before.insert(name.clone(), pod);
        }
    }

    /// As the dataplane has it.
    fn as_before(&mut self, name: &ObjectName) -> Option<Object> {
        match name.kind {
            Kind::Pod => self.before.remove(name).flatten().map(Object::Pod),
            _ => self.placed.get(name).cloned(),
        }
    }

    /// What has to change, without what does not fit.
    pub(super) fn changes(&mut self, engine: &mut Engine) -> Result<Vec<Change>, Overflow> {
        for _ in 0..MOST {
            match engine.changes() {
                Ok(changes) => {
                    self.before.clear();
                    for (name, object) in std::mem::take(&mut self.pending) {
                        match object {
                            Some(Object::Pod(_)) => {}
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
        engine.handle(match self.as_before(&name) {
            Some(before) => Input::Object(before),
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

    #[test]
    fn a_pod_that_does_not_fit_is_as_it_was_before() {
        let pod = |name: &str, app: &str| {
            let value = json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "web", "labels": {"app": app}}});
            Input::Object(object::parse(value).unwrap().object)
        };
        let app = |engine: &Engine, name: &str| {
            let pod = engine.pod("web", name);
            pod.map(|pod| pod.labels["app"].clone())
        };
        let mut engine = Engine::new(Limits {
            addresses: 1,
            prefixes: 8,
            sets: 100,
            peers: 100,
            ports: 100,
        });
        let mut fit = Fit::default();
        for input in [endpoint(1), pod("p1", "one")] {
            fit.learn(&mut engine, input);
        }
        fit.changes(&mut engine).unwrap();
        // There is no room for the second, whatever is set aside.
        for input in [
            pod("p1", "two"),
            pod("p1", "three"),
            pod("p2", "new"),
            endpoint(2),
        ] {
            fit.learn(&mut engine, input);
        }
        fit.changes(&mut engine).unwrap_err();
        assert_eq!(app(&engine, "p1").as_deref(), Some("one"));
        assert_eq!(app(&engine, "p2"), None);
        assert_eq!(fit.problems().count(), 2);
        let Input::Endpoint(gone) = endpoint(2) else {
            unreachable!("it is one");
        };
        fit.learn(&mut engine, Input::EndpointGone(gone.id));
        // With room, each is as it came last.
        fit.learn(&mut engine, policy("small", 1));
        fit.changes(&mut engine).unwrap();
        assert_eq!(app(&engine, "p1").as_deref(), Some("three"));
        assert_eq!(app(&engine, "p2").as_deref(), Some("new"));
        assert_eq!(fit.problems().count(), 0);
    }
}
