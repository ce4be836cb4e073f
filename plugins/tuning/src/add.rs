//! ADD.

use crate::allow;
use crate::backup::Backup;
use crate::conf::{Conf, Sysctl};
use crate::error::Error;
use fairway_cni::{CniResult, Context, Failure, Sandbox, Steps};
use fairway_iface::Owner;
use fairway_netlink::{Handle, Link, NetNs, Netlink, sysctl};

/// The container's side.
pub(crate) struct Container {
    /// Opened once it is needed: kernel settings want none.
    pub(crate) netlink: Option<Box<dyn Netlink>>,
    pub(crate) netns: NetNs,
}

impl Container {
    fn netlink(&mut self) -> Result<&mut dyn Netlink, Error> {
        let netlink = match self.netlink.take() {
            Some(netlink) => netlink,
            None => Box::new(Handle::open_in(&self.netns)?),
        };
        Ok(self.netlink.insert(netlink).as_mut())
    }

    fn link(&mut self, ifname: &str) -> Result<Option<Link>, Error> {
        Ok(self.netlink()?.link_by_name(ifname)?)
    }
}

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let conf = Conf::parse(context)?;
    let mut prev = context.conf.require_prev_result()?;
    allow::judge(allow::LIST.as_ref(), &conf.sysctls)?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    let netns = NetNs::open(&sandbox.netns).map_err(Error::from)?;
    let mut container = Container {
        netlink: None,
        netns,
    };
    tune(&mut container, &conf, owner)?;
    let interfaces = prev.interfaces.iter_mut();
    for interface in interfaces.filter(|one| one.name == owner.ifname && one.sandbox.is_some()) {
        if let Some(mac) = conf.link.mac {
            interface.mac = Some(mac.to_string());
        }
        if let (Some(mtu), Some(_)) = (conf.link.mtu, interface.mtu) {
            interface.mtu = Some(mtu);
        }
    }
    Ok(prev)
}

pub(crate) fn tune(
    container: &mut Container,
    conf: &Conf,
    owner: Owner<'_>,
) -> Result<(), Failure> {
    let ifname = owner.ifname.to_owned();
    Steps::run(container, |container, steps| {
        if !conf.sysctls.is_empty() {
            let all = || set_all(conf, &ifname, steps);
            container.netns.run(all).map_err(Error::from)??;
        }
        if conf.link.is_empty() {
            return Ok(());
        }
        let link = container.link(&ifname)?;
        let link = link.ok_or_else(|| Error::NoLink(ifname.clone()))?;
        let backup = Backup::at(&conf.data_dir, owner);
        let before = conf.link.as_in(&link);
        if backup.keep(owner.network, &before)? {
            steps.push("what is kept of the interface", move |_| {
                Ok(backup.remove()?)
            });
        }
        steps.push("interface", move |container: &mut Container| {
            let Some(link) = container.link(&ifname)? else {
                return Ok(());
            };
            Ok(before.apply(container.netlink()?, &link)?)
        });
        Ok(conf.link.apply(container.netlink()?, &link)?)
    })
}

/// Sets all, in the container's namespace, and pushes what puts each back.
fn set_all(conf: &Conf, ifname: &str, steps: &mut Steps<'_, Container>) -> Result<(), Error> {
    for wanted in &conf.sysctls {
        let key = wanted.key(ifname);
        let Some(before) = set(wanted, &key)? else {
            continue;
        };
        let undone = wanted.clone();
        steps.push("kernel setting", move |container: &mut Container| {
            Ok(write(&container.netns, &undone, &key, &before)?)
        });
    }
    Ok(())
}

/// Sets one, and says what it was before if it was another value.
fn set(wanted: &Sysctl, key: &str) -> Result<Option<String>, Error> {
    let failed = |source| Error::Sysctl {
        field: wanted.field.clone(),
        value: wanted.value.clone(),
        source,
    };
    let before = match sysctl::read(key) {
        Ok(before) if same(&before, &wanted.value) => return Ok(None),
        Ok(before) => Some(before),
        Err(error) if error.is_not_found() => return Err(failed(error)),
        // Some can only be written.
        Err(_) => None,
    };
    sysctl::write(key, &wanted.value).map_err(failed)?;
    Ok(before)
}

fn write(netns: &NetNs, wanted: &Sysctl, key: &str, value: &str) -> Result<(), Error> {
    netns.run(|| {
        sysctl::write(key, value).map_err(|source| Error::Sysctl {
            field: wanted.field.clone(),
            value: value.to_owned(),
            source,
        })
    })?
}

/// The kernel writes several numbers with tabs between them.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}
