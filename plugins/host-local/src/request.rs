//! Which of the addresses that were asked for by name is for which set.
//!
//! The reference plugin throws what all places ask for together and fails where two are in the same set.
//! Here an address from a place that counts more wins in its set; addresses in different sets, such as an
//! IPv4 address in `CNI_ARGS` and an IPv6 one in `runtimeConfig.ips`, are all honoured, as they are there.

use crate::{error::AllocError, range::RangeSet};

pub use fairway_cni::asked::{Asked as Request, addresses as requests};

/// For each set the address asked for, if any.
///
/// # Errors
/// An address that is in no set, that is a gateway's, or is the second in its set from the same place.
pub fn plan<'a>(
    requests: &'a [Request],
    sets: &[RangeSet],
) -> Result<Vec<Option<&'a Request>>, AllocError> {
    let mut plan: Vec<Option<&Request>> = vec![None; sets.len()];
    for request in requests {
        let (ip, field) = (request.ip, || request.field.clone());
        let place = sets
            .iter()
            .zip(&mut plan)
            .find_map(|(set, place)| Some((set, set.range_of(ip)?, place)));
        let Some((set, range, place)) = place else {
            return Err(AllocError::Outside { field: field(), ip });
        };
        match place {
            None if range.gateway() == ip => {
                return Err(AllocError::Gateway { field: field(), ip });
            }
            None => *place = Some(request),
            Some(other) if other.ip == ip || other.place < request.place => {}
            Some(other) => {
                return Err(AllocError::Surplus {
                    field: field(),
                    ip,
                    set: set.path().to_owned(),
                    other: other.field.clone(),
                });
            }
        }
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::{CniArgs, Failure, Fault as _, Field, NetConf};
    use serde_json::{Value, json};

    fn conf(extra: Value) -> NetConf {
        let mut value = json!({"cniVersion": "1.0.0", "name": "net"});
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        NetConf::from_json(value).unwrap()
    }

    fn planned(extra: Value, args: &str) -> Result<Vec<String>, (u32, String)> {
        let sets = json!([[{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.2.0/24"}], [{"subnet": "fd00::/64"}]]);
        let sets: Vec<_> = sets
            .as_array()
            .unwrap()
            .iter()
            .map(|set| RangeSet::from_json(&Field::new(set, "r")).unwrap())
            .collect();
        let fail = |failure: Failure| (failure.code.number(), failure.msg);
        let requests = requests(&conf(extra), &CniArgs::parse(args).unwrap());
        let requests = requests.map_err(|error| fail(error.into()))?;
        let plan =
            plan(&requests, &sets).map_err(|error| (error.code().number(), error.to_string()))?;
        Ok(plan
            .iter()
            .map(|request| request.map_or("-".to_owned(), |request| request.ip.to_string()))
            .collect())
    }

    #[test]
    fn each_place_is_honoured() {
        let none = || json!({});
        assert_eq!(planned(none(), "").unwrap(), ["-", "-"]);
        assert_eq!(planned(none(), "IP=10.0.2.7").unwrap(), ["10.0.2.7", "-"]);
        assert_eq!(
            planned(none(), "IP=10.0.0.7/24, fd00::7").unwrap(),
            ["10.0.0.7", "fd00::7"]
        );
        assert_eq!(planned(none(), "IP=").unwrap(), ["-", "-"]);
        assert_eq!(
            planned(json!({"args": {"cni": {"ips": ["fd00::8"]}}}), "").unwrap(),
            ["-", "fd00::8"]
        );
        assert_eq!(
            planned(json!({"runtimeConfig": {"IPS": ["::ffff:10.0.0.8"]}}), "").unwrap(),
            ["10.0.0.8", "-"]
        );
        let mesos = json!({"args": {"org.apache.mesos": {"network_info": {
            "ip_addresses": [{"protocol": "IPv4"}, {"ip_address": "10.0.0.77"}]
        }}}});
        assert_eq!(planned(mesos, "").unwrap(), ["10.0.0.77", "-"]);
    }

    #[test]
    fn what_counts_more_wins_in_its_set() {
        let both = json!({"runtimeConfig": {"ips": ["10.0.0.9"]}, "args": {"cni": {"ips": ["10.0.0.8", "fd00::8"]}}});
        assert_eq!(
            planned(both, "IP=10.0.0.7").unwrap(),
            ["10.0.0.9", "fd00::8"]
        );
        let same = json!({"runtimeConfig": {"ips": ["10.0.0.9", "10.0.0.9"]}});
        assert_eq!(planned(same, "IP=10.0.0.9").unwrap(), ["10.0.0.9", "-"]);
    }

    #[test]
    fn errors_name_the_field() {
        for (extra, args, code, start) in [
            (
                json!({"runtimeConfig": {"ips": ["10.0.0.1"]}}),
                "",
                102,
                "runtimeConfig.ips[0]: requested ip 10.0.0.1 is",
            ),
            (
                json!({"runtimeConfig": {"ips": ["10.9.0.1"]}}),
                "",
                102,
                "runtimeConfig.ips[0]: failed to allocate all requested IPs: 10.9.0.1",
            ),
            (
                json!({"args": {"cni": {"ips": ["10.0.0.7", "10.0.2.8"]}}}),
                "",
                102,
                "args.cni.ips[1]: failed to allocate all requested IPs: 10.0.2.8",
            ),
            (
                json!({"args": {"cni": {"ips": ["10.0.0"]}}}),
                "",
                7,
                "args.cni.ips[0]: \"10.0.0\"",
            ),
            (
                json!({"args": {"cni": {"ips": "10.0.0.7"}}}),
                "",
                7,
                "args.cni.ips: expected an array",
            ),
            (
                json!({"runtimeConfig": {"ips": [7]}}),
                "",
                7,
                "runtimeConfig.ips[0]: expected a string",
            ),
            (
                json!({}),
                "IP=10.0.0.300",
                7,
                "CNI_ARGS: IP: \"10.0.0.300\"",
            ),
            (
                json!({}),
                "IP=10.0.0.3/40",
                7,
                "CNI_ARGS: IP: \"10.0.0.3/40\"",
            ),
        ] {
            let (found, error) = planned(extra, args).unwrap_err();
            assert_eq!(found, code, "{error}");
            assert!(error.starts_with(start), "{error}");
        }
    }
}
