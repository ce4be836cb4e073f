//! STATUS: would an ADD succeed?

use crate::{
    conf::{VxlanConf, Wish},
    network::Network,
};
use fairway_cluster_ipam::{Daemon, daemon::as_status, policy};
use fairway_cni::{Code, Context, Failure};

pub(crate) fn status(context: &Context<'_>, daemon: &Daemon) -> Result<(), Failure> {
    let conf = VxlanConf::parse(context)?;
    fairway_netlink::Handle::open()
        .map_err(|error| Failure::new(Code::UNAVAILABLE, error.to_string()))?;
    let network = Network::ask(daemon, &conf).map_err(as_status)?;
    network.mtu(&conf)?;
    if conf.policy == Wish::Required {
        policy::status(daemon)?;
    }
    let context = Context {
        conf: &network.ipam_conf(&conf, context.conf)?,
        ..*context
    };
    context.ipam()?.map_or(Ok(()), |ipam| ipam.status())
}
