//! What the daemon says of the network, and what follows for this container.

use crate::conf::VxlanConf;
use fairway_api::{
    Method, Nothing,
    endpoint::{Prepare, Prepared, Ready},
    ipam::{Attachment, Sourced},
};
use fairway_cluster_ipam::Daemon;
use fairway_cni::{Failure, FieldError, IpConfig, NetConf};
use std::net::IpAddr;

/// The least MTU that IPv6 allows, bytes (RFC 8200, section 5).
const MTU_V6: u32 = 1280;

/// A network as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    name: String,
    prepared: Prepared,
}

impl Network {
    /// Asks the daemon.
    pub(crate) fn ask(daemon: &Daemon, conf: &VxlanConf) -> Result<Self, Failure> {
        let network = Sourced {
            value: conf.network.clone(),
            field: "network".to_owned(),
        };
        let prepared = daemon.call(Method::EndpointPrepare(Prepare { network }))?;
        Ok(Network::new(conf, prepared))
    }

    pub(crate) fn new(conf: &VxlanConf, prepared: Prepared) -> Self {
        Network {
            name: conf.network.clone(),
            prepared,
        }
    }

    /// The MTU of both ends, in bytes.
    pub(crate) fn mtu(&self, conf: &VxlanConf) -> Result<u32, FieldError> {
        let carried = self.prepared.mtu;
        match conf.mtu {
            Some(mtu) if mtu > carried => Err(FieldError::Value {
                path: "mtu".to_owned(),
                value: mtu.to_string(),
                reason: format!("network {} carries up to {carried} bytes", self.name),
            }),
            Some(mtu) => Ok(mtu),
            None => Ok(carried),
        }
    }

    /// Is the MTU enough for these addresses?
    pub(crate) fn must_fit(
        &self,
        conf: &VxlanConf,
        mtu: u32,
        ips: &[IpConfig],
    ) -> Result<(), FieldError> {
        if mtu >= MTU_V6 || !ips.iter().any(|ip| ip.address.is_ipv6()) {
            return Ok(());
        }
        let (path, value) = match conf.mtu {
            Some(mtu) => ("mtu", mtu.to_string()),
            None => (
                "network",
                format!("{:?}, which carries {mtu} bytes", self.name),
            ),
        };
        Err(FieldError::Value {
            path: path.to_owned(),
            value,
            reason: format!("IPv6 needs {MTU_V6} bytes"),
        })
    }

    /// The configuration for the IPAM plugin: with a pool of the network, unless the workload is asking for
    /// one, or (where there are several) for an address, which is in one.
    ///
    /// What the daemon gives in the end is judged by the daemon, when it is told what the container has.
    pub(crate) fn ipam_conf(
        &self,
        conf: &VxlanConf,
        whole: &NetConf,
    ) -> Result<NetConf, FieldError> {
        let pools = &self.prepared.pools;
        match (&conf.pool, &pools[..]) {
            (_, []) => Err(FieldError::Value {
                path: "network".to_owned(),
                value: format!("{:?}", self.name),
                reason: "has no pool, so no address belongs to it".to_owned(),
            }),
            (Some(pool), _) if !pools.contains(&pool.value) => Err(FieldError::Value {
                path: pool.field.clone(),
                value: format!("{:?}", pool.value),
                reason: format!(
                    "is no pool of network {}, which has {}",
                    self.name,
                    pools.join(", ")
                ),
            }),
            (Some(_), _) => Ok(whole.clone()),
            (None, [_, _, ..]) if conf.explicit => Ok(whole.clone()),
            (None, [first, ..]) => Ok(whole.with_ipam("pool", first.as_str())),
        }
    }
}

