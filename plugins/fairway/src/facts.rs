//! What is known of a container: by the runtime, by whoever wrote the workload, by the configuration.
//!
//! Each value carries the field that it was read from, since the daemon, which alone can judge most of
//! them, answers in the plugin's name: "pod annotation: fairway.network/pool: …" and not "no such pool".

use crate::Error;
use fairway_api::ipam::{Facts, Sourced};
use fairway_cni::{
    CniArgs, FieldError, NetConf, Route,
    asked::{self, Asked},
    labels::{self, labels},
};
use std::net::IpAddr;

/// What an ADD is to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// For the daemon.
    pub facts: Facts,
    /// `ipam.routes`, for the result.
    pub routes: Vec<Route>,
}

impl Wanted {
    /// Reads all of it. What counts most: `runtimeConfig`, then `args.cni`, `CNI_ARGS`, a Mesos task's
    /// labels and addresses, and last the keys of `ipam`, which hold for all containers of the network.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn read(conf: &NetConf, args: &CniArgs) -> Result<Self, Error> {
        let ipam = conf.root().require("ipam")?.object()?;
        let said = |key: &str| -> Result<Option<Sourced<String>>, FieldError> {
            let first = labels(conf, args, key)?.into_iter().next();
            Ok(first.map(|label| Sourced {
                value: label.value,
                field: label.field,
            }))
        };
        let or_key = |label: &str, key: &str| match said(label)? {
            Some(value) => Ok::<_, FieldError>(Some(value)),
            None => Ok(ipam.text(key)?.map(|value| Sourced {
                value: value.to_owned(),
                field: format!("ipam.{key}"),
            })),
        };
        let arg = |key: &str| {
            let value = args.get(key).filter(|value| !value.is_empty());
            value.map(ToOwned::to_owned)
        };
        let routes = ipam.items("routes")?;
        let routes = routes
            .iter()
            .map(|route| Route::from_json(&route.object()?));
        Ok(Wanted {
            facts: Facts {
                namespace: arg("K8S_POD_NAMESPACE"),
                pod: arg("K8S_POD_NAME"),
                owner: said(labels::OWNER)?,
                claim: or_key(labels::CLAIM, "claim")?,
                pool: or_key(labels::POOL, "pool")?,
                release: or_key(labels::RELEASE, "release")?,
                handover: or_key(labels::HANDOVER, "handover")?,
                addresses: addresses(conf, args)?,
            },
            routes: routes.collect::<Result<_, _>>()?,
        })
    }

    /// `ipam.pool`: what is known where there is no container.
    ///
    /// # Errors
    /// Names the first field that is wrong, of all that an ADD would read.
    pub fn pool(conf: &NetConf) -> Result<Option<Sourced<String>>, Error> {
        Ok(Wanted::read(conf, &CniArgs::default())?.facts.pool)
    }
}

/// At most one address of each family, from the place that counts most for it.
fn addresses(conf: &NetConf, args: &CniArgs) -> Result<Vec<Sourced<IpAddr>>, Error> {
    let mut asked = asked::addresses(conf, args)?;
    for label in labels(conf, args, labels::ADDRESS)? {
        asked.extend(asked::of_list(&label.value, &label.field, label.place)?);
    }
    asked.sort_by_key(|asked| asked.place);
    let mut chosen: Vec<Asked> = Vec::new();
    for next in asked {
        let family = |other: &&Asked| other.ip.is_ipv6() == next.ip.is_ipv6();
        match chosen.iter().find(family) {
            None => chosen.push(next),
            Some(first) if first.ip == next.ip || first.place < next.place => {}
            Some(first) => {
                return Err(Error::Surplus {
                    field: next.field,
                    ip: next.ip,
                    other: first.field.clone(),
                    first: first.ip,
                });
            }
        }
    }
    chosen.sort_by_key(|asked| asked.ip.is_ipv6());
    let sourced = |asked: Asked| Sourced {
        value: asked.ip,
        field: asked.field,
    };
    Ok(chosen.into_iter().map(sourced).collect())
}

#[cfg(test)]
mod tests;
