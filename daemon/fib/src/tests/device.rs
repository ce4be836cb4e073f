//! The overlay's device: somebody else's, and one that is half made.

use super::bed::{fib, host, ip, link, prefix, vni};
use crate::{Problem, Standing, names};
use fairway_netlink::{Event, Netlink};

#[test]
fn a_device_of_our_name_that_is_not_ours_is_left_alone() {
    let mut host = host();
    let index = host.put_link(link(names::DEVICE));
    let mut fib = fib(&host);
    assert!(fib.sync().again);
    let [Problem::ForeignDevice { .. }] = fib.problems()[..] else {
        panic!("{:?}", fib.problems())
    };
    assert!(host.link_by_index(index).unwrap().is_some());
    // What needs no tunnel works all the same.
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.0.5/32")),
        Standing::Installed
    );
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.3.0/26")),
        Standing::Installed
    );
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Pending
    );
    let gone = host.link_by_index(index).unwrap().unwrap();
    host.delete_link(index).unwrap();
    fib.event(&Event::LinkGone(gone));
    assert!(!fib.sync().again, "{:?}", fib.problems());
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
}

/// A daemon is killed after it has made the device, and before it has written its name on it.
#[test]
fn a_half_made_device_is_taken_up() {
    let mut host = host();
    let spec = fairway_netlink::VxlanSpec {
        mac: Some(names::mac(ip("192.0.2.1"))),
        ..fairway_netlink::VxlanSpec::new(names::DEVICE)
    };
    host.create_vxlan(&spec).unwrap();
    let mut fib = fib(&host);
    let synced = fib.sync();
    assert!(
        !synced.again && fib.problems().is_empty(),
        "{:?}",
        fib.problems()
    );
    let device = host.link_by_name(names::DEVICE).unwrap().unwrap();
    assert_eq!(device.alias.as_deref(), Some(names::ALIAS));
    assert_eq!(
        fib.standing(vni(4096), prefix("10.1.1.0/26")),
        Standing::Installed
    );
}
