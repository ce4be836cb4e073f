//! What a container is to have: its first network, what every container gets, and what its own annotation asks for.
//!
//! All of it is judged before anything is done: that each network is known, that each interface has a name of its
//! own, that somebody can do what is asked for.

use crate::{
    conf::{MultiConf, Networks},
    definition::{self, Ask, Definitions},
    error::Error,
    identity,
    network::{inherit_args, merge_cni_args, without_reserved},
    selection::{self, Selection},
    wire::Wire,
};
use fairway_api::definition::Find;
use fairway_cni::{
    Context, FieldError, IfName,
    labels::{NETWORKS, labels},
    runtime_config,
};

/// The wires of a container, the first network's first.
///
/// # Errors
/// Names the field that is wrong, in the configuration or in what the workload says.
pub(crate) fn wires(
    conf: &MultiConf,
    context: &Context<'_>,
    ifname: &IfName,
    daemon: &dyn Ask,
) -> Result<Vec<Wire>, Error> {
    let asked = asked(conf, context, (daemon, true))?;
    let others = others(conf, &asked)?;
    let mut networks = conf.networks();
    networks.define(asked.definitions, &asked.networks, daemon)?;
    let mut wires = vec![first(conf, context, &mut networks, ifname)?];
    for (index, selection) in others.iter().enumerate() {
        let wire = further(selection, index, context, &mut networks)?;
        if let Some(other) = wires.iter().find(|other| other.ifname == wire.ifname) {
            let other = match other.ifname == *ifname {
                true => "CNI_IFNAME".to_owned(),
                false => other.field.clone(),
            };
            return Err(Error::Twice {
                field: match selection.ifname {
                    Some(_) => format!("{}.interface", selection.field),
                    None => selection.field.clone(),
                },
                ifname: wire.ifname.as_str().to_owned(),
                other,
            });
        }
        wires.push(wire);
    }
    Ok(wires)
}

/// As much as can be had, for a DEL that finds nothing written down, and what could not.
pub(crate) fn whatever_can_be(
    conf: &MultiConf,
    context: &Context<'_>,
    ifname: &IfName,
    daemon: &dyn Ask,
) -> (Vec<Wire>, Vec<Error>) {
    let (mut wires, mut errors) = (Vec::new(), Vec::new());
    let mut networks = conf.networks();
    let asked = asked(conf, context, (daemon, false)).unwrap_or_else(|error| {
        errors.push(error);
        Asked::default()
    });
    let others = others(conf, &asked).unwrap_or_else(|error| {
        errors.push(error.into());
        conf.others.clone()
    });
    errors.extend(
        networks
            .define(asked.definitions, &asked.networks, daemon)
            .err(),
    );
    let mut note = |wire: Result<Wire, Error>| match wire {
        Ok(wire) => wires.push(wire),
        Err(error) => errors.push(error),
    };
    note(first(conf, context, &mut networks, ifname));
    for (index, selection) in others.iter().enumerate() {
        note(further(selection, index, context, &mut networks));
    }
    (wires, errors)
}

/// What a container asks for itself, and what was learnt of it on the way.
#[derive(Default)]
struct Asked {
    /// Where it stands.
    field: String,
    networks: Vec<Selection>,
    definitions: Definitions,
}

/// By whoever says it, of all who can the one that counts most; by the daemon where it is to be asked and nobody else
/// does. `wait`: for an object that has not come there yet.
fn asked(
    conf: &MultiConf,
    context: &Context<'_>,
    (daemon, wait): (&dyn Ask, bool),
) -> Result<Asked, Error> {
    let mut asked = Asked {
        definitions: Definitions::new(definition::namespace(context)?),
        ..Asked::default()
    };
    let said = labels(context.conf, context.args, NETWORKS)?;
    let mut said = said
        .into_iter()
        .next()
        .map(|label| (label.field, label.value));
    let mut answer = None;
    if said.is_none()
        && conf.from_daemon
        && let Some(pod) = definition::pod(context, wait)
    {
        let found = daemon.find(Find {
            names: Vec::new(),
            pod: Some(pod),
        });
        let mut found = found.map_err(Error::Daemon)?;
        let networks = found.networks.take();
        said = networks.map(|networks| (format!("pod annotation: {NETWORKS}"), networks));
        answer = Some(found);
    }
    if let Some((field, text)) = said {
        asked.networks = selection::parse(&text, &field)?;
        asked.field = field;
    }
    if let Some(found) = answer {
        asked.definitions.told(found, &asked.networks);
    }
    Ok(asked)
}

