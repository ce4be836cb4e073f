//! The configuration's keys.

use fairway_cni::{CniResult, Code, Failure, FieldError, NetConf};
use fairway_netfilter::{Backend, forward::Ingress};
use std::path::Path;

/// The administrator's chain, unless another one is named.
const ADMIN: &str = "CNI-ADMIN";
/// There while firewalld runs.
const FIREWALLD: &str = "/run/firewalld.pid";

/// What is configured.
#[derive(Debug)]
pub(crate) struct Conf {
    backend: Option<Backend>,
    pub(crate) admin_chain: String,
    pub(crate) ingress: Ingress,
}

impl Conf {
    pub(crate) fn parse(conf: &NetConf) -> Result<Self, Failure> {
        Self::parse_on(conf, Path::new(FIREWALLD))
    }

    fn parse_on(conf: &NetConf, firewalld: &Path) -> Result<Self, Failure> {
        let root = conf.root();
        let backend = match root.text("backend")? {
            Some("firewalld") => return Err(no_firewalld("backend: \"firewalld\"")),
            // The reference plugin would use it then.
            None if firewalld.exists() => {
                return Err(no_firewalld(
                    "backend: not set, and firewalld runs here: name iptables or nftables",
                ));
            }
            _ => root.parse("backend")?,
        };
        root.text("firewalldZone")?;
        let ingress = match root.text("ingressPolicy")? {
            None | Some("open") => Ingress::Open,
            Some("same-bridge") => Ingress::SameBridge,
            Some("isolated") => Ingress::Isolated,
            Some(other) => {
                let reason = "is none of open, same-bridge and isolated";
                return Err(root
                    .invalid("ingressPolicy", format_args!("{other:?}"), reason)
                    .into());
            }
        };
        let admin_chain = root.text("iptablesAdminChainName")?.unwrap_or(ADMIN);
        if !is_chain(admin_chain) {
            let reason = "is no name of a chain of iptables";
            return Err(root
                .invalid(
                    "iptablesAdminChainName",
                    format_args!("{admin_chain:?}"),
                    reason,
                )
                .into());
        }
        Ok(Conf {
            backend,
            admin_chain: admin_chain.to_owned(),
            ingress,
        })
    }

    /// The backend that is configured, else what the node has.
    pub(crate) fn backend(&self) -> Backend {
        self.backend.unwrap_or_else(Backend::detect)
    }
}

fn no_firewalld(what: &str) -> Failure {
    Failure::new(
        Code::UNSUPPORTED_FIELD,
        format!("{what}: rules are written with iptables or nftables, firewalld is not told"),
    )
}

fn is_chain(name: &str) -> bool {
    /// The longest that iptables takes.
    const MAX: usize = 28;
    name.len() <= MAX
        && !name.starts_with(['-', '!'])
        && name.chars().all(|c| c.is_ascii_graphic() && c != '"')
}

/// The bridge that a policy is about: the result's first interface.
pub(crate) fn bridge(ingress: Ingress, prev: &CniResult) -> Result<&str, FieldError> {
    if ingress == Ingress::Open {
        return Ok("");
    }
    match prev.interfaces.first() {
        Some(first) if first.sandbox.is_none() && !first.name.is_empty() => Ok(&first.name),
        first => Err(FieldError::Value {
            path: "ingressPolicy".to_owned(),
            value: first.map_or("no interface".to_owned(), |first| {
                format!("{:?}", first.name)
            }),
            reason: "prevResult.interfaces must begin with the host's bridge".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn conf(extra: Value) -> NetConf {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "firewall"});
        for (key, value) in extra.as_object().into_iter().flatten() {
            conf[key] = value.clone();
        }
        NetConf::from_json(conf).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (extra, code, wanted) in [
            (
                json!({"backend": "firewalld"}),
                2,
                "backend: \"firewalld\": rules are",
            ),
            (
                json!({"backend": "pf"}),
                7,
                "backend: \"pf\": unknown backend",
            ),
            (
                json!({"ingressPolicy": "closed"}),
                7,
                "ingressPolicy: \"closed\": is none of",
            ),
            (
                json!({"ingressPolicy": 1}),
                7,
                "ingressPolicy: expected a string",
            ),
            (
                json!({"iptablesAdminChainName": "a b"}),
                7,
                "iptablesAdminChainName: \"a b\": is no name",
            ),
            (
                json!({"iptablesAdminChainName": "x".repeat(29)}),
                7,
                "iptablesAdminChainName: ",
            ),
            (
                json!({"firewalldZone": 1}),
                7,
                "firewalldZone: expected a string",
            ),
        ] {
            let failure = Conf::parse_on(&conf(extra), Path::new("/nowhere")).unwrap_err();
            assert_eq!(failure.code.number(), code, "{}", failure.msg);
            assert!(failure.msg.starts_with(wanted), "{}", failure.msg);
        }
    }

    #[test]
    fn where_firewalld_runs_a_backend_must_be_named() {
        let runs = Path::new("/proc/self/status");
        let failure = Conf::parse_on(&conf(json!({})), runs).unwrap_err();
        assert_eq!(failure.code, Code::UNSUPPORTED_FIELD);
        assert!(
            failure.msg.starts_with("backend: not set"),
            "{}",
            failure.msg
        );
        Conf::parse_on(&conf(json!({"backend": "nftables"})), runs).unwrap();
        Conf::parse_on(&conf(json!({})), Path::new("/nowhere")).unwrap();
    }

    #[test]
    fn a_policy_needs_a_bridge() {
        let result = |value: Value| {
            conf(json!({"prevResult": value}))
                .prev_result()
                .unwrap()
                .unwrap()
        };
        let bridged = result(json!({"cniVersion": "1.1.0", "interfaces": [{"name": "br0"}]}));
        assert_eq!(bridge(Ingress::Isolated, &bridged), Ok("br0"));
        let inside =
            json!({"cniVersion": "1.1.0", "interfaces": [{"name": "eth0", "sandbox": "/ns"}]});
        for other in [result(inside), CniResult::default()] {
            let error = bridge(Ingress::SameBridge, &other).unwrap_err().to_string();
            assert!(error.starts_with("ingressPolicy: "), "{error}");
            assert_eq!(bridge(Ingress::Open, &other), Ok(""));
        }
    }
}
