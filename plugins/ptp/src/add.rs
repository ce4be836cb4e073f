//! ADD.

use crate::conf::PtpConf;
use fairway_cluster_ipam::Daemon;
use fairway_cni::{CniResult, Context, Failure, IpConfig, Sandbox, Steps};
use fairway_iface::{Dad, Error, Kernel, Owner, PairSpec, container, forward, ipam, veth};
use fairway_netlink::{AddressSpec, Link, Netlink, Route, Scope, sysctl};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

pub(crate) fn add(context: &Context<'_>, sandbox: &Sandbox) -> Result<CniResult, Failure> {
    let conf = PtpConf::parse(context)?;
    let policy = conf.policy(context, &sandbox.attachment)?;
    let asking = conf.asking(context, sandbox)?;
    let daemon = Daemon::from_env();
    let dns = context.conf.dns()?;
    let mut kernel = Kernel::open(&sandbox.netns)?;
    let owner = Owner::new(context.conf.name.as_str(), &sandbox.attachment);
    veth::must_be_free(kernel.container.as_mut(), owner.ifname)?;

    let mut result = Steps::run(&mut kernel, |kernel, steps| {
        let mut result = ipam::allocate(context, sandbox, steps)?.unwrap_or_default();
        let gateways = gateways(&result.ips)?;
        forward::enable(&result.ips)?;

        steps.push("links", move |kernel: &mut Kernel| {
            Ok(veth::remove(kernel.host.as_mut(), owner)?)
        });
        let spec = PairSpec {
            owner,
            netns: &kernel.netns,
            mac: None,
            host_mac: None,
            mtu: conf.mtu,
            master: None,
            held: policy.is_some(),
        };
        let pair = veth::create(kernel.host.as_mut(), kernel.container.as_mut(), &spec)?;
        // It is down until nothing passes it that has not been judged.
        if let Some(policy) = &policy {
            policy.guard(&daemon)?;
            container::set_up(kernel.host.as_mut(), &pair.host)?;
        }
        // Before the first packet. They go with the links.
        if let Some(asking) = &asking {
            asking.keep(&daemon, kernel, (&pair.host, &pair.container), &conf.rates)?;
        }
        // We own this link's routes. Best effort, as a kernel without IPv6 has no such setting.
        let _ = sysctl::ensure(&format!("net/ipv6/conf/{}/accept_ra", pair.host.name), "0");
        container::settings(&kernel.netns, owner.ifname, &result.ips, Dad::Skip, false)?;
        configure_container(
            kernel.container.as_mut(),
            &pair.container,
            &result,
            &gateways,
        )?;
        configure_host(kernel.host.as_mut(), &pair.host, &result.ips, &gateways)?;

        if let Some(backend) = conf.masquerade {
            steps.push("masquerading", move |kernel| {
                Ok(kernel.rules.stop_masquerade(owner)?)
            });
            kernel.rules.masquerade(backend, owner, &result)?;
        }
        if let Some(policy) = &policy {
            // A veth without one cannot be: it is another link that has the name by now.
            let mac = pair.container.mac.ok_or_else(|| Error::Vanished {
                name: pair.container.name.clone(),
            })?;
            policy.open(&daemon, &result.ips, mac)?;
        }
        for ip in &mut result.ips {
            ip.interface = Some(1);
        }
        result.interfaces = vec![
            veth::interface(&pair.host, None),
            veth::interface(&pair.container, Some(&sandbox.netns)),
        ];
        Ok(result)
    })?;
    if !dns.is_empty() {
        result.dns = dns;
    }
    Ok(result)
}

/// The gateway of each address; without one there is nobody on the other end.
fn gateways(ips: &[IpConfig]) -> Result<Vec<IpAddr>, Error> {
    let gateway = |ip: &IpConfig| match ip.gateway {
        None => Err(Error::NoGateway {
            address: ip.address,
        }),
        Some(gateway) if gateway.is_ipv6() != ip.address.is_ipv6() => Err(Error::GatewayFamily {
            address: ip.address,
            gateway,
        }),
        Some(gateway) => Ok(gateway),
    };
    ips.iter().map(gateway).collect()
}

/// Addresses without the subnet's route, then the gateway on the link, the subnet by the gateway, and
/// what the result asks for.
///
/// With that order there is no moment in which neighbours would be looked for on the link, and a link
/// that goes down and up does not get the subnet's route back (as one that was deleted would be).
fn configure_container(
    container: &mut dyn Netlink,
    link: &Link,
    result: &CniResult,
    gateways: &[IpAddr],
) -> Result<(), Error> {
    container::set_up_routed(container, link, &result.ips)?;
    for (ip, gateway) in result.ips.iter().zip(gateways) {
        let to_gateway = Route {
            oif: Some(link.index),
            scope: Scope::LINK,
            prefsrc: Some(ip.address.ip()),
            ..Route::to(host_network(*gateway))
        };
        let subnet =
            IpNetwork::new(ip.address.network(), ip.address.prefix()).unwrap_or(ip.address);
        let by_gateway = Route {
            oif: Some(link.index),
            gateway: Some(*gateway),
            prefsrc: Some(ip.address.ip()),
            ..Route::to(subnet)
        };
        for route in [to_gateway, by_gateway] {
            match container.add_route(&route) {
                // Two addresses of one subnet share these, as does a subnet of one address.
                Err(error) if !error.is_exists() => return Err(error.into()),
                _ => {}
            }
        }
    }
    container::add_routes(container, link, &result.ips, &result.routes)
}

/// The gateway's addresses on the host's end, and the way to the container's.
fn configure_host(
    host: &mut dyn Netlink,
    link: &Link,
    ips: &[IpConfig],
    gateways: &[IpAddr],
) -> Result<(), Error> {
    for (ip, gateway) in ips.iter().zip(gateways) {
        let address = AddressSpec {
            nodad: gateway.is_ipv6(),
            ..AddressSpec::new(host_network(*gateway))
        };
        match host.add_address(link.index, &address) {
            // Two addresses of one subnet have one gateway.
            Err(error) if !error.is_exists() => return Err(error.into()),
            _ => {}
        }
        let to_container = Route {
            oif: Some(link.index),
            scope: Scope::HOST,
            ..Route::to(host_network(ip.address.ip()))
        };
        match host.add_route(&to_container) {
            // Somebody else's route to this address: the container would be cut off, and silently so.
            Err(error) if error.is_exists() => {
                return Err(Error::Conflict {
                    name: format!("route {}", to_container.dst),
                    reason: "leads elsewhere: another network has this address".to_owned(),
                });
            }
            other => other?,
        }
    }
    Ok(())
}

/// One address as a network.
fn host_network(ip: IpAddr) -> IpNetwork {
    IpNetwork::from(ip)
}
