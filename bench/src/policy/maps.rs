//! Maps of another process, read as the kernel has them.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, Map as Any, MapData};
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

/// `ADDRESSES`: words of [`fairway_dataplane::abi::Addr`] and of [`fairway_dataplane::abi::Peer`].
pub(super) type Map = HashMap<MapData, [u32; 4], [u32; 3]>;

/// The map of that name of which a process has a descriptor; the newest, where there are several.
pub(super) fn find(pid: i32, name: &str) -> Result<Map> {
    let mut newest = None;
    for id in ids(&pid.to_string())?.into_keys() {
        if named(id).as_deref() == Some(name) {
            newest = newest.max(Some(id));
        }
    }
    let id = newest.with_context(|| format!("{pid} has no map {name}"))?;
    Ok(HashMap::try_from(Any::HashMap(MapData::from_id(id)?))?)
}

/// What the maps that a process has open take in the kernel, in MiB, by the kernel's own count.
pub(super) fn memory(process: &str) -> Result<BTreeMap<String, f64>> {
    let mut maps = BTreeMap::new();
    for (id, bytes) in ids(process)? {
        let name = named(id).unwrap_or_else(|| id.to_string());
        *maps.entry(name).or_default() += bytes / 1024.0 / 1024.0;
    }
    Ok(maps)
}

fn named(id: u32) -> Option<String> {
    let data = MapData::from_id(id).ok()?;
    data.info().ok()?.name_as_str().map(str::to_owned)
}

/// Numbers of the maps, and the bytes that each takes.
fn ids(process: &str) -> Result<BTreeMap<u32, f64>> {
    let mut maps = BTreeMap::new();
    for file in fs::read_dir(format!("/proc/{process}/fdinfo"))? {
        // The descriptor by which the folder is read is gone by then.
        let Ok(text) = fs::read_to_string(file?.path()) else {
            continue;
        };
        let field = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse::<f64>().ok())
        };
        if let (Some(id), Some(bytes)) = (field("map_id"), field("memlock")) {
            maps.insert(id as u32, bytes);
        }
    }
    Ok(maps)
}

/// Who has an address.
pub(super) fn identity(map: &Map, address: IpAddr) -> Option<u32> {
    let key = fairway_dataplane::abi::Addr::from_octets(match address {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    });
    map.get(&key.0, 0).ok().map(|peer| peer[0])
}
