//! The configuration: `ipam`, and what the runtime adds to it.

use crate::{range::RangeSet, span::Span};
use fairway_cni::{FieldError, NetConf, Object, Route, Version};
use std::path::PathBuf;

/// Where the reference plugin keeps its files, and so do we.
pub const DATA_DIR: &str = "/var/lib/cni/networks";

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Each gives one address; at least one.
    pub sets: Vec<RangeSet>,
    /// Routes for the container.
    pub routes: Vec<Route>,
    /// A file to read the resolver's configuration from.
    pub resolv_conf: Option<PathBuf>,
}

/// `ipam.dataDir`, for the verbs that need nothing else and must work where the rest is wrong.
pub fn data_dir(conf: &NetConf) -> Result<PathBuf, FieldError> {
    let ipam = conf.root().object("ipam")?;
    let dir = ipam.map(|ipam| ipam.text("dataDir")).transpose()?.flatten();
    Ok(dir.unwrap_or(DATA_DIR).into())
}

impl Config {
    /// Reads and checks all of it.
    ///
    /// The ranges are those of `runtimeConfig.ipRanges`, then the one in `ipam` itself, then
    /// `ipam.ranges`, in this order, which numbers the `last_reserved_ip` files.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn read(conf: &NetConf) -> Result<Self, FieldError> {
        let ipam = conf.root().require("ipam")?.object()?;
        let sets = sets(conf, &ipam)?;
        let routes = ipam.items("routes")?;
        let routes = routes
            .iter()
            .map(|route| Route::from_json(&route.object()?));
        Ok(Config {
            sets,
            routes: routes.collect::<Result<_, _>>()?,
            resolv_conf: ipam.text("resolvConf")?.map(PathBuf::from),
        })
    }

    /// The ranges of all sets.
    pub fn spans(&self) -> Vec<Span> {
        spans(&self.sets)
    }
}

fn spans(sets: &[RangeSet]) -> Vec<Span> {
    sets.iter()
        .flat_map(RangeSet::ranges)
        .map(|range| range.span())
        .collect()
}

fn sets(conf: &NetConf, ipam: &Object<'_>) -> Result<Vec<RangeSet>, FieldError> {
    let mut sets = Vec::new();
    if let Some(runtime) = conf.runtime_config()? {
        for item in runtime.items("ipRanges")? {
            sets.push(RangeSet::from_json(&item)?);
        }
    }
    if ipam.get("subnet").is_some() {
        sets.push(RangeSet::from_flat(ipam)?);
    }
    for item in ipam.items("ranges")? {
        sets.push(RangeSet::from_json(&item)?);
    }
    if sets.is_empty() {
        let path = "ipam.ranges".to_owned();
        return Err(FieldError::Missing { path });
    }
    for (index, set) in sets.iter().enumerate() {
        let before = sets.iter().take(index);
        for other in before {
            let refuse = |reason: String| FieldError::Value {
                path: set.path().to_owned(),
                value: set.to_string(),
                reason,
            };
            if set.overlaps(other) {
                return Err(refuse(format!("overlaps with {} ({other})", other.path())));
            }
            if set.v6() == other.v6() && conf.version < Version::V0_3_0 {
                let version = conf.version;
                return Err(refuse(format!(
                    "version {version} allows one address of each family"
                )));
            }
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(version: &str, ipam: Value, runtime: Value) -> Result<Config, String> {
        let conf =
            json!({"cniVersion": version, "name": "net", "ipam": ipam, "runtimeConfig": runtime});
        Config::read(&NetConf::from_json(conf).unwrap()).map_err(|error| error.to_string())
    }

    fn shown(config: &Config) -> Vec<String> {
        config
            .sets
            .iter()
            .map(|set| format!("{}={set}", set.path()))
            .collect()
    }

    #[test]
    fn ranges_from_everywhere_in_order() {
        let ipam = json!({
            "type": "host-local", "SUBNET": "10.1.2.0/24", "rangeStart": "10.1.2.9",
            "ranges": [[{"subnet": "10.1.4.0/30"}, {"subnet": "10.1.5.0/30"}], [{"subnet": "fd00::/126"}]],
            "routes": [{"dst": "0.0.0.0/0"}], "resolvConf": "/etc/resolv.conf"
        });
        let config = read(
            "0.3.1",
            ipam,
            json!({"ipRanges": [[{"subnet": "12.1.3.0/30"}]], "x": 1}),
        )
        .unwrap();
        assert_eq!(
            shown(&config),
            [
                "runtimeConfig.ipRanges[0]=12.1.3.1-12.1.3.2",
                "ipam=10.1.2.9-10.1.2.254",
                "ipam.ranges[0]=10.1.4.1-10.1.4.2,10.1.5.1-10.1.5.2",
                "ipam.ranges[1]=fd00::1-fd00::3",
            ]
        );
        assert_eq!(config.spans().len(), 5);
        assert_eq!(config.routes.len(), 1);
        assert_eq!(
            config.resolv_conf.as_deref(),
            Some("/etc/resolv.conf".as_ref())
        );
    }

    #[test]
    fn one_of_each_family_in_old_versions() {
        let dual = json!({"ranges": [[{"subnet": "10.0.0.0/24"}], [{"subnet": "fd00::/64"}]]});
        assert!(read("0.2.0", dual, json!({})).is_ok());
        let two = json!({"ranges": [[{"subnet": "10.0.0.0/24"}], [{"subnet": "10.0.1.0/24"}]]});
        assert!(read("0.3.0", two.clone(), json!({})).is_ok());
        let error = read("0.2.0", two, json!({})).unwrap_err();
        assert!(
            error.starts_with("ipam.ranges[1]: ") && error.ends_with("one address of each family"),
            "{error}"
        );
    }

    #[test]
    fn errors_name_the_field() {
        for (ipam, start) in [
            (json!({}), "ipam.ranges: missing"),
            (json!({"rangeStart": "10.0.0.1"}), "ipam.ranges: missing"),
            (json!({"ranges": []}), "ipam.ranges: missing"),
            (json!({"ranges": {}}), "ipam.ranges: expected an array"),
            (json!({"ranges": [{}]}), "ipam.ranges[0]: expected an array"),
            (
                json!({"ranges": [[]]}),
                "ipam.ranges[0]: []: empty range set",
            ),
            (
                json!({"ranges": [["x"]]}),
                "ipam.ranges[0][0]: expected an object",
            ),
            (json!({"subnet": "10.0.0.0/33"}), "ipam.subnet: "),
            (
                json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.1.1"}),
                "ipam.rangeStart: 10.0.1.1: not in",
            ),
            (
                json!({"subnet": "10.0.0.0/24", "ranges": [[{"subnet": "10.0.0.0/16"}]]}),
                "ipam.ranges[0]: 10.0.0.1-10.0.255.254: overlaps with ipam (10.0.0.1-10.0.0.254)",
            ),
            (
                json!({"subnet": "10.0.0.0/24", "routes": [{"gw": "10.0.0.1"}]}),
                "ipam.routes[0].dst: missing",
            ),
            (
                json!({"subnet": "10.0.0.0/24", "resolvConf": 7}),
                "ipam.resolvConf: expected a string",
            ),
        ] {
            let error = read("1.0.0", ipam, json!({})).unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
