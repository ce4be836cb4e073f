//! The engine: told what is so, it says what has to change in the dataplane.

use crate::{
    input::{Change, Direction, Input, Number},
    overflow::{Overflow, overflow},
    placed::{Limits, Placed},
    plan::{everything, plan},
    policy::PolicySpec,
    rule::{Origin, RuleName},
    spec::{Kind, Object, ObjectName, Pod},
    wanted::Wanted,
};

/// See the crate's head.
#[derive(Debug)]
pub struct Engine {
    pub(crate) wanted: Wanted,
    placed: Placed,
}

impl Engine {
    /// One that knows nothing, for maps of these sizes.
    pub fn new(limits: Limits) -> Self {
        Self {
            wanted: Wanted::new(),
            placed: Placed::new(limits),
        }
    }

    /// Something has become known. Cheap; what follows from it is found out by [`Engine::changes`].
    pub fn handle(&mut self, input: Input) {
        let wanted = &mut self.wanted;
        match input {
            Input::Object(Object::NetworkPolicy(policy)) => {
                wanted.put_policy(PolicySpec::Network(policy));
            }
            Input::Object(Object::ClusterPolicy(policy)) => {
                wanted.put_policy(PolicySpec::Cluster(policy));
            }
            Input::Object(Object::Namespace(namespace)) => wanted.put_namespace(namespace),
            Input::Object(Object::Pod(pod)) => wanted.put_pod(pod),
            Input::ObjectGone(name) => match name.kind {
                Kind::NetworkPolicy | Kind::ClusterNetworkPolicy => wanted.remove_policy(&name),
                Kind::Namespace => wanted.remove_namespace(&name.name),
                Kind::Pod => wanted.remove_pod(&(name.namespace, name.name)),
            },
            Input::Endpoint(endpoint) => wanted.put_endpoint(endpoint),
            Input::EndpointGone(id) => wanted.remove_endpoint(&id),
            Input::Node(node) => wanted.put_node(node),
            Input::NodeGone(name) => wanted.remove_node(&name),
        }
    }

    /// A pod's object, as it became known last.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<&Pod> {
        let name = (namespace.to_owned(), name.to_owned());
        self.wanted.pods.get(&name)
    }

    /// What has to change in the dataplane since the last call that did not fail; see [`Change`] for the
    /// order. The caller makes all of it.
    ///
    /// # Errors
    /// It does not fit. The dataplane is to stay as it is; nothing is forgotten, and when there is less (or
    /// more room, see [`Engine::set_limits`]) the next call gives all that has to change since the last one
    /// that did not fail.
    pub fn changes(&mut self) -> Result<Vec<Change>, Overflow> {
        self.wanted.refresh();
        let steps = plan(&mut self.wanted, &mut self.placed, false);
        let steps = steps.or_else(|_| plan(&mut self.wanted, &mut self.placed, true));
        match steps {
            Ok(steps) => {
                self.wanted.settle_sets(&steps.fresh);
                self.wanted.settle(&steps.removed_tables);
                Ok(steps.changes)
            }
            Err(full) => {
                self.wanted.prune(&self.placed);
                Err(overflow(&full, &self.wanted, &self.placed))
            }
        }
    }

    /// All that [`Engine::changes`] has told and that still holds: to fill maps that are empty.
    pub fn snapshot(&self) -> Vec<Change> {
        everything(&self.wanted, &self.placed)
    }

    /// Is what is between this node and its containers judged like all else? Explanations say so then.
    pub fn judge_node(&mut self, judge: bool) {
        self.wanted.judges_node = judge;
    }

    /// The maps have other sizes now, none of them less than what is in it.
    pub fn set_limits(&mut self, limits: Limits) {
        self.placed.limits = limits;
    }

    /// What a rule's number stands for; `None`: nothing any more.
    pub fn rule(&self, number: Number) -> Option<RuleName> {
        let name = |id| Some(self.wanted.policies.all.get(id)?.name.clone());
        Some(match self.wanted.rules.get(number)? {
            Origin::Groups => RuleName {
                policy: None,
                others: Vec::new(),
                direction: Direction::Ingress,
                index: Some(0),
                name: Some("members of a common group".to_owned()),
            },
            Origin::Rule(id, direction, index) => {
                let policy = self.wanted.policies.all.get(id)?;
                let rule = policy.spec.rules(*direction)?.get(*index)?;
                RuleName {
                    policy: Some(policy.name.clone()),
                    others: Vec::new(),
                    direction: *direction,
                    index: Some(*index),
                    name: rule.name.clone(),
                }
            }
            Origin::Nothing(direction, policies, _) => {
                let mut names: Vec<ObjectName> = policies.iter().filter_map(name).collect();
                names.sort();
                let mut names = names.into_iter();
                RuleName {
                    policy: names.next(),
                    others: names.collect(),
                    direction: *direction,
                    index: None,
                    name: None,
                }
            }
        })
    }
}
