//! The vxlan plugin's keys.

use fairway_api::ipam::Sourced;
use fairway_cluster_ipam::{Policy, facts::Wanted, rates::Asking};
use fairway_cni::{Attachment, Context, Failure, Field, FieldError, Sandbox};
use fairway_iface::{Rates, keys};

/// The longest name of a network, in bytes.
const NAME_MAX: usize = 63;
/// The one IPAM plugin whose addresses are those of a network's pools.
const IPAM: &str = "fairway";

/// How much a container wants to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A node that enforces no policy is an error.
    Required,
    /// Policies hold where the node can enforce them.
    Possible,
    /// It is outside of policy.
    Outside,
}

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VxlanConf {
    /// `network`.
    pub network: String,
    /// `mtu` in bytes; 0 or absent is what the network carries.
    pub mtu: Option<u32>,
    /// The pool that the workload or `ipam.pool` names.
    pub pool: Option<Sourced<String>>,
    /// `policy`: whether policies must hold, where they can or not at all.
    pub policy: Wish,
    /// `bandwidth`, and what the workload says: how much the container may send and get.
    pub rates: Rates,
    /// Is an address asked for by name? It says the pool itself.
    pub explicit: bool,
}

impl VxlanConf {
    /// What an attachment's policy is asked for with; `None` outside of policy.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn policy(
        &self,
        context: &Context<'_>,
        attachment: &Attachment,
    ) -> Result<Option<Policy>, FieldError> {
        let required = match self.policy {
            Wish::Required => true,
            Wish::Possible => false,
            Wish::Outside => return Ok(None),
        };
        Policy::read(context, attachment, required, Some(&self.network)).map(Some)
    }

    /// What an attachment's rates are asked for with. An administrator may limit one that asks for nothing.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn asking(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<Asking, FieldError> {
        let (attachment, netns) = (&sandbox.attachment, sandbox.netns.as_str());
        Asking::read("vxlan", context, attachment, netns, Some(&self.network))
    }

    /// Reads the configuration, and all that the IPAM plugin will read.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn parse(context: &Context<'_>) -> Result<Self, Failure> {
        let root = context.conf.root();
        let network = name(&root.require("network")?)?;
        let mtu = keys::mtu(&root)?;
        match context.conf.ipam_type()? {
            Some(IPAM) => {}
            Some(other) => {
                let ipam = root.require("ipam")?.object()?;
                let reason =
                    format!("must be {IPAM:?}: the addresses are those of the network's pools");
                return Err(ipam
                    .invalid("type", format_args!("{other:?}"), reason)
                    .into());
            }
            None => {
                return Err(FieldError::Missing {
                    path: "ipam.type".to_owned(),
                }
                .into());
            }
        }
        let policy = match root.bool("policy")? {
            Some(true) => Wish::Required,
            None => Wish::Possible,
            Some(false) => Wish::Outside,
        };
        let facts = Wanted::read(context.conf, context.args)?.facts;
        Ok(VxlanConf {
            network,
            mtu,
            pool: facts.pool,
            policy,
            rates: Rates::read(context.conf, context.args)?,
            explicit: !facts.addresses.is_empty(),
        })
    }
}

