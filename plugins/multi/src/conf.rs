//! The plugin's own configuration.
//!
//! | key | meaning |
//! |---|---|
//! | `delegates` | networks: configurations or lists |
//! | `clusterNetwork` | the name of the container's first network; the first of `delegates` |
//! | `defaultNetworks` | what every container gets besides; the other `delegates` |
//! | `confDir` | where networks are that stand in no `delegates` |
//! | `annotationsFrom` | who says what a pod asks for: the runtime alone, or where it does not the daemon |
//! | `namespaceIsolation`, `globalNamespaces` | whose definitions a pod may name |
//! | `stateDir` | where it is kept what a container has |

use crate::{
    definition::{Ask, Definitions, Reach},
    error::Error,
    folder::{self, Found},
    network::Network,
    selection::{self, Selection},
    store,
};
use fairway_cni::{Field, FieldError, NetworkName, Object};
use serde_json::Map;
use std::path::PathBuf;

/// What it says.
#[derive(Debug)]
pub struct MultiConf {
    /// `delegates`.
    pub delegates: Vec<Network>,
    /// The container's first network, and who says so.
    pub first: Selection,
    /// What every container gets besides.
    pub others: Vec<Selection>,
    /// `confDir`.
    pub folder: PathBuf,
    /// `annotationsFrom` is the daemon: what a pod asks for is asked of it, where the runtime does not say so.
    pub from_daemon: bool,
    /// Whose definitions a pod may name.
    pub reach: Reach,
}

impl MultiConf {
    /// Reads it.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(root: &Object<'_>) -> Result<Self, FieldError> {
        let mut delegates: Vec<Network> = Vec::new();
        for item in root.items("delegates")? {
            let object = item.object()?;
            let network = Network::read(&object)?;
            let name = network.name();
            if delegates.iter().any(|other| other.name() == name) {
                let value = format_args!("{:?}", name.as_str());
                return Err(object.invalid("name", value, "is another delegate's"));
            }
            delegates.push(network);
        }
        let first = match root.get("clusterNetwork") {
            Some(field) => named(&field, field.parse()?),
            None => match delegates.first() {
                Some(network) => delegate(0, network),
                None => {
                    return Err(FieldError::Missing {
                        path: "delegates".to_owned(),
                    });
                }
            },
        };
        let others = match root.get("defaultNetworks") {
            Some(field) => selection::parse_list(&field)?,
            None => {
                let others = delegates.iter().enumerate();
                let others = others.filter(|(_, network)| *network.name() != first.name);
                others
                    .map(|(index, network)| delegate(index, network))
                    .collect()
            }
        };
        if others.len() > selection::MAX {
            let reason = format!(
                "a container has {} further networks at most",
                selection::MAX
            );
            return Err(root.invalid("delegates", others.len(), reason));
        }
        Ok(MultiConf {
            first,
            others,
            folder: path(root, "confDir")?.unwrap_or_else(|| folder::DEFAULT.into()),
            from_daemon: from_daemon(root)?,
            reach: Reach::read(root)?,
            delegates,
        })
    }

    /// Networks by name: a delegate, else what the folder has; that is only read if need be.
    pub(crate) fn networks(&self) -> Networks<'_> {
        Networks {
            conf: self,
            found: None,
            definitions: Definitions::default(),
        }
    }
}

/// `stateDir`, which DEL must know whatever else is wrong.
///
/// # Errors
/// Names the field.
pub(crate) fn state_dir(root: &Object<'_>) -> Result<PathBuf, FieldError> {
    Ok(path(root, "stateDir")?.unwrap_or_else(|| store::DEFAULT.into()))
}

/// Looks networks up.
pub(crate) struct Networks<'a> {
    conf: &'a MultiConf,
    found: Option<Found>,
    definitions: Definitions,
}

impl Networks<'_> {
    /// The network that is asked for: of a container's own ones one that an object defines, too.
    pub(crate) fn find(&mut self, asked: &Selection) -> Result<Network, Error> {
        if let Some(network) = self.on_the_node(asked)? {
            return Ok(network);
        }
        match self.definitions.find(asked, &self.conf.reach) {
            Ok(network) => Ok(network),
            Err(defined) => Err(Error::Unknown {
                field: asked.field.clone(),
                name: asked.name.as_str().to_owned(),
                folder: self.conf.folder.clone(),
                unread: self
                    .found
                    .iter()
                    .flat_map(|found| found.unread.clone())
                    .collect(),
                defined: Box::new(defined),
            }),
        }
    }

    /// Takes what was learnt of definitions, and has those asked for that are named here and not on the node.
    pub(crate) fn define(
        &mut self,
        mut definitions: Definitions,
        named: &[Selection],
        daemon: &dyn Ask,
    ) -> Result<(), Error> {
        let mut elsewhere = Vec::new();
        for selection in named {
            if self.on_the_node(selection)?.is_none() {
                elsewhere.push(selection);
            }
        }
        definitions.ask(elsewhere.into_iter(), &self.conf.reach, daemon);
        self.definitions = definitions;
        Ok(())
    }

    /// A delegate, else what the folder has, which is only read if need be.
    fn on_the_node(&mut self, asked: &Selection) -> Result<Option<Network>, Error> {
        let mut delegates = self.conf.delegates.iter();
        if let Some(network) = delegates.find(|network| *network.name() == asked.name) {
            return Ok(Some(network.clone()));
        }
        let found = match self.found.take() {
            Some(found) => found,
            None => folder::read(&self.conf.folder)?,
        };
        let found = self.found.insert(found);
        Ok(found.named(&asked.name).cloned())
    }
}

/// `annotationsFrom`.
fn from_daemon(root: &Object<'_>) -> Result<bool, FieldError> {
    match root.text("annotationsFrom")? {
        None | Some("runtime") => Ok(false),
        Some("daemon") => Ok(true),
        Some(other) => {
            let reason = "must be \"runtime\" or \"daemon\"";
            Err(root.invalid("annotationsFrom", format_args!("{other:?}"), reason))
        }
    }
}

fn delegate(index: usize, network: &Network) -> Selection {
    plain(format!("delegates[{index}]"), network.name().clone())
}

fn named(field: &Field<'_>, name: NetworkName) -> Selection {
    plain(field.path().to_owned(), name)
}

fn plain(field: String, name: NetworkName) -> Selection {
    Selection {
        field,
        name,
        namespace: None,
        ifname: None,
        wishes: Vec::new(),
        default_route: None,
        cni_args: Map::new(),
    }
}

fn path(root: &Object<'_>, key: &str) -> Result<Option<PathBuf>, FieldError> {
    let Some(text) = root.text(key)? else {
        return Ok(None);
    };
    let path = PathBuf::from(text);
    if !path.is_absolute() || text.contains('\0') {
        return Err(root.invalid(key, format_args!("{text:?}"), "is no absolute path"));
    }
    Ok(Some(path))
}

#[cfg(test)]
mod tests;
