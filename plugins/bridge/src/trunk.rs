//! `vlanTrunk`: `[{id}, {minID, maxID}, …]`.

use fairway_cni::{FieldError, Object};
use fairway_netlink::PortVlanRange;
use std::collections::BTreeSet;

/// Reads the list into disjoint ascending ranges, so that a trunk of thousands of VLANs is a few bytes
/// to the kernel and not thousands of requests.
pub fn parse(root: &Object<'_>) -> Result<Vec<PortVlanRange>, FieldError> {
    let mut vids = BTreeSet::new();
    for item in root.items("vlanTrunk")? {
        let entry = item.object()?;
        let vid = |key| -> Result<Option<u16>, FieldError> {
            Ok(entry
                .integer(key, 1..=4094)?
                .and_then(|vid| u16::try_from(vid).ok()))
        };
        match (vid("minID")?, vid("maxID")?) {
            (Some(low), Some(high)) if low > high => {
                return Err(entry.invalid(
                    "minID",
                    low,
                    format_args!("is greater than maxID {high}"),
                ));
            }
            (Some(low), Some(high)) => vids.extend(low..=high),
            (None, None) => {}
            (Some(_), None) => {
                return Err(entry
                    .require("maxID")
                    .err()
                    .unwrap_or_else(|| unpaired(&entry)));
            }
            (None, Some(_)) => {
                return Err(entry
                    .require("minID")
                    .err()
                    .unwrap_or_else(|| unpaired(&entry)));
            }
        }
        vids.extend(vid("id")?);
    }
    Ok(ranges(vids))
}

fn unpaired(entry: &Object<'_>) -> FieldError {
    entry.invalid("minID", "", "minID and maxID go together")
}

/// Runs of consecutive ids.
pub fn ranges(vids: impl IntoIterator<Item = u16>) -> Vec<PortVlanRange> {
    let mut ranges: Vec<PortVlanRange> = Vec::new();
    for vid in vids {
        match ranges.last_mut() {
            Some(range) if range.last + 1 == vid => range.last = vid,
            _ => ranges.push(PortVlanRange::single(vid)),
        }
    }
    ranges
}

/// The ranges without one id: that of the port's untagged VLAN, which a tagged entry would undo.
pub fn without(ranges: &[PortVlanRange], vid: u16) -> Vec<PortVlanRange> {
    let split = |range: &PortVlanRange| {
        let below =
            (range.first < vid).then(|| PortVlanRange::range(range.first, range.last.min(vid - 1)));
        let above =
            (range.last > vid).then(|| PortVlanRange::range(range.first.max(vid + 1), range.last));
        [below, above]
    };
    ranges.iter().flat_map(split).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parsed(trunk: Value) -> Result<Vec<(u16, u16)>, FieldError> {
        let value = json!({ "vlanTrunk": trunk });
        let ranges = parse(&Object::root(value.as_object().unwrap()))?;
        Ok(pairs(&ranges))
    }

    fn pairs(ranges: &[PortVlanRange]) -> Vec<(u16, u16)> {
        ranges
            .iter()
            .map(|range| (range.first, range.last))
            .collect()
    }

    #[test]
    fn ids_and_ranges_merge() {
        let trunk = json!([{"id": 12}, {"minID": 1, "maxID": 4}, {"minID": 4, "maxID": 6, "id": 100}, {"id": 7}, {}]);
        assert_eq!(parsed(trunk).unwrap(), [(1, 7), (12, 12), (100, 100)]);
        assert_eq!(
            parsed(json!([{"minID": 1, "maxID": 4094}])).unwrap(),
            [(1, 4094)]
        );
    }

    #[test]
    fn errors_name_the_entry() {
        for (trunk, path) in [
            (json!([{"id": 0}]), "vlanTrunk[0].id"),
            (json!([{"id": 4095}]), "vlanTrunk[0].id"),
            (json!([{}, {"minID": 5, "maxID": 4}]), "vlanTrunk[1].minID"),
            (json!([{"minID": 5}]), "vlanTrunk[0].maxID: missing"),
            (json!([{"maxID": 5}]), "vlanTrunk[0].minID: missing"),
            (json!([5]), "vlanTrunk[0]"),
            (json!({}), "vlanTrunk"),
        ] {
            let error = parsed(trunk).unwrap_err().to_string();
            assert!(error.starts_with(path), "{error}");
        }
    }

    #[test]
    fn one_id_is_cut_out() {
        let ranges = [PortVlanRange::range(1, 10), PortVlanRange::single(20)];
        assert_eq!(pairs(&without(&ranges, 5)), [(1, 4), (6, 10), (20, 20)]);
        assert_eq!(pairs(&without(&ranges, 1)), [(2, 10), (20, 20)]);
        assert_eq!(pairs(&without(&ranges, 10)), [(1, 9), (20, 20)]);
        assert_eq!(pairs(&without(&ranges, 20)), [(1, 10)]);
        assert_eq!(pairs(&without(&ranges, 30)), [(1, 10), (20, 20)]);
    }
}