/// 1 to 63 of a-z, 0-9, `.` and `-`, the first and the last a letter or a digit.
fn name(field: &Field<'_>) -> Result<String, FieldError> {
    let name = field.text()?;
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    let fits = (1..=NAME_MAX).contains(&bytes.len())
        && ends.into_iter().all(|end| end.is_some_and(plain))
        && bytes
            .iter()
            .all(|byte| plain(byte) || matches!(byte, b'.' | b'-'));
    match fits {
        true => Ok(name.to_owned()),
        false => Err(field.invalid(
            "must be 1 to 63 of a-z, 0-9, '.' and '-', the first and the last a letter or a digit",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::{CniArgs, Code, Delegates, NetConf};
    use serde_json::{Value, json};

    fn parse(extra: Value) -> Result<VxlanConf, Failure> {
        let mut value = json!({
            "cniVersion": "1.1.0", "name": "net", "type": "vxlan", "network": "apps",
            "ipam": {"type": "fairway"},
        });
        let extra = extra.as_object().unwrap().clone();
        value.as_object_mut().unwrap().extend(extra);
        VxlanConf::parse(&Context {
            conf: &NetConf::from_json(value).unwrap(),
            args: &CniArgs::default(),
            delegates: &Delegates::default(),
        })
    }

    #[test]
    fn little_is_needed() {
        let bare = VxlanConf {
            network: "apps".to_owned(),
            mtu: None,
            pool: None,
            policy: Wish::Possible,
            rates: Rates::default(),
            explicit: false,
        };
        assert_eq!(parse(json!({})), Ok(bare.clone()));
        assert_eq!(
            parse(json!({"mtu": 0, "policy": null, "ipam": {"type": "fairway", "pool": ""}})),
            Ok(bare)
        );
    }

    #[test]
    fn keys_match_in_any_case_and_what_the_workload_says_counts_more() {
        let failure = parse(json!({
            "network": null, "Network": "a.b-9", "MTU": 1400,
            "ipam": null, "IPAM": {"Type": "fairway", "POOL": "web"},
            "args": {"cni": {"ips": ["10.0.0.7"]}},
        }))
        .unwrap_err();
        // The exact key is there and is null: absent, as in the other plugins.
        assert_eq!(failure.msg, "network: missing");
        let conf = parse(json!({
            "MTU": 1400, "ipam": {"Type": "fairway", "POOL": "web"},
            "args": {"cni": {"ips": ["10.0.0.7"], "labels": {"fairway.network/pool": "db"}}},
        }))
        .unwrap();
        let pool = Sourced {
            value: "db".to_owned(),
            field: "args.cni.labels: fairway.network/pool".to_owned(),
        };
        assert_eq!(
            (conf.mtu, conf.pool, conf.explicit),
            (Some(1400), Some(pool), true)
        );
    }

    #[test]
    fn policy_is_a_wish_of_three() {
        let wish = |policy: Value| parse(json!({"policy": policy})).unwrap().policy;
        assert_eq!(wish(json!(null)), Wish::Possible);
        assert_eq!(wish(json!(true)), Wish::Required);
        assert_eq!(wish(json!(false)), Wish::Outside);
    }

    #[test]
    fn names_of_networks() {
        let longest = "n".repeat(63);
        for good in ["a", "9", "a-b.c9", longest.as_str()] {
            assert_eq!(parse(json!({"network": good})).unwrap().network, good);
        }
        let long = "n".repeat(64);
        for bad in ["", "-a", "a.", "A", "a_b", "a/b", "ä", long.as_str()] {
            let failure = parse(json!({"network": bad})).unwrap_err();
            assert_eq!(failure.code, Code::INVALID_CONFIG);
            assert!(failure.msg.starts_with("network: "), "{failure}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (extra, start) in [
            (json!({"network": null}), "network: missing"),
            (json!({"network": 7}), "network: expected a string"),
            (json!({"mtu": "1400"}), "mtu: expected a whole number"),
            (json!({"policy": {}}), "policy: expected a boolean"),
            (json!({"mtu": 67}), "mtu: 67: must be from 68"),
            (
                json!({"bandwidth": {"egressRate": 5}}),
                "bandwidth.egressRate: 5: ",
            ),
            (json!({"ipam": null}), "ipam.type: missing"),
            (json!({"ipam": {}}), "ipam.type: missing"),
            (
                json!({"ipam": {"type": "host-local"}}),
                "ipam.type: \"host-local\": must be \"fairway\"",
            ),
            (
                json!({"ipam": {"type": "fairway", "pool": 7}}),
                "ipam.pool: expected a string",
            ),
            (
                json!({"ipam": {"type": "fairway", "routes": [{"dst": "x"}]}}),
                "ipam.routes[0].dst: ",
            ),
        ] {
            let failure = parse(extra).unwrap_err();
            assert_eq!(failure.code, Code::INVALID_CONFIG, "{failure}");
            assert!(failure.msg.starts_with(start), "{failure}");
        }
    }
}
