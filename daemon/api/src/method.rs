//! What a method is: its name, the verb of CNI that it is a part of, and for which interface it is asked.

use crate::{Method, ipam::Attachment};

/// Part of which verb of CNI a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// ADD.
    Add,
    /// DEL.
    Del,
    /// CHECK.
    Check,
    /// GC.
    Gc,
    /// STATUS.
    Status,
    /// None: an administrator asks, or somebody tells something.
    Other,
}

impl Part {
    /// As `CNI_COMMAND` has it; `other` where it is none.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Add => "ADD",
            Part::Del => "DEL",
            Part::Check => "CHECK",
            Part::Gc => "GC",
            Part::Status => "STATUS",
            Part::Other => "other",
        }
    }
}

impl Method {
    /// As it is on the socket.
    pub const fn name(&self) -> &'static str {
        match self {
            Method::Allocate(_) => "ipam.allocate",
            Method::Release(_) => "ipam.release",
            Method::Check(_) => "ipam.check",
            Method::Gc(_) => "ipam.gc",
            Method::Status(_) => "ipam.status",
            Method::PoolCreate(_) => "pool.create",
            Method::PoolSet(_) => "pool.set",
            Method::PoolList => "pool.list",
            Method::PoolRemove(_) => "pool.remove",
            Method::IpamList(_) => "ipam.list",
            Method::IpamAudit(_) => "ipam.audit",
            Method::IpamFree(_) => "ipam.free",
            Method::ClaimCreate(_) => "claim.create",
            Method::ClaimList(_) => "claim.list",
            Method::ClaimRemove(_) => "claim.remove",
            Method::ClaimMove(_) => "claim.move",
            Method::NodeList => "node.list",
            Method::NodeDrain(_) => "node.drain",
            Method::NodeRemove(_) => "node.remove",
            Method::NetworkCreate(_) => "network.create",
            Method::NetworkSet(_) => "network.set",
            Method::NetworkList => "network.list",
            Method::NetworkRemove(_) => "network.remove",
            Method::EndpointPrepare(_) => "endpoint.prepare",
            Method::EndpointReady(_) => "endpoint.ready",
            Method::EndpointGuard(_) => "endpoint.guard",
            Method::EndpointOpen(_) => "endpoint.open",
            Method::EndpointVerify(_) => "endpoint.verify",
            Method::EndpointShape(_) => "endpoint.shape",
            Method::EndpointShaped(_) => "endpoint.shaped",
            Method::EndpointList => "endpoint.list",
            Method::EndpointTraffic => "endpoint.traffic",
            Method::RouteList(_) => "route.list",
            Method::RouteWhy(_) => "route.why",
            Method::DefinitionFind(_) => "definition.find",
            Method::ObjectApply(_) => "object.apply",
            Method::ObjectList(_) => "object.list",
            Method::ObjectRemove(_) => "object.remove",
            Method::PolicyList => "policy.list",
            Method::PolicyExplain(_) => "policy.explain",
            Method::PolicyAudit => "policy.audit",
            Method::PolicyStatus => "policy.status",
            Method::FlowList(_) => "flow.list",
            Method::RateList(_) => "rate.list",
            Method::RateHistory(_) => "rate.history",
            Method::RateSet(_) => "rate.set",
            Method::RateRemove(_) => "rate.remove",
            Method::BgpPeers => "bgp.peers",
            Method::BgpNeighbor(_) => "bgp.neighbor",
            Method::BgpRoutes(_) => "bgp.routes",
            Method::BgpReset(_) => "bgp.reset",
            Method::CallFailed(_) => "call.failed",
            Method::CallList => "call.list",
            Method::Info => "daemon.info",
            Method::Doctor => "daemon.doctor",
        }
    }

    /// Part of which verb it is.
    pub fn part(&self) -> Part {
        match self {
            Method::EndpointShape(shape) if shape.rates.is_empty() => Part::Other,
            Method::Allocate(_)
            | Method::EndpointPrepare(_)
            | Method::EndpointReady(_)
            | Method::EndpointGuard(_)
            | Method::EndpointOpen(_)
            | Method::EndpointShape(_)
            | Method::DefinitionFind(_) => Part::Add,
            Method::Release(_) => Part::Del,
            Method::Check(_) | Method::EndpointVerify(_) | Method::EndpointShaped(_) => Part::Check,
            Method::Gc(_) => Part::Gc,
            Method::Status(_) => Part::Status,
            _ => Part::Other,
        }
    }

    /// For which interface of which container; none: for none, or for any.
    pub fn attachment(&self) -> Option<&Attachment> {
        match self {
            Method::Allocate(allocate) => Some(&allocate.attachment),
            Method::Release(release) => Some(&release.attachment),
            Method::Check(check) => Some(&check.attachment),
            Method::EndpointReady(ready) => Some(&ready.attachment),
            Method::EndpointGuard(guard) => Some(&guard.attachment),
            Method::EndpointOpen(open) => Some(&open.attachment),
            Method::EndpointVerify(verify) => Some(&verify.attachment),
            Method::EndpointShape(shape) => Some(&shape.attachment),
            Method::EndpointShaped(verify) => Some(&verify.attachment),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn names_are_those_on_the_socket() {
        let attachment = json!({"network": "n", "container": "c", "ifname": "eth0"});
        let sourced = json!({"value": "v", "field": "f"});
        // Whatever any method asks for, under the names that several have.
        let params = json!({
            "attachment": attachment, "addresses": [], "network": sourced, "required": true, "name": "n",
            "keep": [], "by": "bridge", "netns": "/n", "link": "l", "workload": {}, "mac": "m", "cluster": true,
        });
        let known = |name: &str, params: Option<&Value>| {
            let mut text = json!({"method": name});
            if let Some(params) = params {
                text["params"] = params.clone();
            }
            serde_json::from_value::<Method>(text).ok()
        };
        let names = include_str!("message.rs").lines();
        let names = names.filter_map(|line| {
            let name = line.trim().strip_prefix("#[serde(rename = \"")?;
            name.strip_suffix("\")]").filter(|name| name.contains('.'))
        });
        let mut read = 0;
        for name in names {
            let mut ready = params.clone();
            ready["network"] = json!("n");
            let all = [None, Some(&params), Some(&ready)];
            if let Some(method) = all.into_iter().find_map(|params| known(name, params)) {
                assert_eq!(method.name(), name);
                read += 1;
                let plugins = name.starts_with("ipam.")
                    && !["ipam.list", "ipam.audit", "ipam.free"].contains(&name);
                if plugins
                    || name.starts_with("endpoint.")
                        && !["endpoint.list", "endpoint.shape", "endpoint.traffic"].contains(&name)
                {
                    assert_ne!(method.part(), Part::Other, "{name}");
                }
                if let Some(of) = method.attachment() {
                    assert_eq!(of.container, "c", "{name}");
                }
            }
        }
        assert!(read > 30, "only {read} methods were looked at");
    }
}
