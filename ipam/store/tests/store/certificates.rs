//! When certificates end is known before they do.

use crate::bed::named;
use fairway_etcd_bed::{Authority, Flaw};
use fairway_store::{Location, certificate_ends};
use std::fs;

/// The first of January, in seconds since 1970.
const OF_2199: u64 = 7_226_582_400;
const OF_2021: u64 = 1_609_459_200;

#[test]
fn the_end_of_each_file_is_told() {
    let dir = fairway_lab::Lab::new().expect("a lab");
    let authority = Authority::new("bed").expect("an authority");
    let (ca, cert, key) = (
        dir.scratch().join("ca.pem"),
        dir.scratch().join("cert.pem"),
        dir.scratch().join("key.pem"),
    );
    fs::write(&ca, authority.pem()).expect("written");
    let at = |cert: &std::path::Path| -> Location {
        let etcd: Location = "etcd:https://127.0.0.1:1".parse().expect("a location");
        let (cert, key) = (named("--etcd-cert", cert), named("--etcd-key", &key));
        let location = etcd.with_tls(named("--etcd-ca", &ca), cert, key);
        location.expect("a location with TLS")
    };
    for (flaw, end) in [
        (Flaw::None, OF_2199),
        (Flaw::NotYet, OF_2199),
        (Flaw::Expired, OF_2021),
    ] {
        let (pem, secret) = authority.issue("n1", &[], flaw).expect("a certificate");
        fs::write(&cert, pem).expect("written");
        fs::write(&key, secret).expect("written");
        let ends = certificate_ends(&at(&cert));
        assert_eq!(
            ends,
            [("--etcd-ca", OF_2199), ("--etcd-cert", end)],
            "{flaw:?}"
        );
    }
    // What cannot be read has no end that anybody knows, and takes none from the others.
    fs::write(&cert, "no certificate").expect("written");
    assert_eq!(certificate_ends(&at(&cert)), [("--etcd-ca", OF_2199)]);
    let plain: Location = "etcd:http://127.0.0.1:1".parse().expect("a location");
    let file: Location = "redb:/nowhere".parse().expect("a location");
    assert!(certificate_ends(&plain).is_empty() && certificate_ends(&file).is_empty());
}
