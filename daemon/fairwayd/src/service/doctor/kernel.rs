//! The kernel's part: settings, and the overlay's device.

use super::judge::{failed, ok, warning};
use crate::routes::Ground;
use fairway_api::admin::Check;
use fairway_fib::names;
use fairway_ipam::Family;
use fairway_netlink::{Handle, Netlink, sysctl};

const FORWARD_V4: &str = "net/ipv4/ip_forward";
const FORWARD_V6: &str = "net/ipv6/conf/all/forwarding";
const STRICT: &str = "1";

/// What the kernel says. A setting that cannot be read has the error's words.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    forward_v4: Result<String, String>,
    forward_v6: Result<String, String>,
    /// Of all links, and of the device.
    filter_all: Result<String, String>,
    filter_device: Result<String, String>,
    device: Device,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Device {
    Up,
    Down,
    Absent,
    Unknown(String),
}

/// Blocks for as long as the kernel takes.
pub(super) fn read(device: &str) -> Kernel {
    let setting = |key: &str| sysctl::read(key).map_err(|error| error.to_string());
    let link = Handle::open().and_then(|mut handle| handle.link_by_name(device));
    Kernel {
        forward_v4: setting(FORWARD_V4),
        forward_v6: setting(FORWARD_V6),
        filter_all: setting("net/ipv4/conf/all/rp_filter"),
        filter_device: setting(&format!("net/ipv4/conf/{device}/rp_filter")),
        device: match link {
            Ok(Some(link)) if link.up => Device::Up,
            Ok(Some(_)) => Device::Down,
            Ok(None) => Device::Absent,
            Err(error) => Device::Unknown(error.to_string()),
        },
    }
}

pub(super) fn judge(ground: &Ground, kernel: &Kernel) -> Vec<Check> {
    if ground.networks == 0 {
        return vec![ok(
            "settings",
            "there is no network, and so nothing is needed",
        )];
    }
    let mut checks = Vec::new();
    if ground.device {
        checks.push(device(&kernel.device));
    }
    let wanted = [
        (Family::V4, FORWARD_V4, &kernel.forward_v4),
        (Family::V6, FORWARD_V6, &kernel.forward_v6),
    ];
    let wanted = wanted.into_iter();
    let mut bad: Vec<Check> = wanted
        .filter(|(family, ..)| ground.families.contains(family))
        .filter_map(|(family, key, value)| forwarding(family, key, value))
        .collect();
    if ground.device && ground.families.contains(&Family::V4) {
        bad.extend(filter(kernel));
    }
    if bad.is_empty() {
        bad.push(ok(
            "settings",
            "the kernel forwards packets, and drops none for its source",
        ));
    }
    checks.extend(bad);
    checks
}

fn device(device: &Device) -> Check {
    let name = names::DEVICE;
    let again = || Some("the daemon makes it anew; where it does not, its log says why".to_owned());
    match device {
        Device::Up => ok("device", format!("{name} is up")),
        Device::Down => failed("device", format!("{name} is down"), again()),
        Device::Absent => failed("device", format!("{name} is not there"), again()),
        Device::Unknown(error) => warning("device", error, None),
    }
}

fn forwarding(family: Family, key: &str, value: &Result<String, String>) -> Option<Check> {
    let name = match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let dotted = key.replace('/', ".");
    let remedy = Some(format!(
        "sysctl -w {dotted}=1, and see who sets it (/etc/sysctl.d)"
    ));
    match value {
        // 2 of IPv6: forwards, and takes router advertisements all the same.
        Ok(value) if value != "0" => None,
        Ok(value) => {
            let text = format!("{dotted} is {value}: packets of containers are dropped ({name})");
            Some(failed("settings", text, remedy))
        }
        Err(error) => Some(failed("settings", format!("{name}: {error}"), remedy)),
    }
}

/// Of both values the larger holds, and 2 is less strict than 1.
fn filter(kernel: &Kernel) -> Option<Check> {
    let (Ok(all), Ok(own)) = (&kernel.filter_all, &kernel.filter_device) else {
        // Without the device; of that is told already.
        return None;
    };
    let larger = all.max(own);
    let device = names::DEVICE;
    (larger == STRICT).then(|| {
        let text = format!(
            "rp_filter of {device} is {own}, that of all links {all}: packets that came another way than \
             their answers go are dropped"
        );
        // Dots of a name have to be written as slashes.
        let key = format!("net.ipv4.conf.{}.rp_filter", device.replace('.', "/"));
        warning("settings", text, Some(format!("sysctl -w {key}=2")))
    })
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
