//! Networks that objects define: `NetworkAttachmentDefinition` (Network Plumbing Working Group, de-facto standard 1.3,
//! section 3).
//!
//! The daemon has them from an API server, or from `netctl apply`; this plugin asks it for those that a container
//! names and that the node itself does not have. Who may write such an object may have any plugin called with any
//! configuration on every node, as root; what is decided here is only whose object a pod may name.

use crate::{network::Network, selection::Selection};
use fairway_api::{
    Method,
    definition::{Find, Found, Name, Pod},
};
use fairway_cluster_ipam::Daemon;
use fairway_cni::{
    Code, Context, Failure, FieldError, NetworkName, Object,
    labels::{NAMESPACE, labels},
    object::set,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// The longest `spec.config`, in bytes.
pub const LONGEST: usize = 1 << 20;

/// What may be named by whoever is elsewhere, unless configured; as Multus has it.
const GLOBAL: &str = "default";

/// Whom definitions are asked of: the daemon, or what a test has in its stead.
pub trait Ask {
    /// Asks.
    ///
    /// # Errors
    /// Where there is no answer, or a refusal.
    fn find(&self, find: Find) -> Result<Found, Failure>;
}

impl Ask for Daemon {
    fn find(&self, find: Find) -> Result<Found, Failure> {
        self.call(Method::DefinitionFind(find))
    }
}

/// What can be wrong with `spec.config`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No JSON, or no object.
    #[error("is no JSON object: {0}")]
    Json(String),
    /// Longer than [`LONGEST`].
    #[error("is longer than {LONGEST} bytes")]
    Long,
    /// A field of it.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// Reads `spec.config` of the object `name`, by whose name goes a configuration that has none of its own. None: it is
/// empty, and the node has a configuration of that name.
///
/// # Errors
/// Says what is wrong.
pub fn parse(text: &str, name: &str) -> Result<Option<Network>, Wrong> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.len() > LONGEST {
        return Err(Wrong::Long);
    }
    let raw: Result<Map<String, Value>, _> = serde_json::from_str(text);
    let mut raw = raw.map_err(|error| Wrong::Json(error.to_string()))?;
    if Object::root(&raw).text("name")?.unwrap_or_default() == "" {
        set(&mut raw, "name", Value::from(name));
    }
    Ok(Some(Network::read(&Object::root(&raw))?))
}

/// Which namespaces' objects a pod may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Its own ones, and those of `global`.
    isolated: bool,
    global: Vec<String>,
}

impl Reach {
    /// `namespaceIsolation` and `globalNamespaces`.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(root: &Object<'_>) -> Result<Self, FieldError> {
        let global = match root.get("globalNamespaces") {
            Some(field) => {
                let names = field.text()?.split(',').map(str::trim);
                names.map(str::to_owned).collect()
            }
            None => vec![GLOBAL.to_owned()],
        };
        Ok(Reach {
            isolated: root.bool("namespaceIsolation")?.unwrap_or(true),
            global,
        })
    }

    fn reaches(&self, own: Option<&str>, namespace: &str) -> bool {
        !self.isolated
            || own == Some(namespace)
            || self.global.iter().any(|global| global == namespace)
    }
}

/// The container's namespace, if it has one.
///
/// # Errors
/// Names a field of the wrong type.
pub(crate) fn namespace(context: &Context<'_>) -> Result<Option<String>, FieldError> {
    let pods = context.args.get("K8S_POD_NAMESPACE").map(str::to_owned);
    match pods.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => Ok(Some(namespace)),
        None => {
            let said = labels(context.conf, context.args, NAMESPACE)?;
            Ok(said.into_iter().next().map(|label| label.value))
        }
    }
}

/// The pod, where the runtime says which it is.
pub(crate) fn pod(context: &Context<'_>, wait: bool) -> Option<Pod> {
    let arg = |key: &str| context.args.get(key).filter(|value| !value.is_empty());
    Some(Pod {
        namespace: arg("K8S_POD_NAMESPACE")?.to_owned(),
        name: arg("K8S_POD_NAME")?.to_owned(),
        uid: arg("K8S_POD_UID").map(str::to_owned),
        wait,
    })
}

/// Definitions that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    own: Option<String>,
    asked: BTreeMap<Name, Answer>,
}

/// What is known of one.
#[derive(Debug, Clone)]
enum Answer {
    Known(Option<Map<String, Value>>),
    Unknown,
    /// Nobody could be asked.
    Failed(Failure),
}

