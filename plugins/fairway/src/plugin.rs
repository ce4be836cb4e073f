//! The verbs.

use crate::{
    Daemon, Error,
    daemon::{as_status, attachment},
    error::failure,
    facts::Wanted,
};
use fairway_api::{
    ClientError, Method, Nothing,
    ipam::{self, Allocate, Allocated, Check, Collected, Gc, Headrooms, Netns, StatusQuery},
};
use fairway_cni::{
    CniResult, Confirmation, Context, Detach, Failure, GcAttachments, IpConfig, Plugin, Route,
    Sandbox,
};
use ipnetwork::IpNetwork;
use std::{fs, net::IpAddr, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

/// The plugin `fairway`.
#[derive(Debug, Clone, Default)]
pub struct Fairway {
    elsewhere: Option<Daemon>,
}

impl Fairway {
    /// It finds the daemon where the environment says, at each call.
    pub const fn new() -> Self {
        Fairway { elsewhere: None }
    }

    /// One that asks the daemon at `socket`, leaves its records in `released`, and waits for an answer no
    /// longer than `patience`.
    pub fn at(socket: &Path, released: &Path, patience: Duration) -> Self {
        Fairway {
            elsewhere: Some(Daemon::at(socket, released, patience)),
        }
    }

    fn daemon(&self) -> Daemon {
        self.elsewhere.clone().unwrap_or_else(Daemon::from_env)
    }
}

impl Plugin for Fairway {
    fn is_ipam(&self) -> bool {
        true
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        Wanted::read(context.conf, context.args)?;
        Ok(())
    }

    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let (result, confirmation) = self.add_ahead(context, sandbox)?;
        match confirmation.wait() {
            Ok(()) => Ok(result),
            Err(failure) => {
                let released = self
                    .daemon()
                    .release(attachment(context.conf, &sandbox.attachment));
                Err(and(failure, released))
            }
        }
    }

    /// The answer is there before it is durable; the confirmation waits until it is.
    fn add_ahead(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
    ) -> Result<(CniResult, Confirmation), Failure> {
        let wanted = Wanted::read(context.conf, context.args)?;
        let attachment = attachment(context.conf, &sandbox.attachment);
        let request = Allocate {
            attachment: attachment.clone(),
            netns: Some(netns(&sandbox.netns)?),
            facts: wanted.facts,
            early: true,
        };
        let daemon = self.daemon();
        let answer = daemon
            .connect()
            .and_then(|client| client.allocate_early(request));
        let (allocated, pending) = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(unanswered(&daemon, attachment, error)),
        };
        match result(&allocated, wanted.routes) {
            Ok(result) => {
                let wait = move || pending.wait().map(drop).map_err(failure);
                Ok((result, Confirmation::after(wait)))
            }
            Err(error) => {
                drop(pending);
                Err(and(error.into(), daemon.release(attachment)))
            }
        }
    }

    /// Succeeds without the daemon too, with a record for it.
    fn del(&self, context: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        let attachment = attachment(context.conf, &detach.attachment);
        Ok(self.daemon().release(attachment)?)
    }

    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        Wanted::read(context.conf, context.args)?;
        let prev = context.conf.require_prev_result()?;
        let check = Check {
            attachment: attachment(context.conf, &sandbox.attachment),
            addresses: own(&prev, sandbox),
        };
        let Nothing {} = self.daemon().call(Method::Check(check))?;
        Ok(())
    }

    fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Result<(), Failure> {
        let keep = valid
            .iter()
            .map(|(id, ifname)| (id.to_owned(), ifname.to_owned()));
        let gc = Gc {
            network: context.conf.name.to_string(),
            keep: keep.collect(),
        };
        let _: Collected = self.daemon().call(Method::Gc(gc))?;
        Ok(())
    }

    /// Would an ADD from `ipam.pool` get an address?
    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        let pool = Wanted::pool(context.conf)?;
        let answer = self
            .daemon()
            .call::<Headrooms>(Method::Status(StatusQuery { pool }));
        answer.map(drop).map_err(as_status)
    }
}

/// The namespace's path and identity: by these the daemon sees that it has gone.
fn netns(path: &str) -> Result<Netns, Error> {
    let meta = fs::metadata(path).map_err(|source| Error::Netns {
        path: path.to_owned(),
        source,
    })?;
    Ok(Netns {
        path: path.to_owned(),
        device: meta.dev(),
        inode: meta.ino(),
    })
}

/// What to tell of an ADD that was not answered. The daemon may have allocated all the same, and have died
/// or been too slow over it: then that is released. One that was too slow is not asked again.
fn unanswered(daemon: &Daemon, attachment: ipam::Attachment, error: ClientError) -> Failure {
    let released = match &error {
        error if !error.outcome_unknown() => Ok(()),
        ClientError::TimedOut { .. } => daemon.leave_record(attachment, &error),
        _ => daemon.release(attachment),
    };
    and(failure(error), released)
}

/// A failure, and what became of undoing.
fn and(failure: Failure, undone: Result<(), Error>) -> Failure {
    let left = undone.err().map(Failure::from);
    left.into_iter().fold(failure, |failure, left| {
        failure.with_detail(left.to_string())
    })
}

fn result(allocated: &Allocated, routes: Vec<Route>) -> Result<CniResult, Error> {
    let ip = |address: &ipam::Address| {
        let ipam::Address { ip, prefix, .. } = *address;
        let network = IpNetwork::new(ip, prefix).map_err(|_| Error::Prefix { ip, prefix })?;
        Ok(IpConfig {
            interface: None,
            address: network,
            gateway: address.gateway,
        })
    };
    Ok(CniResult {
        ips: allocated
            .addresses
            .iter()
            .map(ip)
            .collect::<Result<_, Error>>()?,
        routes,
        ..CniResult::default()
    })
}

/// The addresses in a result that are this attachment's: those on its interface, and those of which no
/// interface is told. Others are those of plugins that were chained.
fn own(prev: &CniResult, sandbox: &Sandbox) -> Vec<IpAddr> {
    let here = |ip: &&IpConfig| {
        let interface = ip.interface.and_then(|index| prev.interfaces.get(index));
        interface.is_none_or(|interface| interface.name == sandbox.attachment.ifname.as_str())
    };
    let address = |ip: &IpConfig| ip.address.ip();
    prev.ips.iter().filter(here).map(address).collect()
}
