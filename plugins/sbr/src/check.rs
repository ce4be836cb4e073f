//! CHECK: the rule of each address, and the way out of its table. (The reference plugin looks at nothing.)

use crate::add::{is_plain, missing};
use crate::conf::{Conf, Source};
use fairway_cni::Failure;
use fairway_iface::Error;
use fairway_netlink::{Family, Netlink, RouteFilter};
use ipnetwork::IpNetwork;

pub(crate) fn check(
    container: &mut dyn Netlink,
    conf: &Conf,
    ifname: &str,
    sources: &[Source],
) -> Result<(), Failure> {
    let link = container.link_by_name(ifname).map_err(Error::from)?;
    let link = link.ok_or_else(|| missing(ifname))?;
    let rules = container.rules(None).map_err(Error::from)?;
    for source in sources {
        let ip = source.address.ip();
        let of_source = rules
            .iter()
            .filter(|rule| is_plain(rule, IpNetwork::from(ip)));
        let mut tables = of_source.filter_map(|rule| rule.action.table());
        let found = match conf.table {
            Some(table) => tables.find(|there| *there == table),
            None => tables.next(),
        };
        let Some(table) = found else {
            let wanted = match conf.table {
                Some(table) => format!("rule from {ip} to table {table}"),
                None => format!("rule from {ip}"),
            };
            return Err(Error::mismatch(wanted, "not found").into());
        };
        let (None, Some(gateway)) = (conf.table, source.gateway) else {
            continue;
        };
        let filter = RouteFilter {
            family: Some(Family::of(ip)),
            table: Some(table),
            oif: Some(link.index),
            protocol: None,
        };
        let routes = container.routes(&filter).map_err(Error::from)?;
        let leads =
            |route: &fairway_netlink::Route| route.is_default() && route.gateway == Some(gateway);
        if !routes.iter().any(leads) {
            let wanted = format!("default route by {gateway} in table {table}");
            return Err(Error::mismatch(wanted, "not found").into());
        }
    }
    Ok(())
}
