//! What is really there, as `ip` tells it.

use crate::{
    check::{Outcome, ensure, wrong},
    form::Form,
    stage::{Container, Stage},
};
use fairway_ephemeral::{Ns, Value};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// The link of that name; `None` where there is none.
pub(crate) fn link(ns: &Ns, name: &str) -> Outcome<Option<Value>> {
    let links = ns.json("ip -j addr show")?;
    let mut links = links.as_array().cloned().unwrap_or_default().into_iter();
    Ok(links.find(|link| link["ifname"] == name))
}

/// Each interface of the result is where the result says, as it says.
pub(crate) fn interfaces(stage: &Stage, container: &Container, form: &Form) -> Outcome {
    let sandbox = container.sandbox();
    for interface in &form.interfaces {
        let name = &interface.name;
        let (ns, place) = match &interface.sandbox {
            None => (stage.node(), "on the node"),
            Some(told) if *told == sandbox => (&container.ns, "in the container"),
            Some(told) => {
                return wrong(format!(
                    "interface {name} is in sandbox {told:?}, CNI_NETNS was {sandbox:?}"
                ));
            }
        };
        let Some(link) = link(ns, name)? else {
            return wrong(format!("there is no interface {name} {place}"));
        };
        if let Some(mac) = &interface.mac {
            let real = link["address"].as_str().unwrap_or_default();
            ensure(real.eq_ignore_ascii_case(mac), || {
                format!("the result gives interface {name} {place} MAC {mac}, it has {real}")
            })?;
        }
        if let Some(mtu) = interface.mtu {
            ensure(link["mtu"] == mtu, || {
                format!(
                    "the result gives interface {name} {place} MTU {mtu}, it has {}",
                    link["mtu"]
                )
            })?;
        }
    }
    Ok(())
}

/// The container has its interface, and the result tells of it.
pub(crate) fn interface(container: &Container, form: &Form) -> Outcome {
    let ifname = &container.ifname;
    ensure(link(&container.ns, ifname)?.is_some(), || {
        format!("there is no interface {ifname} in the container")
    })?;
    let told = |interface: &crate::form::Interface| {
        interface.name == *ifname && interface.sandbox.is_some()
    };
    ensure(form.interfaces.iter().any(told), || {
        format!("the result tells of no interface {ifname} with a sandbox")
    })
}

/// Each address of the result is on its interface.
pub(crate) fn addresses(stage: &Stage, container: &Container, form: &Form) -> Outcome {
    for ip in &form.ips {
        let (ns, name) = match ip.interface.and_then(|index| form.interfaces.get(index)) {
            Some(interface) if interface.sandbox.is_none() => {
                (stage.node(), interface.name.as_str())
            }
            Some(interface) => (&container.ns, interface.name.as_str()),
            None => (&container.ns, container.ifname.as_str()),
        };
        let link = link(ns, name)?.unwrap_or_default();
        let there: Vec<IpNetwork> = link["addr_info"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|info| {
                let local: IpAddr = info["local"].as_str()?.parse().ok()?;
                let length = u8::try_from(info["prefixlen"].as_u64()?).ok()?;
                IpNetwork::new(local, length).ok()
            })
            .collect();
        ensure(there.contains(&ip.address), || {
            let there: Vec<_> = there.iter().map(ToString::to_string).collect();
            format!(
                "{} is not on interface {name}, which has {}",
                ip.address,
                there.join(", ")
            )
        })?;
    }
    Ok(())
}

/// Each route of the result is in the container, by way of its gateway where it has one.
pub(crate) fn routes(container: &Container, form: &Form) -> Outcome {
    for route in &form.routes {
        let v6 = route.dst.is_ipv6();
        let family = if v6 { "-6" } else { "-4" };
        let line = format!("ip -j {family} route show table all");
        let there = container.ns.json(&line)?;
        let gateway = route.gw.or_else(|| {
            let of_family = |ip: &&crate::form::Ip| ip.address.is_ipv6() == v6;
            form.ips.iter().filter(of_family).find_map(|ip| ip.gateway)
        });
        let fits = |there: &Value| {
            let dst = there["dst"].as_str().unwrap_or_default();
            let dst: Option<IpNetwork> = match dst {
                "default" if v6 => "::/0".parse().ok(),
                "default" => "0.0.0.0/0".parse().ok(),
                dst => dst.parse().ok(),
            };
            let way = there["gateway"]
                .as_str()
                .and_then(|text| text.parse::<IpAddr>().ok());
            let masked = dst.map(|dst| (dst.network(), dst.prefix()));
            // Where nothing says by whom, any way there will do.
            masked == Some((route.dst.network(), route.dst.prefix()))
                && (way.is_none() || gateway.is_none() || way == gateway)
        };
        ensure(there.as_array().into_iter().flatten().any(fits), || {
            let gateway =
                gateway.map_or_else(|| "no gateway".to_owned(), |gateway| gateway.to_string());
            format!(
                "there is no route to {} by {gateway} in the container",
                route.dst
            )
        })?;
    }
    Ok(())
}
