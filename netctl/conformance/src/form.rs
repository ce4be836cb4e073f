//! What a result says, whichever release it is of; a judged one ([`crate::shape`]).

use crate::{
    Release,
    check::{Outcome, wrong},
};
use ipnetwork::IpNetwork;
use serde_json::Value;
use std::net::IpAddr;

/// What a result says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) ips: Vec<Ip>,
    pub(crate) routes: Vec<Route>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) mac: Option<String>,
    pub(crate) mtu: Option<u64>,
    /// The container's; none on the host.
    pub(crate) sandbox: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ip {
    pub(crate) address: IpNetwork,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) interface: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) dst: IpNetwork,
    pub(crate) gw: Option<IpAddr>,
}

impl Form {
    /// Reads one that has no faults.
    pub(crate) fn of(result: &Value, release: Release) -> Outcome<Form> {
        let mut form = Form::default();
        if release < Release::V0_3_0 {
            for family in ["ip4", "ip6"].map(|key| &result[key]) {
                if !family.is_null() {
                    form.ips.push(ip(family, "ip")?);
                    form.add_routes(family)?;
                }
            }
            return Ok(form);
        }
        for interface in result["interfaces"].as_array().into_iter().flatten() {
            let text = |key: &str| {
                let text = interface[key].as_str().filter(|text| !text.is_empty());
                text.map(ToOwned::to_owned)
            };
            form.interfaces.push(Interface {
                name: text("name").unwrap_or_default(),
                mac: text("mac"),
                mtu: interface["mtu"].as_u64().filter(|mtu| *mtu != 0),
                sandbox: text("sandbox"),
            });
        }
        for item in result["ips"].as_array().into_iter().flatten() {
            form.ips.push(ip(item, "address")?);
        }
        form.add_routes(result)?;
        Ok(form)
    }

    fn add_routes(&mut self, object: &Value) -> Outcome {
        for item in object["routes"].as_array().into_iter().flatten() {
            let dst = network(&item["dst"])?;
            let gw = item["gw"].as_str().and_then(|text| text.parse().ok());
            self.routes.push(Route { dst, gw });
        }
        Ok(())
    }
}

fn ip(item: &Value, key: &str) -> Outcome<Ip> {
    Ok(Ip {
        address: network(&item[key])?,
        gateway: item["gateway"].as_str().and_then(|text| text.parse().ok()),
        interface: item["interface"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok()),
    })
}

fn network(value: &Value) -> Outcome<IpNetwork> {
    match value.as_str().map(str::parse) {
        Some(Ok(network)) => Ok(network),
        _ => wrong(format!(
            "the result holds {value} where an address should be"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_releases_say_the_same() {
        let old = json!({"ip4": {"ip": "10.0.0.2/24", "gateway": "10.0.0.1", "routes": [{"dst": "0.0.0.0/0"}]}});
        let new = json!({"ips": [{"address": "10.0.0.2/24", "gateway": "10.0.0.1"}], "routes": [{"dst": "0.0.0.0/0"}]});
        let old = Form::of(&old, Release::V0_1_0).ok().unwrap();
        assert_eq!(old, Form::of(&new, Release::V1_1_0).ok().unwrap());
        assert_eq!(
            (old.ips.len(), old.routes.len(), old.routes[0].gw),
            (1, 1, None)
        );
    }
}