impl Definitions {
    /// `own`: the container's namespace.
    pub(crate) fn new(own: Option<String>) -> Self {
        Definitions {
            own,
            asked: BTreeMap::new(),
        }
    }

    /// Which object it would be; none: it names no namespace, and is in none.
    fn name(&self, of: &Selection) -> Option<Name> {
        let given = of.namespace.as_ref().map(NetworkName::as_str);
        Some(Name {
            namespace: given.or(self.own.as_deref())?.to_owned(),
            name: of.name.as_str().to_owned(),
        })
    }

    /// Takes an answer about all that `of` names.
    pub(crate) fn told(&mut self, found: Found, of: &[Selection]) {
        for selection in of {
            let name = self.name(selection);
            self.asked.extend(name.map(|name| (name, Answer::Unknown)));
        }
        for definition in found.definitions {
            let known = Answer::Known(definition.config);
            self.asked.insert(definition.name, known);
        }
    }

    /// Asks for all of these that are not known yet, in one request. What is none of the container's business is not
    /// asked for.
    pub(crate) fn ask<'s>(
        &mut self,
        of: impl Iterator<Item = &'s Selection>,
        reach: &Reach,
        daemon: &dyn Ask,
    ) {
        let mut names = Vec::new();
        for name in of.filter_map(|selection| self.name(selection)) {
            let reached = reach.reaches(self.own.as_deref(), &name.namespace);
            if reached && !self.asked.contains_key(&name) && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return;
        }
        let found = daemon.find(Find {
            names: names.clone(),
            pod: None,
        });
        let (answer, found) = match found {
            Ok(found) => (Answer::Unknown, found),
            Err(failure) => (Answer::Failed(failure), Found::default()),
        };
        let all = names.into_iter().map(|name| (name, answer.clone()));
        self.asked.extend(all);
        self.told(found, &[]);
    }

    /// The network of an object.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn find(&self, of: &Selection, reach: &Reach) -> Result<Network, NotDefined> {
        let Some(name) = self.name(of) else {
            return Err(NotDefined::Nowhere);
        };
        let title = format!("{}/{}", name.namespace, name.name);
        if !reach.reaches(self.own.as_deref(), &name.namespace) {
            return Err(NotDefined::Isolated(title, self.own.clone()));
        }
        match self.asked.get(&name) {
            Some(Answer::Known(Some(config))) => {
                // The daemon has judged it by the same words; but it is called as root here.
                let network = Network::read(&Object::root(config));
                network.map_err(|error| NotDefined::Wrong(title, error))
            }
            Some(Answer::Known(None)) => Err(NotDefined::OnTheNode(title)),
            Some(Answer::Unknown) => Err(NotDefined::Unknown(title)),
            Some(Answer::Failed(failure)) => Err(NotDefined::Failed(title, failure.clone())),
            None => Err(NotDefined::Nowhere),
        }
    }
}

/// Why there is no network of an object, `NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDefined {
    /// No object is meant.
    Nowhere,
    /// There is no such object.
    Unknown(String),
    /// It is of a namespace that is none of the container's business, which is in this one.
    Isolated(String, Option<String>),
    /// It says that the node has the network.
    OnTheNode(String),
    /// It is not valid.
    Wrong(String, FieldError),
    /// Nobody could be asked.
    Failed(String, Failure),
}

impl NotDefined {
    /// The error's code.
    pub(crate) fn code(&self) -> Code {
        match self {
            // What nobody could be asked for may be there.
            NotDefined::Failed(_, failure) => failure.code,
            _ => Code::INVALID_CONFIG,
        }
    }
}

impl fmt::Display for NotDefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIND: &str = "NetworkAttachmentDefinition";
        match self {
            NotDefined::Nowhere => Ok(()),
            NotDefined::Unknown(title) => write!(f, ", nor is there a {KIND} {title}"),
            NotDefined::Isolated(title, Some(own)) => {
                write!(f, ", and {KIND} {title} is not for namespace {own:?}")
            }
            NotDefined::Isolated(title, None) => {
                write!(f, ", and {KIND} {title} is not for what is in no namespace")
            }
            NotDefined::OnTheNode(title) => {
                write!(
                    f,
                    ", but {KIND} {title} has no spec.config and leaves it to the node"
                )
            }
            NotDefined::Wrong(title, error) => write!(f, ", and {KIND} {title}: {error}"),
            NotDefined::Failed(title, failure) => write!(
                f,
                ", and whether there is a {KIND} {title} only fairwayd knows: {}",
                failure.msg
            ),
        }
    }
}

#[cfg(test)]
mod tests;
