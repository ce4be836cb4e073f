//! Waiting until a link carries traffic.

use crate::{Error, container::pause};
use fairway_netlink::{Link, Netlink, OperState};
use std::time::{Duration, Instant};

/// How long a link may take from "both ends up" to carrying traffic.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until the link is operational and gives it as it is then.
///
/// Without this an ADD could answer before the bridge forwards the container's first packet. The kernel
/// mostly needs no time at all for it, so the first looks come quickly.
pub fn wait_until_up(netlink: &mut dyn Netlink, link: &Link) -> Result<Link, Error> {
    let deadline = Instant::now() + TIMEOUT;
    let mut interval = Duration::from_micros(200);
    loop {
        let vanished = || Error::Vanished {
            name: link.name.clone(),
        };
        let now = netlink.link_by_index(link.index)?.ok_or_else(vanished)?;
        if now.oper == OperState::Up {
            return Ok(now);
        }
        if Instant::now() >= deadline {
            return Err(Error::Unsettled {
                what: "operational state",
                ifname: link.name.clone(),
                seconds: TIMEOUT.as_secs(),
            });
        }
        pause(interval);
        interval = (interval * 2).min(Duration::from_millis(50));
    }
}
