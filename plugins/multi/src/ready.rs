//! STATUS: of the networks that every container gets, and of the daemon where nobody else says what pods ask for. A network
//! that only some ask for makes no node unusable.

use crate::{
    conf::{MultiConf, state_dir},
    definition::Ask,
    wire,
};
use fairway_api::definition::Find;
use fairway_cluster_ipam::daemon::as_status;
use fairway_cni::{Code, Context, Failure};
use std::{fs, io};

pub(crate) fn status(context: &Context<'_>, daemon: &dyn Ask) -> Result<(), Failure> {
    let root = context.conf.root();
    let conf = MultiConf::read(&root)?;
    let mut networks = conf.networks();
    for selection in std::iter::once(&conf.first).chain(&conf.others) {
        let network = networks.find(selection)?;
        let failures = wire::status(&network, context.delegates);
        Failure::collect(failures).map_or(Ok(()), Err)?;
    }
    if conf.from_daemon {
        daemon.find(Find::default()).map_err(as_status)?;
    }
    let folder = state_dir(&root)?;
    match fs::symlink_metadata(&folder) {
        Ok(meta) if !meta.is_dir() => Err(unavailable(format_args!(
            "stateDir: {} is no folder",
            folder.display()
        ))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(format_args!(
            "stateDir: {}: {error}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

fn unavailable(msg: std::fmt::Arguments<'_>) -> Failure {
    Failure::new(Code::UNAVAILABLE, msg.to_string())
}
