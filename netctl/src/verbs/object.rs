//! `netctl apply`, `netctl get` and `netctl delete`: objects as administrators write them.

use crate::{
    args_policy::ObjectName,
    cli::usage,
    document::{Answer, Job},
    error::NetctlError,
    manifest,
    sheet::{Cell, Sheet, Tone},
    verbs::objects::Objects,
};
use clap::Args;
use fairway_api::{
    ClientError, ErrorBody, Method,
    admin::{Applied, ObjectApply, ObjectList, ObjectRef},
};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// YAML or JSON with any number of objects; of a folder its *.yaml, *.yml and *.json, by name; `-`:
    /// standard input. Give it again for more
    #[arg(short, long, value_name = "FILE|DIR|-", required = true)]
    file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// NetworkPolicy (netpol), ClusterNetworkPolicy (cnp), IPPool, IPClaim, Network, RateLimit, BgpConfig,
    /// BgpPeer, Namespace (ns), Pod (po) or NetworkAttachmentDefinition (net-attach-def)
    kind: String,
    /// Its name, or NAMESPACE/NAME
    name: Option<ObjectName>,
    /// Of this namespace only
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Of all namespaces: as it is without --namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// NetworkPolicy (netpol), ClusterNetworkPolicy (cnp), IPPool, IPClaim, Network, RateLimit, BgpConfig,
    /// BgpPeer, Namespace (ns), Pod (po) or NetworkAttachmentDefinition (net-attach-def)
    kind: String,
    /// NAMESPACE/NAME, or its name where the kind has no namespaces
    name: ObjectName,
    /// Its namespace, where the name does not say it
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
}

impl Apply {
    /// Reads all, then asks once.
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        let (mut objects, mut places) = (Vec::new(), Vec::new());
        for object in manifest::read(&self.file)? {
            objects.push(object.value);
            places.push(object.place);
        }
        let method = Method::ObjectApply(ObjectApply { objects });
        Ok(Job::asking(method, move |client, method, progress| {
            let answer = client.list::<Applied>(method, progress);
            answer.map_err(|error| match error {
                ClientError::Refused(body) => ClientError::Refused(placed(body, &places)),
                other => other,
            })
        }))
    }
}

/// All that is wrong, a line each. An object without a name is told by its number: its place says more.
fn placed(body: ErrorBody, places: &[String]) -> ErrorBody {
    let line = |line: &str| {
        let number = line
            .strip_prefix("objects[")
            .and_then(|rest| rest.split_once(']'));
        let place = number.and_then(|(number, rest)| {
            let place = places.get(number.parse::<usize>().ok()?)?;
            Some(format!("{place}{rest}"))
        });
        place.unwrap_or_else(|| line.to_owned())
    };
    let lines = body.message.lines().chain(body.details.lines());
    ErrorBody {
        message: lines.map(line).collect::<Vec<_>>().join("\n        "),
        details: String::new(),
        ..body
    }
}

impl Get {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        let (namespace, name) = match &self.name {
            Some(name) => {
                let (namespace, name) = within(name, self.namespace.as_ref())?;
                (namespace, Some(name))
            }
            None => (self.namespace.clone(), None),
        };
        let named = name.is_some();
        let kind = self.kind.clone();
        let method = Method::ObjectList(ObjectList {
            kind,
            namespace,
            name,
        });
        Ok(Job::listed(method, move |objects| Objects::new(objects, named)).watchable())
    }
}

impl Delete {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        let (namespace, name) = within(&self.name, self.namespace.as_ref())?;
        let kind = self.kind.clone();
        Ok(Job::new::<Applied>(Method::ObjectRemove(ObjectRef {
            kind,
            namespace,
            name,
        })))
    }
}

fn within(
    name: &ObjectName,
    namespace: Option<&String>,
) -> Result<(Option<String>, String), NetctlError> {
    name.within(namespace)
        .ok_or_else(|| usage(&format!("--namespace: {name} says its namespace already")))
}

impl Answer for Applied {
    fn sheet(&self) -> Sheet {
        sheet(std::slice::from_ref(self))
    }
}

impl Answer for Vec<Applied> {
    fn sheet(&self) -> Sheet {
        sheet(self)
    }
}

fn sheet(all: &[Applied]) -> Sheet {
    let mut sheet = Sheet::new(
        &["KIND", "NAMESPACE?", "NAME", "DONE"],
        "nothing was applied",
    );
    for one in all {
        let object = &one.object;
        sheet.row([
            Cell::from(&object.kind),
            super::maybe(object.namespace.as_ref()),
            Cell::from(&object.name),
            Cell::from(&one.done).tone(match one.done.as_str() {
                "unchanged" => Tone::Plain,
                "deleted" => Tone::Mind,
                _ => Tone::Good,
            }),
        ]);
        for warning in &one.warnings {
            sheet.note(format!(
                "warning: {} {}: {warning}",
                object.kind,
                title(object)
            ));
        }
    }
    sheet
}

/// `NAMESPACE/NAME`, or the name alone.
pub(super) fn title(object: &ObjectRef) -> String {
    match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.clone(),
    }
}
