//! What the handle makes of the kernel's answers.

use super::*;
use crate::bridge::BridgeSpec;
use crate::raw::tests::{ack, broken_off, done, object, refused, socket};

/// A port's AF_BRIDGE message with VLAN 5.
fn port(index: u8) -> Vec<u8> {
    let mut body = vec![7, 0, 1, 0, index, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(&[12, 0, 26, 0, 8, 0, 2, 0, 0, 0, 5, 0]);
    body
}

#[test]
#[cfg(target_endian = "little")]
fn a_kernel_that_cannot_tell_of_one_port_is_asked_about_all() {
    let mut handle = Handle::over(socket([
        vec![refused(libc::EOPNOTSUPP)],
        vec![object(&port(3)), object(&port(4))],
        vec![done()],
    ]));
    let vlans = handle.port_vlans(4).unwrap();
    assert_eq!(vlans.iter().map(|vlan| vlan.vid).collect::<Vec<_>>(), [5]);
    assert_eq!(handle.socket.transport().sent.len(), 2);
}

#[test]
fn what_is_gone_is_told_as_nothing() {
    let gone = || vec![broken_off(libc::ENODEV)];
    let refused = |errno| vec![refused(errno)];
    let mut handle = Handle::over(socket([
        refused(libc::ENODEV),
        gone(),
        gone(),
        refused(libc::ENOENT),
        refused(libc::ENODEV),
        refused(libc::EADDRNOTAVAIL),
        refused(libc::ENXIO),
        refused(libc::ESRCH),
        refused(libc::EPERM),
    ]));
    let ip: IpNetwork = "10.0.0.1/8".parse().unwrap();
    assert_eq!(handle.link_by_index(7).unwrap(), None);
    assert_eq!(handle.port_vlans(7).unwrap(), []);
    assert_eq!(handle.addresses(Some(7)).unwrap(), []);
    let filter = RouteFilter {
        family: Some(Family::V4),
        ..RouteFilter::default()
    };
    assert_eq!(handle.routes(&filter).unwrap(), []);
    assert!(!handle.delete_link(7).unwrap());
    assert!(!handle.delete_address(7, ip).unwrap());
    assert!(!handle.delete_address(7, ip).unwrap());
    assert!(!handle.delete_route(&Route::to(ip)).unwrap());
    let error = handle.delete_link(7).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
}

#[test]
fn names_that_the_kernel_would_change_are_not_sent() {
    let mut handle = Handle::over(socket([vec![ack()]]));
    let mut create = |name: &str| {
        handle.create_bridge(&BridgeSpec {
            name: name.to_owned(),
            ..BridgeSpec::default()
        })
    };
    for name in ["", "sixteen-bytes-xx", "nul\0", "a%d"] {
        let result = create(name);
        assert!(matches!(result, Err(Error::Invalid { .. })), "{result:?}");
    }
    create("fifteen-bytes-x").unwrap();
    assert_eq!(handle.socket.transport().sent.len(), 1);
}
