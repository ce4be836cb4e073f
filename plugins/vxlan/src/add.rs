//! ADD.
//!
//! The order: everything is read, the interface must be free, the daemon says what the network is like, and
//! only then is there an address and a pair of links. The host's end is down until the daemon has it guarded, the
//! container's until its rates are kept, and its policy is in the kernel before anybody is told of the container. That the container is reached is asked for last, when
//! the address is the container's for good: until then a failure undoes all.

use crate::{
    conf::VxlanConf,
    links,
    network::{Network, ready},
    shape::shape,
};
use fairway_cluster_ipam::{
    Daemon, Policy, daemon,
    policy::Enforce,
    rates::{Asking, Keep},
};
use fairway_cni::{CniResult, Confirmation, Context, Failure, Sandbox, Steps};
use fairway_iface::{Dad, Error, Kernel, Owner, PairSpec, container, forward, ipam, veth};
use std::net::IpAddr;

pub(crate) fn add(
    context: &Context<'_>,
    sandbox: &Sandbox,
    daemon: &Daemon,
) -> Result<CniResult, Failure> {
    let conf = VxlanConf::parse(context)?;
    let dns = context.conf.dns()?;
    let mut kernel = Kernel::open(&sandbox.netns)?;
    veth::must_be_free(
        kernel.container.as_mut(),
        sandbox.attachment.ifname.as_str(),
    )?;
    let policy = conf.policy(context, &sandbox.attachment)?;
    let network = Network::ask(daemon, &conf)?;
    let reached = {
        let (daemon, network) = (daemon.clone(), conf.network.clone());
        let attachment = daemon::attachment(context.conf, &sandbox.attachment);
        move |addresses| ready(&daemon, attachment, network, addresses)
    };
    let asks = Asks {
        policy: policy.as_ref(),
        enforce: daemon,
        rates: &conf.asking(context, sandbox)?,
        keep: daemon,
    };
    let wanted = (&conf, &network);
    let mut result = run(&mut kernel, context, sandbox, wanted, asks, reached)?;
    if !dns.is_empty() {
        result.dns = dns;
    }
    Ok(result)
}

/// What is asked of the daemon (no policy outside of policy), and who stands for it.
struct Asks<'a> {
    policy: Option<&'a Policy>,
    enforce: &'a dyn Enforce,
    rates: &'a Asking,
    keep: &'a dyn Keep,
}

/// All that changes something, and takes it back where it fails; `reached` is asked last.
fn run(
    kernel: &mut Kernel,
    context: &Context<'_>,
    sandbox: &Sandbox,
    (conf, network): (&VxlanConf, &Network),
    asks: Asks<'_>,
    reached: impl FnOnce(Vec<IpAddr>) -> Result<(), Failure> + 'static,
) -> Result<CniResult, Failure> {
    let mtu = network.mtu(conf)?;
    let ipam_conf = network.ipam_conf(conf, context.conf)?;
    let context = Context {
        conf: &ipam_conf,
        ..*context
    };
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let policy = asks.policy;
    Steps::run(kernel, |kernel, steps| {
        let given = ipam::allocate(&context, sandbox, steps)?.unwrap_or_default();
        network.must_fit(conf, mtu, &given.ips)?;
        let mut result = shape(given);
        forward::enable(&result.ips)?;

        steps.push("links", move |kernel: &mut Kernel| {
            Ok(veth::remove(kernel.host.as_mut(), owner)?)
        });
        let spec = PairSpec {
            owner,
            netns: &kernel.netns,
            mac: None,
            host_mac: Some(links::HOST_MAC),
            mtu: Some(mtu),
            master: None,
            held: policy.is_some(),
        };
        let pair = veth::create(kernel.host.as_mut(), kernel.container.as_mut(), &spec)?;
        // A veth without one cannot be: it is another link that has the name by now.
        let mac = pair.container.mac.ok_or_else(|| Error::Vanished {
            name: pair.container.name.clone(),
        })?;
        if let Some(policy) = policy {
            policy.guard(asks.enforce)?;
            container::set_up(kernel.host.as_mut(), &pair.host)?;
        }
        links::outside(kernel.host.as_mut(), &pair.host, mac, &result)?;
        let ends = (&pair.host, &pair.container);
        asks.rates.keep(asks.keep, kernel, ends, &conf.rates)?;
        container::settings(&kernel.netns, owner.ifname, &result.ips, Dad::Skip, false)?;
        links::inside(kernel.container.as_mut(), &pair.container, &result)?;
        // Also where nothing is enforced: other nodes are to know it, and this one as soon as it can.
        if let Some(policy) = policy {
            policy.open(asks.enforce, &result.ips, mac)?;
        }

        let addresses = result.ips.iter().map(|ip| ip.address.ip()).collect();
        steps.confirm_last(Confirmation::after(move || reached(addresses)));
        result.interfaces = vec![
            veth::interface(&pair.host, None),
            veth::interface(&pair.container, Some(&sandbox.netns)),
        ];
        Ok(result)
    })
}

#[cfg(test)]
mod tests;
