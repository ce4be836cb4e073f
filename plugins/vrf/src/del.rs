//! DEL.

use crate::conf::Conf;
use crate::table_of;
use fairway_cni::Failure;
use fairway_iface::Error;
use fairway_netlink::{LinkChange, Netlink};

pub(crate) fn del(container: &mut dyn Netlink, conf: &Conf, ifname: &str) -> Result<(), Failure> {
    let vrf = container.link_by_name(&conf.name).map_err(Error::from)?;
    let Some(vrf) = vrf.filter(|vrf| table_of(vrf).is_some()) else {
        return Ok(());
    };
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    if let Some(link) = link
        && link.master == Some(vrf.index)
    {
        let alone = LinkChange {
            master: Some(None),
            ..LinkChange::default()
        };
        container
            .change_link(link.index, &alone)
            .map_err(Error::from)?;
    }
    let links = container.links().map_err(Error::from)?;
    if links.iter().any(|link| link.master == Some(vrf.index)) {
        return Ok(());
    }
    container.delete_link(vrf.index).map_err(Error::from)?;
    Ok(())
}
