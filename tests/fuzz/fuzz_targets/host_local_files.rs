//! host-local's files: those that the reference plugin shares, and the index beside them.
#![no_main]

use fairway_host_local::{
    address_of,
    index::{Header, Place},
    record::{self, Record},
    resolv,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Record::Owner {
        id,
        ifname: Some(ifname),
    } = Record::parse(data)
    {
        let written = record::format(&id, &ifname);
        assert_eq!(
            Record::parse(&written),
            Record::Owner {
                id,
                ifname: Some(ifname)
            }
        );
    }
    if let Ok(text) = str::from_utf8(data) {
        let _ = resolv::parse(text);
    }
    if let Some(ip) = address_of(data) {
        assert_eq!(address_of(ip.to_string().as_bytes()), Some(ip));
    }
    let _ = Header::decode(data);
    let _ = Place::decode(data);
});
