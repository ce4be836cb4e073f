//! Each record both ways: (bytes, value) pairs, errors that name the field, and a property.

use super::*;
use crate::{AttachmentId, Handover, RangeSpec, Release, Uid};
use proptest::prelude::*;
use std::{fmt::Debug, net::IpAddr};

fn both<T: Record + PartialEq + Debug>(json: &str, value: &T) {
    assert_eq!(String::from_utf8(value.encode()).unwrap(), json);
    assert_eq!(&T::decode(json.as_bytes()).unwrap(), value);
}

fn wrong<T: Record + Debug>(json: &str) -> String {
    T::decode(json.as_bytes()).unwrap_err().to_string()
}

fn attachment() -> AttachmentId {
    AttachmentId {
        network: "apps".to_owned(),
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn owner() -> BlockOwner {
    BlockOwner {
        node: "n1".parse().unwrap(),
        journal: "j1".parse().unwrap(),
        boot: Some("b1".to_owned()),
    }
}

#[test]
fn blocks() {
    let entry = |last: u8, used| BlockEntry {
        ip: IpAddr::from([10, 1, 0, last]),
        seq: u64::from(last),
        used,
    };
    let live = |workload| Use::Live {
        attachment: attachment(),
        workload,
    };
    let uid: Uid = "u1".parse().unwrap();
    let record = BlockRecord {
        owner: Some(owner()),
        epoch: 3,
        free: 59,
        entries: vec![
            entry(2, live(None)),
            entry(3, live(Some("prod/db-0".to_owned()))),
            entry(4, Use::Cooling),
            entry(5, Use::Claimed { uid }),
        ],
    };
    both(
        concat!(
            r#"{"version":1,"owner":{"node":"n1","journal":"j1","boot":"b1"},"epoch":3,"free":59,"entries":["#,
            r#"{"ip":"10.1.0.2","seq":2,"live":{"attachment":{"network":"apps","container":"c1","ifname":"eth0"}}},"#,
            r#"{"ip":"10.1.0.3","seq":3,"live":{"attachment":{"network":"apps","container":"c1","ifname":"eth0"},"workload":"prod/db-0"}},"#,
            r#"{"ip":"10.1.0.4","seq":4,"cooling":true},{"ip":"10.1.0.5","seq":5,"claimed":"u1"}]}"#
        ),
        &record,
    );
    let none = BlockRecord {
        owner: None,
        epoch: 1,
        free: 64,
        entries: vec![],
    };
    both(r#"{"version":1,"epoch":1,"free":64,"entries":[]}"#, &none);
    for (json, error) in [
        (r#"{"version":1,"epoch":1}"#, "value: missing field `free`"),
        (
            r#"{"version":1,"epoch":-1,"free":0}"#,
            "epoch: invalid value",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"owner":{"node":"","journal":"j"}}"#,
            "owner.node: \"\" is no node name",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"entries":[{"ip":"10.1","seq":1,"cooling":true}]}"#,
            "entries[0].ip: invalid IP",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"entries":[{"ip":"10.1.0.1","seq":1}]}"#,
            "entries[0]: exactly one of live",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"entries":[{"ip":"10.1.0.1","seq":1,"cooling":true,"claimed":"u"}]}"#,
            "entries[0]: exactly one of live",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"entries":[{"ip":"10.1.0.1","seq":1,"claimed":"a b"}]}"#,
            "entries[0].claimed: \"a b\" is no uid",
        ),
        (
            r#"{"version":1,"epoch":1,"free":0,"entries":[{"ip":"10.1.0.1","seq":1,"live":{"attachment":{"network":"a"}}}]}"#,
            "entries[0].live.attachment: missing field `container`",
        ),
    ] {
        let found = wrong::<BlockRecord>(json);
        assert!(
            found.starts_with(error) || found.ends_with(error),
            "{found}"
        );
    }
}

fn claim() -> Claim {
    Claim {
        uid: "u1".parse().unwrap(),
        kind: Kind::Sticky,
        parts: vec![Part::Granted { ip: ip("10.1.0.5") }],
        holder: None,
        release: Release::Never,
        handover: Handover::Wait,
        app: None,
        ordinal: None,
        only: None,
        ousted: None,
        ended: None,
        created: UnixSeconds(7),
    }
}