/// What every container gets, then what this one asks for.
fn others(conf: &MultiConf, asked: &Asked) -> Result<Vec<Selection>, FieldError> {
    let mut all = conf.others.clone();
    let leads = |asked: &Selection| asked.default_route.is_some();
    if asked.networks.iter().any(leads) {
        for other in &mut all {
            other.default_route = None;
        }
    }
    all.extend(asked.networks.iter().cloned());
    match all.len() {
        0..=selection::MAX => Ok(all),
        many => Err(FieldError::Value {
            path: asked.field.clone(),
            value: format!("{many} networks with those of the configuration"),
            reason: format!(
                "a container has {} further networks at most",
                selection::MAX
            ),
        }),
    }
}

/// The first network gets what the runtime says: `runtimeConfig`, `args` and `CNI_ARGS` are about that one.
fn first(
    conf: &MultiConf,
    context: &Context<'_>,
    networks: &mut Networks<'_>,
    ifname: &IfName,
) -> Result<Wire, Error> {
    let args = context.conf.root().get("args");
    let network = networks.find(&conf.first)?.with_plugins(|plugin| {
        without_reserved(plugin);
        if let Some(args) = &args {
            inherit_args(plugin, args.value());
        }
    })?;
    Ok(Wire {
        title: title(&conf.first, context),
        ifname: ifname.clone(),
        runtime: runtime_config(context.conf)?,
        args: context.args.raw().to_owned(),
        field: conf.first.field.clone(),
        default_route: None,
        network,
    })
}

/// A further one gets what is asked for there, and who the container is.
fn further(
    selection: &Selection,
    index: usize,
    context: &Context<'_>,
    networks: &mut Networks<'_>,
) -> Result<Wire, Error> {
    let network = networks.find(selection)?;
    for wish in &selection.wishes {
        if !network.is_capable(wish.capability) {
            return Err(Error::Incapable {
                field: format!("{}.{}", selection.field, wish.key),
                network: network.name().as_str().to_owned(),
                capability: wish.capability,
            });
        }
    }
    let labels = identity::labels(context)?;
    let network = network.with_plugins(|plugin| {
        without_reserved(plugin);
        if !selection.cni_args.is_empty() {
            merge_cni_args(plugin, &selection.cni_args);
        }
        identity::put(plugin, &labels);
    })?;
    let wishes = selection.wishes.iter();
    let ifname = match &selection.ifname {
        Some(ifname) => ifname.clone(),
        None => numbered(selection, index + 1)?,
    };
    Ok(Wire {
        title: title(selection, context),
        ifname,
        runtime: wishes
            .map(|wish| (wish.capability.to_owned(), wish.value.clone()))
            .collect(),
        args: identity::args(context.args.raw()),
        field: selection.field.clone(),
        default_route: selection.default_route.clone(),
        network,
    })
}

/// `net1`, `net2`, …: by its place among the further networks, as Multus has it.
fn numbered(selection: &Selection, number: usize) -> Result<IfName, FieldError> {
    let name = format!("net{number}");
    name.parse().map_err(|error| FieldError::Value {
        path: selection.field.clone(),
        value: name,
        reason: format!("{error}"),
    })
}

fn title(selection: &Selection, context: &Context<'_>) -> String {
    let own = selection.namespace.as_ref().map(|name| name.as_str());
    let pods = context.args.get("K8S_POD_NAMESPACE");
    match own.or(pods).filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{namespace}/{}", selection.name),
        None => selection.name.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