/// Has the daemon make everybody on this node reach the container, and waits until it is so.
pub(crate) fn ready(
    daemon: &Daemon,
    attachment: Attachment,
    network: String,
    addresses: Vec<IpAddr>,
) -> Result<(), Failure> {
    let ready = Ready {
        attachment,
        network,
        addresses,
    };
    let Nothing {} = daemon.call(Method::EndpointReady(ready))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::Fault as _;
    use serde_json::{Value, json};

    fn conf(mtu: Option<u32>, pool: Option<&str>, explicit: bool) -> VxlanConf {
        VxlanConf {
            network: "apps".to_owned(),
            mtu,
            policy: crate::conf::Wish::Possible,
            pool: pool.map(|pool| Sourced {
                value: pool.to_owned(),
                field: "pod annotation: fairway.network/pool".to_owned(),
            }),
            rates: fairway_iface::Rates::default(),
            explicit,
        }
    }

    fn network(pools: &[&str], mtu: u32) -> Network {
        let pools = pools.iter().map(|pool| (*pool).to_owned()).collect();
        Network::new(&conf(None, None, false), Prepared { pools, mtu })
    }

    #[test]
    fn the_mtu_is_what_the_network_carries_or_less() {
        let apps = network(&["a"], 1450);
        assert_eq!(apps.mtu(&conf(None, None, false)), Ok(1450));
        assert_eq!(apps.mtu(&conf(Some(1450), None, false)), Ok(1450));
        assert_eq!(apps.mtu(&conf(Some(600), None, false)), Ok(600));
        let error = apps.mtu(&conf(Some(1451), None, false)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mtu: 1451: network apps carries up to 1450 bytes"
        );
        assert_eq!(error.code().number(), 7);
    }

    #[test]
    fn ipv6_needs_1280() {
        let ip = |address: &str| IpConfig {
            interface: None,
            address: address.parse().unwrap(),
            gateway: None,
        };
        let (v4, both) = (
            vec![ip("10.0.0.1/32")],
            vec![ip("10.0.0.1/32"), ip("fd00::1/128")],
        );
        let narrow = network(&["a"], 1200);
        let own = conf(None, None, false);
        assert_eq!(narrow.must_fit(&own, 1200, &v4), Ok(()));
        assert_eq!(narrow.must_fit(&own, 1280, &both), Ok(()));
        let error = narrow.must_fit(&own, 1200, &both).unwrap_err();
        assert!(error.to_string().starts_with("network: \"apps\""));
        let asked = conf(Some(1279), None, false);
        let error = narrow.must_fit(&asked, 1279, &both).unwrap_err();
        assert_eq!(error.to_string(), "mtu: 1279: IPv6 needs 1280 bytes");
    }

    #[test]
    fn the_ipam_plugin_is_given_a_pool_of_the_network() {
        let raw =
            json!({"cniVersion": "1.0.0", "name": "net", "ipam": {"type": "fairway", "pool": "b"}});
        let bare = json!({"cniVersion": "1.0.0", "name": "net", "IPAM": {"type": "fairway"}});
        let pool = |network: &Network, conf: &VxlanConf, raw: &Value| {
            let whole = NetConf::from_json(raw.clone()).unwrap();
            let conf = network.ipam_conf(conf, &whole)?;
            let ipam = conf.root().require("ipam")?.object()?;
            Ok::<_, FieldError>(ipam.text("pool")?.map(ToOwned::to_owned))
        };
        let (one, two) = (network(&["a"], 1450), network(&["a", "b"], 1450));
        let nobody = conf(None, None, false);
        assert_eq!(pool(&one, &nobody, &bare), Ok(Some("a".to_owned())));
        assert_eq!(pool(&two, &nobody, &bare), Ok(Some("a".to_owned())));
        // One that is named stays, and so does what the workload says.
        let named = conf(None, Some("b"), false);
        assert_eq!(pool(&two, &named, &raw), Ok(Some("b".to_owned())));
        assert_eq!(pool(&two, &named, &bare), Ok(None));
        // An address says which pool it is in.
        let explicit = conf(None, None, true);
        assert_eq!(pool(&two, &explicit, &bare), Ok(None));
        assert_eq!(pool(&one, &explicit, &bare), Ok(Some("a".to_owned())));

        let error = pool(&one, &named, &bare).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pod annotation: fairway.network/pool: \"b\": is no pool of network apps, which has a"
        );
        let error = pool(&network(&[], 1450), &nobody, &bare).unwrap_err();
        assert!(
            error.to_string().starts_with("network: \"apps\": has no"),
            "{error}"
        );
    }
}