#[test]
fn claims() {
    let small = ClaimRecord::Claim(claim());
    both(
        r#"{"version":1,"claim":{"uid":"u1","kind":"sticky","parts":[{"state":"granted","ip":"10.1.0.5"}],"release":"never","handover":"wait","created":7}}"#,
        &small,
    );
    let full = ClaimRecord::Claim(Claim {
        kind: Kind::Borrowed,
        parts: vec![
            Part::Asked {
                block: "10.1.0.0/26".parse().unwrap(),
                ip: None,
            },
            Part::Refused {
                block: "fd00::/122".parse().unwrap(),
                ip: Some(ip("fd00::5")),
                reason: "taken".to_owned(),
            },
        ],
        holder: Some(Holder {
            node: "n1".parse().unwrap(),
            journal: "j1".parse().unwrap(),
            attachment: attachment(),
            seq: 9,
            since: UnixSeconds(8),
            boot: Some("b1".to_owned()),
        }),
        release: Release::After(60),
        handover: Handover::Strict,
        app: Some("StatefulSet/prod/db".parse().unwrap()),
        ordinal: Some(0),
        only: Some("n2".parse().unwrap()),
        ended: Some(UnixSeconds(9)),
        ..claim()
    });
    both(
        concat!(
            r#"{"version":1,"claim":{"uid":"u1","kind":"borrowed","parts":[{"state":"asked","block":"10.1.0.0/26"},"#,
            r#"{"state":"refused","block":"fd00::/122","ip":"fd00::5","reason":"taken"}],"holder":{"node":"n1","journal":"j1","#,
            r#""attachment":{"network":"apps","container":"c1","ifname":"eth0"},"seq":9,"since":8,"boot":"b1"},"release":"after:60s","#,
            r#""handover":"strict","app":"StatefulSet/prod/db","ordinal":0,"only":"n2","ended":9,"created":7}}"#
        ),
        &full,
    );
    let set = ClaimRecord::Set(SetSpec {
        size: Some(3),
        surge: 1,
        release: Release::OnScaleDown,
        handover: Handover::Temporary,
        app: None,
        created: UnixSeconds(7),
    });
    both(
        r#"{"version":1,"set":{"size":3,"surge":1,"release":"on-scale-down","handover":"temporary","created":7}}"#,
        &set,
    );
    let part = |part: &str| {
        let json = r#"{"version":1,"claim":{"uid":"u","kind":"sticky","parts":[PART],"release":"never","handover":"wait","created":7}}"#;
        wrong::<ClaimRecord>(&json.replace("PART", part))
    };
    for (found, error) in [
        (
            wrong::<ClaimRecord>(r#"{"version":1}"#),
            "exactly one of claim and set must be there",
        ),
        (
            wrong::<ClaimRecord>(r#"{"version":1,"claim":{"uid":7}}"#),
            "claim.uid: invalid type",
        ),
        (
            part(r#"{"state":"granted"}"#),
            "claim.parts[0]: ip: missing, and needed in this state",
        ),
        (
            part(r#"{"state":"asked"}"#),
            "claim.parts[0]: block: missing, and needed in this state",
        ),
        (
            part(r#"{"state":"given"}"#),
            "claim.parts[0].state: unknown variant `given`",
        ),
        (
            part(r#"{"state":"asked","block":"10.1.0.1/26"}"#),
            "claim.parts[0].block: \"10.1.0.1/26\" has host bits set",
        ),
    ] {
        assert!(found.contains(error), "{found}");
    }
}

#[test]
fn the_others() {
    let node = NodeRecord {
        journal: "j1".parse().unwrap(),
        labels: BTreeMap::from([("rack".to_owned(), "a".to_owned())]),
        since: UnixSeconds(5),
        daemon: "0.1.0".to_owned(),
        host: "h".to_owned(),
        underlay: None,
    };
    both(
        r#"{"version":1,"journal":"j1","labels":{"rack":"a"},"since":5,"daemon":"0.1.0","host":"h"}"#,
        &node,
    );
    both(
        r#"{"version":1,"since":5}"#,
        &WantRecord {
            since: UnixSeconds(5),
        },
    );
    both(
        r#"{"version":1,"generation":5}"#,
        &GuardRecord { generation: 5 },
    );
    let pool = PoolSpec::new(vec![RangeSpec::new("10.1.0.0/16".parse().unwrap())]);
    both(
        r#"{"version":1,"ranges":[{"cidr":"10.1.0.0/16"}],"cooldown":30,"reserve":8,"release":"on-delete","handover":"wait","phase":"active"}"#,
        &pool,
    );
    let short = br#"{"ranges":[{"cidr":"10.1.0.0/16"}],"version":1}"#;
    assert_eq!(PoolSpec::decode(short), Ok(pool));
    for (json, error) in [
        (r#"{"version":1}"#, "missing field `ranges`"),
        (
            r#"{"version":1,"ranges":[{"cidr":"10.1.0.1/16"}]}"#,
            "ranges[0].cidr: \"10.1.0.1/16\" has host bits set; its network is 10.1.0.0/16",
        ),
        (
            r#"{"version":1,"ranges":[{"cidr":"10.1.0.0/16","gateway":"x"}]}"#,
            "ranges[0].gateway: invalid IP address syntax",
        ),
        (
            r#"{"version":1,"ranges":[],"release":"after:1y"}"#,
            "release: \"after:1y\" is not one of on-delete",
        ),
        (
            r#"{"version":1,"ranges":[],"phase":"gone"}"#,
            "phase: unknown variant `gone`",
        ),
    ] {
        let found = wrong::<PoolSpec>(json);
        assert!(found.contains(error), "{found}");
    }
}

#[test]
fn versions_are_judged_before_all_else() {
    let newer = wrong::<WantRecord>(r#"{"since":{"new":true},"version":2}"#);
    assert!(newer.starts_with("version 2 is newer than 1"), "{newer}");
    for (json, error) in [
        (r#"{"since":5}"#, "version: missing"),
        (r#"{"version":0,"since":5}"#, "version: missing"),
        (r#"{"version":1.5,"since":5}"#, "version: missing"),
        (r#"{"version":"1","since":5}"#, "is no JSON object"),
        ("", "is no JSON object"),
        ("[]", "is no JSON object"),
        ("{", "is no JSON object"),
        (r#"{"version":1,"since":5} x"#, "is no JSON object"),
        ("\u{feff}{}", "is no JSON object"),
    ] {
        let found = wrong::<WantRecord>(json);
        assert!(found.starts_with(error), "{json}: {found}");
    }
    let more = br#"{"version":1,"since":5,"later":{"a":[1]}}"#;
    assert!(
        WantRecord::decode(more).is_ok(),
        "an unknown field is passed over"
    );
}

fn entry() -> impl Strategy<Value = BlockEntry> {
    let name = "[a-z~\"\\\\/é ]{0,8}";
    let live = (name, name, name, prop::option::of(name)).prop_map(
        |(network, container, ifname, workload)| Use::Live {
            attachment: AttachmentId {
                network,
                container,
                ifname,
            },
            workload,
        },
    );
    let claimed = "[a-z0-9]{1,8}".prop_map(|uid| Use::Claimed {
        uid: uid.parse().unwrap(),
    });
    let used = prop_oneof![live, Just(Use::Cooling), claimed];
    (any::<IpAddr>(), any::<u64>(), used).prop_map(|(ip, seq, used)| BlockEntry { ip, seq, used })
}

fn part() -> impl Strategy<Value = Part> {
    let block =
        || (any::<IpAddr>(), 0..=32u8).prop_map(|(ip, p)| crate::Cidr::holding(ip, p).unwrap());
    let ip = || prop::option::of(any::<IpAddr>());
    prop_oneof![
        (block(), ip()).prop_map(|(block, ip)| Part::Asked { block, ip }),
        any::<IpAddr>().prop_map(|ip| Part::Granted { ip }),
        (block(), ip(), ".{0,9}").prop_map(|(block, ip, reason)| Part::Refused {
            block,
            ip,
            reason
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        owned: bool, epoch: u64, free: u32,
        entries in prop::collection::vec(entry(), 0..6),
        parts in prop::collection::vec(part(), 0..3),
        ordinal: Option<u32>, ended: Option<u64>,
    ) {
        let block = BlockRecord { owner: owned.then(owner), epoch, free, entries };
        prop_assert_eq!(BlockRecord::decode(&block.encode()), Ok(block));
        let claim = Claim { parts, ordinal, ended: ended.map(UnixSeconds), ..claim() };
        let record = ClaimRecord::Claim(claim);
        prop_assert_eq!(ClaimRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = BlockRecord::decode(&bytes);
        let _ = ClaimRecord::decode(&bytes);
        let _ = PoolSpec::decode(&bytes);
    }
}
