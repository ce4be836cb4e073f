//! Settings of this machine without which packets do not go where routes lead.

use super::underlay::Found;
use fairway_fib::names;
use fairway_netlink::{Offload, sysctl};

/// Kernel settings, and what they are to be. `links`: all links of the machine.
pub(super) fn settings<'a>(
    found: Option<&Found>,
    links: impl Iterator<Item = &'a str>,
) -> Vec<(String, &'static str)> {
    let device = names::DEVICE;
    let mut settings = vec![
        // Packets may come in by the overlay and go out without it, or the other way round.
        (format!("net/ipv4/conf/{device}/rp_filter"), "2"),
        // IPv4's packets, too, go by next hops of IPv6.
        (format!("net/ipv6/conf/{device}/disable_ipv6"), "0"),
    ];
    if let Some(found) = found {
        // Neighbours are told at once when this node's hardware address changes.
        settings.push((format!("net/ipv4/conf/{}/arp_notify", found.link), "1"));
        settings.push((format!("net/ipv6/conf/{}/ndisc_notify", found.link), "1"));
    }
    // A machine that forwards takes no router's word any more, unless a link is told to go on.
    if sysctl::read("net/ipv6/conf/all/forwarding").is_ok_and(|now| now == "0") {
        for link in links {
            let advertised = format!("net/ipv6/conf/{link}/accept_ra");
            if sysctl::read(&advertised).is_ok_and(|now| now == "1") {
                settings.push((advertised, "2"));
            }
        }
    }
    settings.push(("net/ipv4/ip_forward".to_owned(), "1"));
    settings.push(("net/ipv6/conf/all/forwarding".to_owned(), "1"));
    settings
}

/// Who computes the checksums of packets in the overlay: what is below, or the kernel.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn set_checksums(offload: bool) -> fairway_netlink::Result<()> {
    let mut ethtool = Offload::open()?;
    match ethtool.tx_checksum(names::DEVICE)? == offload {
        true => Ok(()),
        false => ethtool.set_tx_checksum(names::DEVICE, offload),
    }
}
