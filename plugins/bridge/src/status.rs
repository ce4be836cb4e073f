//! STATUS: would an ADD succeed?

use crate::conf::BridgeConf;
use fairway_cluster_ipam::{Daemon, policy};
use fairway_cni::{Code, Context, Failure};
use fairway_netlink::{Handle, Netlink as _};

pub(crate) fn status(context: &Context<'_>) -> Result<(), Failure> {
    let conf = BridgeConf::parse(context)?;
    let unavailable = |reason: String| Failure::new(Code::UNAVAILABLE, reason);
    let mut host = Handle::open().map_err(|error| unavailable(error.to_string()))?;
    let link = host
        .link_by_name(conf.bridge.as_str())
        .map_err(|error| unavailable(error.to_string()))?;
    if link.is_some_and(|link| !link.is_bridge()) {
        return Err(unavailable(format!(
            "bridge: {:?} exists and is not a bridge",
            conf.bridge.as_str()
        )));
    }
    if conf.policy {
        policy::status(&Daemon::from_env())?;
    }
    match context.ipam()? {
        Some(ipam) => ipam.status(),
        None => Ok(()),
    }
}
