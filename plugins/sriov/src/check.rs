//! CHECK.

use crate::{
    Error, KIND,
    claim::Claim,
    conf::{self, Conf, Device},
    node::Node,
    pci::PciAddress,
    put_back,
    settings::{self, Setting},
};
use fairway_cni::{Context, Failure, Sandbox};
use fairway_iface::{Error as IfaceError, Kernel, Owner, keys, verify};

pub(crate) fn check(context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
    let conf = conf::parse(context)?;
    keys::no_host_end(context, KIND)?;
    let prev = context.conf.require_prev_result()?;
    if let Some(ipam) = context.ipam()? {
        ipam.check(sandbox)?;
    }
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let mut node = Node::open()?;
    let (address, claim) = claimed(&node, owner)?;
    is_as_set(&mut node, &conf, &address, &claim)?;
    if claim.link.is_none() {
        return Ok(());
    }
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let interface = verify::container_interface(&prev, sandbox)?;
    let link = verify::link(kernel.container.as_mut(), interface, "container interface")?;
    let subject = format!("container interface {:?}", link.name);
    let own = put_back::inside(kernel.container.as_mut(), &address, owner)?;
    if own.map(|own| own.index) != Some(link.index) {
        let problem = format!("is not the link of {address}");
        return Err(IfaceError::mismatch(subject, problem).into());
    }
    if let Some(mtu) = conf.mtu.filter(|mtu| *mtu != link.mtu) {
        let problem = format!("has an MTU of {}, expected {mtu}", link.mtu);
        return Err(IfaceError::mismatch(subject, problem).into());
    }
    verify::addresses(kernel.container.as_mut(), &link, &prev)?;
    verify::routes(kernel.container.as_mut(), &prev)?;
    Ok(())
}

/// What the container has.
fn claimed(node: &Node, owner: Owner<'_>) -> Result<(PciAddress, Claim), Error> {
    let its = |claim: &Claim| claim.boot == node.boot && claim.owner() == owner;
    for address in node.state.find(its)? {
        if let Some(claim) = node.state.read(&address)?.filter(its) {
            return Ok((address, claim));
        }
    }
    let subject = format!("container {}", owner.container_id);
    let problem = format!("has no virtual function as {}", owner.ifname);
    Err(IfaceError::mismatch(subject, problem).into())
}

/// Is it the one that was asked for, with what was asked for?
fn is_as_set(
    node: &mut Node,
    conf: &Conf,
    address: &PciAddress,
    claim: &Claim,
) -> Result<(), Error> {
    let subject = format!("virtual function {address}");
    let differs = |problem: String| Err(IfaceError::mismatch(&subject, problem).into());
    let function = match node.bus.function(address) {
        Ok(function) => function,
        Err(reason) => return differs(reason.to_owned()),
    };
    match &conf.device {
        Device::Vf {
            field,
            address: named,
            ..
        } if named != address => {
            return differs(format!("{field} is {named}"));
        }
        Device::OfPf { field, name } if name.as_str() != function.pf => {
            return differs(format!("is one of {}, and {field} is {name}", function.pf));
        }
        _ => {}
    }
    let Some(pf) = node.host.link_by_name(&function.pf)? else {
        return differs(format!("{} is gone", function.pf));
    };
    let pf = (pf.index, pf.name.as_str());
    let Some(now) = settings::read(node.vfs.as_mut(), pf, claim.before.index)? else {
        return differs(format!(
            "{} has none of number {}",
            pf.1, claim.before.index
        ));
    };
    for wanted in conf.changes() {
        let setting = Setting::of(wanted);
        match setting.as_in(&now) {
            Some(there) if there != wanted => {
                return differs(format!(
                    "{setting} is not as it was set: {there:?}, expected {wanted:?}"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
