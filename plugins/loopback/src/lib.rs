//! The loopback plugin: sets `lo` up inside the container, whatever `CNI_IFNAME` says.

use fairway_cni::{
    CniResult, Code, Context, Detach, Failure, GcAttachments, Interface, IpConfig, Plugin, Sandbox,
};
use fairway_iface::{Error, container};
use fairway_netlink::{Handle, Link, LinkChange, NetNs, Netlink};

/// The interface's name in every namespace.
const LO: &str = "lo";

/// The plugin `loopback`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loopback;

impl Plugin for Loopback {
    fn reads_args(&self) -> bool {
        false
    }

    fn read(&self, context: &Context<'_>) -> Result<(), Failure> {
        context.conf.prev_result()?;
        Ok(())
    }

    /// Answers `prevResult` as it came, or what `lo` has where there is none.
    fn add(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let prev = context.conf.prev_result()?;
        let (mut inside, link) = open(&sandbox.netns)?;
        container::set_up(&mut inside, &link)?;
        let addresses = inside.addresses(Some(link.index)).map_err(Error::from)?;
        if let Some(other) = addresses
            .iter()
            .find(|address| !address.ip.ip().is_loopback())
        {
            return Err(Error::Conflict {
                name: LO.to_owned(),
                reason: format!("has the non-loopback address {}", other.ip),
            }
            .into());
        }
        if let Some(prev) = prev {
            return Ok(prev);
        }
        let first = |v6: bool| addresses.iter().find(|address| address.ip.is_ipv6() == v6);
        let ips = [false, true]
            .into_iter()
            .filter_map(first)
            .map(|address| IpConfig {
                interface: Some(0),
                address: address.ip,
                gateway: None,
            });
        Ok(CniResult {
            ips: ips.collect(),
            interfaces: vec![Interface {
                name: LO.to_owned(),
                mac: Some("00:00:00:00:00:00".to_owned()),
                mtu: Some(link.mtu),
                sandbox: Some(sandbox.netns.clone()),
                ..Interface::default()
            }],
            ..CniResult::default()
        })
    }

    /// Sets it down; a namespace that is gone took it along.
    fn del(&self, _: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        let inside = Handle::open_if_there(detach.netns.as_deref()).map_err(Error::from)?;
        let Some(mut inside) = inside else {
            return Ok(());
        };
        let link = find(&mut inside)?;
        let down = LinkChange {
            up: Some(false),
            ..LinkChange::default()
        };
        Ok(inside.change_link(link.index, &down).map_err(Error::from)?)
    }

    /// It is up, with the loopback addresses of `prevResult`; others there are another plugin's.
    fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        let prev = context.conf.prev_result()?.unwrap_or_default();
        let (mut inside, link) = open(&sandbox.netns)?;
        if !link.up {
            return Err(Error::mismatch("loopback interface", "is down").into());
        }
        let own = |ip: &&IpConfig| ip.address.ip().is_loopback();
        let mut own = prev.ips.iter().filter(own).peekable();
        if own.peek().is_none() {
            return Ok(());
        }
        let there = inside.addresses(Some(link.index)).map_err(Error::from)?;
        let gone = own.find(|ip| !there.iter().any(|address| address.ip == ip.address));
        match gone {
            Some(ip) => {
                let found = format!("has no address {}", ip.address);
                Err(Error::mismatch("loopback interface", found).into())
            }
            None => Ok(()),
        }
    }

    /// Nothing of it outlives the container's namespace.
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }

    fn status(&self, _: &Context<'_>) -> Result<(), Failure> {
        match Handle::open() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::new(Code::UNAVAILABLE, error.to_string())),
        }
    }
}

fn open(netns: &str) -> Result<(Handle, Link), Error> {
    let mut inside = Handle::open_in(&NetNs::open(netns)?)?;
    let link = find(&mut inside)?;
    Ok((inside, link))
}

fn find(inside: &mut Handle) -> Result<Link, Error> {
    let link = inside.link_by_name(LO)?;
    link.ok_or_else(|| Error::mismatch("loopback interface", "not found"))
}
