//! Forwarding on the host, for the families that the container has.

use crate::Error;
use fairway_cni::IpConfig;
use fairway_netlink::sysctl;

/// Turns forwarding on for every family in `ips`, in the calling thread's namespace. A setting that is
/// right already is not written: that would walk every interface of the node.
pub fn enable<'a>(ips: impl IntoIterator<Item = &'a IpConfig>) -> Result<(), Error> {
    let (mut v4, mut v6) = (false, false);
    for ip in ips {
        match ip.address.is_ipv6() {
            true => v6 = true,
            false => v4 = true,
        }
    }
    if v4 {
        sysctl::ensure("net/ipv4/ip_forward", "1")?;
    }
    if v6 {
        sysctl::ensure("net/ipv6/conf/all/forwarding", "1")?;
    }
    Ok(())
}
