//! The model's filters go the way of the kernel's.

use std::os::fd::{AsFd, AsRawFd};

use super::*;
use crate::{ClsactHook, FilterSpec, Netlink, TrafficControl};

#[test]
fn filters_need_a_clsact_and_go_with_it() {
    let (mut host, mut container) = namespaces();
    let index = host.put_link(Link::new(0, "v"));
    let before = host.snapshot();
    let (file, other) = (
        std::fs::File::open("/").unwrap(),
        std::fs::File::open("/").unwrap(),
    );
    let id = |hook| FilterId {
        index,
        hook,
        priority: 7,
        handle: 1,
    };
    let put = |host: &mut Recorder, hook, file: &std::fs::File| {
        host.put_filter(&FilterSpec {
            id: id(hook),
            name: "p",
            class: 0,
            program: file.as_fd(),
        })
    };
    let (ingress, egress) = (ClsactHook::Ingress, ClsactHook::Egress);
    assert!(put(&mut host, ingress, &file).is_err());
    assert!(host.ensure_clsact(index).unwrap() && !host.ensure_clsact(index).unwrap());
    assert!(host.has_clsact(index).unwrap() && !container.has_clsact(index).unwrap());
    put(&mut host, egress, &file).unwrap();
    put(&mut host, ingress, &file).unwrap();
    put(&mut host, ingress, &other).unwrap();
    let filters = host.filters(index).unwrap();
    assert_eq!(
        filters.iter().map(|f| f.id.hook).collect::<Vec<_>>(),
        [ingress, egress]
    );
    let program = filters[0].program.as_ref().unwrap();
    assert_eq!(program.id, other.as_raw_fd().cast_unsigned());
    assert!(container.filters(index).unwrap().is_empty());
    assert!(host.delete_filter(&id(egress)).unwrap());
    assert!(!host.delete_filter(&id(egress)).unwrap());
    assert!(host.delete_clsact(index).unwrap() && !host.delete_clsact(index).unwrap());
    assert_eq!(host.snapshot(), before);
    host.ensure_clsact(index).unwrap();
    host.delete_link(index).unwrap();
    assert!(!host.has_clsact(index).unwrap());
    assert!(host.ensure_clsact(index).unwrap_err().is_not_found());
}
