//! The five verbs.

use crate::{
    config::{Config, data_dir},
    error::StoreError,
    pool,
    request::{plan, requests},
    resolv,
    store::Store,
};
use fairway_cni::{
    Attachment, CniResult, Code, Context, Detach, Dns, Failure, Fault, GcAttachments, IpConfig,
    NetConf, Plugin, Sandbox,
};
use nix::unistd::{AccessFlags, access};
use std::{io, net::IpAddr, path::PathBuf};

/// host-local: addresses from ranges of this node's own, kept as files.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostLocal;

/// What CHECK and STATUS find.
#[derive(Debug, thiserror::Error)]
enum Finding {
    #[error("host-local: failed to find address added by container {id} for {ifname}")]
    NotReserved { id: String, ifname: String },
    #[error("host-local: {ip} is reserved for container {id} {ifname} and is not in prevResult")]
    NotInResult {
        ip: IpAddr,
        id: String,
        ifname: String,
    },
    #[error("host-local: {ip} is in prevResult and is not reserved for container {id} {ifname}")]
    NotHeld {
        ip: IpAddr,
        id: String,
        ifname: String,
    },
    #[error("{set}: no IP addresses available in range set: {ranges}")]
    Exhausted { set: String, ranges: String },
    #[error("ipam.dataDir: cannot write to {}: {source}", .path.display())]
    NotWritable { path: PathBuf, source: io::Error },
    #[error("ipam.resolvConf: cannot read {}: {source}", .path.display())]
    ResolvConf { path: PathBuf, source: io::Error },
}

impl Fault for Finding {
    fn code(&self) -> Code {
        match self {
            Finding::NotReserved { .. } | Finding::NotInResult { .. } | Finding::NotHeld { .. } => {
                Code::CHECK_FAILED
            }
            Finding::Exhausted { .. } | Finding::NotWritable { .. } => Code::UNAVAILABLE,
            Finding::ResolvConf { .. } => Code::IO,
        }
    }
}

/// The network's folder. Where the ranges cannot be read, the index keeps those that it was built for.
fn store(conf: &NetConf) -> Result<Store, Failure> {
    let spans = Config::read(conf)
        .map(|config| config.spans())
        .unwrap_or_default();
    Ok(Store::new(&data_dir(conf)?, &conf.name, spans))
}

impl Plugin for HostLocal {
    fn is_ipam(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Config::read(context.conf)?;
        data_dir(context.conf)?;
        requests(context.conf, context.args)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let conf = context.conf;
        let config = Config::read(conf)?;
        let requests = requests(conf, context.args)?;
        let wanted = plan(&requests, &config.sets)?;
        let dns = match config.resolv_conf.clone() {
            Some(path) => {
                resolv::read(&path).map_err(|source| Finding::ResolvConf { path, source })?
            }
            None => Dns::default(),
        };
        let store = Store::new(&data_dir(conf)?, &conf.name, config.spans());
        let Attachment {
            container_id,
            ifname,
        } = &sandbox.attachment;
        let given = pool::add(&store, &config.sets, &wanted, container_id, ifname)?;
        let ips = config.sets.iter().zip(given).filter_map(|(set, ip)| {
            let range = set.range_of(ip)?;
            Some(IpConfig {
                interface: None,
                address: range.with_prefix(ip),
                gateway: Some(range.gateway()),
            })
        });
        Ok(CniResult {
            ips: ips.collect(),
            routes: config.routes,
            dns,
            ..CniResult::default()
        })
    }

    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        let Attachment {
            container_id,
            ifname,
        } = &detach.attachment;
        report(pool::del(&store(context.conf)?, container_id, ifname)?)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let config = Config::read(context.conf)?;
        let prev = context.conf.prev_result()?;
        let Attachment {
            container_id,
            ifname,
        } = &sandbox.attachment;
        let names = || (container_id.to_string(), ifname.to_string());
        let held = pool::holdings(&store(context.conf)?, container_id, ifname)?;
        if held.is_empty() {
            let (id, ifname) = names();
            return Err(Finding::NotReserved { id, ifname }.into());
        }
        let Some(prev) = prev else {
            return Ok(());
        };
        // Addresses elsewhere may be another plugin's, or given out before the ranges were changed.
        let ours = |ip: &IpAddr| config.sets.iter().any(|set| set.contains(*ip));
        let told: Vec<_> = prev
            .ips
            .iter()
            .map(|ip| ip.address.ip().to_canonical())
            .collect();
        if let Some(ip) = held
            .iter()
            .copied()
            .find(|ip| ours(ip) && !told.contains(ip))
        {
            let (id, ifname) = names();
            return Err(Finding::NotInResult { ip, id, ifname }.into());
        }
        if let Some(ip) = told
            .iter()
            .copied()
            .find(|ip| ours(ip) && !held.contains(ip))
        {
            let (id, ifname) = names();
            return Err(Finding::NotHeld { ip, id, ifname }.into());
        }
        Ok(())
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        report(pool::gc(&store(context.conf)?, valid.iter())?)
    }

    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let config = Config::read(context.conf)?;
        let store = store(context.conf)?;
        let existing = store.folder.ancestors().find(|path| path.exists());
        if let Some(path) = existing {
            let unwritable = |errno: nix::Error| Finding::NotWritable {
                path: path.to_owned(),
                source: errno.into(),
            };
            access(path, AccessFlags::W_OK | AccessFlags::X_OK).map_err(unwritable)?;
        }
        match pool::exhausted(&store, &config.sets)? {
            None => Ok(()),
            Some(set) => Err(Finding::Exhausted {
                set: set.path().to_owned(),
                ranges: set.to_string(),
            }
            .into()),
        }
    }
}

fn report(errors: Vec<StoreError>) -> Result<(), Failure> {
    Failure::collect(errors.into_iter().map(Failure::from)).map_or(Ok(()), Err)
}
