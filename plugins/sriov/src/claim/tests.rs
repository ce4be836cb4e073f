use super::*;
use fairway_netlink::{VfLinkState, VlanProto};
use proptest::prelude::*;

pub(crate) fn claim() -> Claim {
    Claim {
        boot: "a boot".to_owned(),
        network: "net".parse().unwrap(),
        container_id: "c1".parse().unwrap(),
        ifname: "eth0".parse().unwrap(),
        netns: "/run/netns/one".to_owned(),
        netns_id: (4, u64::MAX),
        link: Some(Record {
            name: "enp1s0v0".parse().unwrap(),
            up: Some(true),
            mtu: Some(1500),
            mac: Some(MacAddr([2, 0, 0, 0, 0, 1])),
            alias: Some("port 7".to_owned()),
        }),
        before: Vf {
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            vlan: VfVlan {
                id: 7,
                qos: 3,
                proto: VlanProto::Dot1ad,
            },
            spoofchk: Some(true),
            link_state: VfLinkState::Disable,
            rate: VfRate {
                min: 1,
                max: u32::MAX,
            },
            ..Vf::new(5)
        },
        changed: vec![Setting::Vlan, Setting::Mac],
    }
}

fn read(value: &Value) -> Result<Claim, FieldError> {
    Claim::from_json(&Object::root(value.as_object().unwrap()))
}

/// A file of this release must be read by the next.
#[test]
fn the_form_on_the_disk() {
    let expected = r#"{"before":{"index":5,"link_state":"disable","mac":"02:00:00:00:00:01","max_tx_rate":4294967295,
        "min_tx_rate":1,"spoofchk":true,"trust":null,"vlan":7,"vlanProto":"802.1ad","vlanQoS":3},"boot":"a boot",
        "changed":["vlan","mac"],"containerID":"c1","ifname":"eth0","link":{"alias":"port 7",
        "mac":"02:00:00:00:00:01","mtu":1500,"name":"enp1s0v0","up":true},"netns":"/run/netns/one",
        "netnsDevice":4,"netnsInode":18446744073709551615,"network":"net"}"#;
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(claim().to_json(), expected);
    assert_eq!(read(&expected), Ok(claim()));
}

/// Where a container's namespace cannot be looked at, it may be there: nobody else is to have what it claims.
#[test]
fn a_namespace_is_gone_only_where_that_is_known() {
    let here = NetNs::current().unwrap();
    let own = here.identity().unwrap();
    let at = |netns: &str, netns_id| Claim {
        netns: netns.to_owned(),
        netns_id,
        ..claim()
    };
    let path = here.path().to_str().unwrap();
    assert!(at(path, own).namespace().unwrap().is_some());
    for (netns, id) in [
        (path, (own.0, own.1 + 1)),
        ("/nowhere", own),
        ("/etc/passwd", own),
    ] {
        assert!(at(netns, id).namespace().unwrap().is_none(), "{netns}");
    }
    assert!(at("not\0a path", own).namespace().is_err());
}

#[test]
fn what_cannot_be_is_refused() {
    for (path, value) in [
        ("/network", json!("../x")),
        ("/containerID", json!("")),
        ("/ifname", json!("a/b")),
        ("/netnsInode", json!(-1)),
        ("/link/name", json!("much-too-long-for-a-name")),
        ("/link/mac", json!("x")),
        ("/link/mtu", json!(-1)),
        ("/before/vlan", json!(5000)),
        ("/before/vlanQoS", json!(8)),
        ("/before/mac", json!(7)),
        ("/before/index", json!(null)),
        ("/before/link_state", json!("up")),
        ("/before/max_tx_rate", json!(1_u64 << 32)),
        ("/changed/0", json!("colour")),
        ("/boot", json!(null)),
    ] {
        let mut told = claim().to_json();
        *told.pointer_mut(path).unwrap() = value;
        assert!(read(&told).is_err(), "{path}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        netns in "\\PC{0,20}", id in any::<(u64, u64)>(), alias in proptest::option::of("\\PC{1,20}"),
        index in any::<u32>(), mac in any::<[u8; 6]>(), trust in any::<Option<bool>>(), up in any::<Option<bool>>(),
        with_link in any::<bool>(), changed in 0..7_usize,
    ) {
        let mut claim = claim();
        claim.netns = netns;
        claim.netns_id = id;
        (claim.before.index, claim.before.mac, claim.before.trust) = (index, MacAddr(mac), trust);
        if let Some(link) = &mut claim.link {
            (link.alias, link.up) = (alias, up);
        }
        claim.link = claim.link.filter(|_| with_link);
        let all = [Setting::Mac, Setting::Vlan, Setting::Rate, Setting::Spoofchk, Setting::Trust, Setting::LinkState];
        claim.changed = all[..changed.min(6)].to_vec();
        let text = claim.to_json().to_string();
        prop_assert_eq!(read(&serde_json::from_str(&text).unwrap()), Ok(claim));
    }
}
