use super::*;
use proptest::{option, prelude::*};

const OWNER: Owner<'static> = Owner {
    network: "net",
    container_id: "c1",
    ifname: "net1",
};

fn record() -> Record {
    Record {
        name: "enp3s0f1".parse().unwrap(),
        up: Some(true),
        mtu: Some(9000),
        mac: Some("02:00:00:00:00:01".parse().unwrap()),
        alias: Some("to the rack's switch".to_owned()),
    }
}

fn marked(alias: &str) -> Link {
    let mut link = Link::new(7, "net1");
    link.alias = Some(alias.to_owned());
    link
}

#[test]
fn it_is_read_as_it_was_written() {
    let alias = record().alias_for(OWNER).unwrap();
    // What earlier releases wrote must be read for ever.
    assert_eq!(
        alias,
        "fairway-device enp3s0f1 up 9000 02:00:00:00:00:01 net/c1/net1 to the rack's switch"
    );
    assert_eq!(Record::of_owner(&marked(&alias), OWNER), Some(record()));
    let other = Owner {
        container_id: "c2",
        ..OWNER
    };
    assert_eq!(Record::of_owner(&marked(&alias), other), None);
}

#[test]
fn an_owner_that_is_long_is_hashed_and_an_alias_that_is_long_is_refused() {
    let id = "c".repeat(180);
    let long = Owner {
        container_id: &id,
        ..OWNER
    };
    let alias = record().alias_for(long).unwrap();
    assert!(alias.len() <= ALIAS_MAX && alias.contains(" #"), "{alias}");
    assert_eq!(Record::of_owner(&marked(&alias), long), Some(record()));
    assert_eq!(Record::of_owner(&marked(&alias), OWNER), None);
    let stale = |network, valid: &[(&str, &str)]| {
        let parse = |(id, ifname): &(&str, &str)| (id.parse().unwrap(), ifname.parse().unwrap());
        let valid = valid.iter().map(parse).collect();
        Record::of_stale(&marked(&alias), network, &valid).is_some()
    };
    assert!(stale("net", &[("c2", "net1")]));
    assert!(!stale("net", &[(&id, "net1")]));
    assert!(!stale("other", &[]));

    let mut full = record();
    full.alias = Some("a".repeat(200));
    assert_eq!(full.alias_for(OWNER), None);
    full.alias = Some("a".repeat(170));
    let alias = full.alias_for(OWNER).unwrap();
    assert!(alias.len() <= ALIAS_MAX);
    assert_eq!(Record::of_owner(&marked(&alias), OWNER), Some(full));
}

#[test]
fn what_is_not_ours_is_not_read() {
    for alias in [
        "",
        "eth1",
        "fairway:net/c1/net1",
        "fairway-device ",
        "fairway-device a up 1500 -",
        "fairway-device a/b up 1500 - net/c1/net1",
        "fairway-device a maybe 1500 - net/c1/net1",
        "fairway-device a up many - net/c1/net1",
        "fairway-device a up 1500 02:00 net/c1/net1",
    ] {
        assert_eq!(Record::read(alias), None, "{alias}");
    }
}

/// Its alias is the name that the link had; a text that cannot be one is somebody's text.
#[test]
fn the_reference_plugins() {
    let read = |alias: &str| Record::of_reference(&marked(alias)).map(|record| record.name);
    assert_eq!(read("eth1"), Some("eth1".parse().unwrap()));
    for alias in [
        "",
        "to the switch",
        "fairway:net/c1/net1",
        "sixteen-bytes-it",
    ] {
        assert_eq!(read(alias), None, "{alias}");
    }
}

#[test]
fn undoing_changes_what_differs() {
    let mut link = marked("whatever");
    let all = record().undo(&link);
    assert_eq!((all.mtu, all.mac), (record().mtu, record().mac));
    (link.mtu, link.mac) = (9000, record().mac);
    let less = record().undo(&link);
    assert_eq!((less.mtu, less.mac, less.up), (None, None, Some(true)));
    assert_eq!(less.alias, record().alias);
    let none = Record {
        alias: None,
        up: Some(false),
        ..record()
    };
    let less = none.undo(&link);
    assert_eq!((less.alias.as_deref(), less.up), (Some(""), Some(false)));
}

proptest! {
    #[test]
    fn any_record(
        name in "[!-.0-9;-~]{1,15}", up in any::<bool>(), mtu in option::of(1_u32..),
        mac in option::of(any::<[u8; 6]>()), alias in option::of("\\PC{1,30}"),
        id in "[a-z0-9]{1,64}",
    ) {
        prop_assume!(name != "." && name != "..");
        let record = Record {
            name: name.parse().unwrap(), up: Some(up), mtu, mac: mac.map(MacAddr), alias,
        };
        let owner = Owner { container_id: &id, ..OWNER };
        let alias = record.alias_for(owner).unwrap();
        prop_assert!(alias.len() <= ALIAS_MAX);
        prop_assert_eq!(Record::of_owner(&marked(&alias), owner), Some(record));
    }

    #[test]
    fn garbage(alias in "(fairway-device )?[ -~]{0,60}") {
        let _ = Record::read(&alias);
    }
}
