//! `k8s.v1.cni.cncf.io/network-status`: what a container's networks came to, in the standard's words (section 5).
//!
//! The plugin speaks to no API server; the record of the container holds the list, for whoever publishes or reads it.

use crate::{record::Record, wire::Wire};
use fairway_cni::{CniResult, Interface};
use fairway_iface::container::first_gateway;
use serde_json::{Map, Value, json};

/// The list: one element for each network that is attached.
pub fn status(record: &Record) -> Value {
    let wires = record.wires().enumerate();
    let elements =
        wires.filter_map(|(index, (wire, result))| Some(element(wire, result?, index == 0)));
    elements.collect()
}

fn element(wire: &Wire, result: &CniResult, default: bool) -> Value {
    let mut element = Map::new();
    let mut put = |key: &str, value: Value| {
        element.insert(key.to_owned(), value);
    };
    put("name", json!(wire.title));
    put("default", json!(default));
    let interfaces = result.interfaces.iter().enumerate();
    let inside = interfaces
        .clone()
        .find(|(_, interface)| interface.sandbox.is_some());
    match inside {
        Some((_, interface)) => {
            put("interface", json!(interface.name));
            if let Some(mac) = &interface.mac {
                put("mac", json!(mac));
            }
            if let Some(mtu) = interface.mtu {
                put("mtu", json!(mtu));
            }
            if let Some(device) = device(interface) {
                put("device-info", device);
            }
        }
        // A result before 0.3.0 names none.
        None => put("interface", json!(wire.ifname.as_str())),
    }
    let index = inside.map(|(index, _)| index);
    let own = result
        .ips
        .iter()
        .filter(|ip| ip.interface.is_none() || ip.interface == index);
    let ips: Vec<_> = own.map(|ip| ip.address.ip().to_string()).collect();
    if !ips.is_empty() {
        put("ips", json!(ips));
    }
    if !result.dns.is_empty() {
        put("dns", result.dns.to_json());
    }
    let routes = result.routes.iter();
    let leads = routes.filter(|route| route.dst.prefix() == 0 && route.table.is_none());
    // A route without a gateway is by the first address's.
    let gateways: Vec<_> = leads
        .filter_map(|route| {
            let first = first_gateway(&result.ips, route.dst.is_ipv6());
            Some(route.gw.or(first)?.to_string())
        })
        .collect();
    if !gateways.is_empty() {
        // The standard's word, where it was asked for; and what the clients' library has for any.
        if wire.default_route.is_some() {
            put("default-route", json!(gateways));
        }
        put("gateway", json!(gateways));
    }
    Value::Object(element)
}

/// What a result says of a device, in the words of the Device Information Specification 1.1.0.
fn device(interface: &Interface) -> Option<Value> {
    if let Some(address) = &interface.pci_id {
        return Some(json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": address}}));
    }
    let path = interface.socket_path.as_ref()?;
    Some(json!({"type": "vhost-user", "version": "1.1.0", "vhost-user": {"path": path}}))
}
