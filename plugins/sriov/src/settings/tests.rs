use super::*;
use fairway_cni::Fault as _;
use fairway_netlink::{Error as NetlinkError, Link, MacAddr, VfRate, VfVlan, VlanProto, fake};

/// What is no error number at all.
fn other() -> NetlinkError {
    NetlinkError::Invalid {
        op: "refuse",
        subject: "this".to_owned(),
        what: "for the test's sake",
    }
}

#[test]
fn only_what_differs_is_set_back() {
    let (mut host, _) = fake::namespaces();
    let pf = host.put_link(Link::new(0, "pf"));
    let before = Vf {
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        spoofchk: Some(true),
        ..Vf::new(3)
    };
    let now = Vf {
        vlan: VfVlan {
            id: 7,
            ..VfVlan::default()
        },
        trust: Some(true),
        ..before.clone()
    };
    host.put_vfs(pf, vec![Vf::new(2), now]);
    let all = ALL.map(|(setting, _)| setting);
    restore(&mut host, (pf, "pf"), &before, &all).unwrap();
    let asked: Vec<_> = host.calls().into_iter().map(|call| call.change).collect();
    // Of trust nobody knew what it was; an address that was set is set whatever it seems to be.
    let set = |change| fake::Change::SetVf(pf, 3, change);
    let expected = [
        set(VfChange::Mac(before.mac)),
        set(VfChange::Vlan(VfVlan::default())),
    ];
    assert_eq!(asked, expected);
    // One that has gone needs none.
    host.put_vfs(pf, Vec::new());
    restore(&mut host, (pf, "pf"), &before, &all).unwrap();
}

#[test]
fn one_that_is_refused_keeps_no_other_from_being_set_back() {
    let (mut host, _) = fake::namespaces();
    let pf = host.put_link(Link::new(0, "pf"));
    let now = Vf {
        vlan: VfVlan {
            id: 7,
            ..VfVlan::default()
        },
        rate: VfRate { min: 0, max: 5 },
        ..Vf::new(0)
    };
    host.put_vfs(pf, vec![now]);
    host.fail_at(0, other());
    let changed = [Setting::Vlan, Setting::Rate];
    restore(&mut host, (pf, "pf"), &Vf::new(0), &changed).unwrap_err();
    assert_eq!(host.vfs(pf).unwrap()[0].rate, VfRate::default());
}

#[test]
fn a_refusal_names_the_key() {
    let (mut host, _) = fake::namespaces();
    let pf = host.put_link(Link::new(0, "pf"));
    for (change, start) in [
        (
            VfChange::Mac(MacAddr([2, 0, 0, 0, 0, 1])),
            "mac: 02:00:00:00:00:01: ",
        ),
        (
            VfChange::Vlan(VfVlan {
                id: 7,
                ..VfVlan::default()
            }),
            "vlan: 7: ",
        ),
        (
            VfChange::Vlan(VfVlan {
                id: 7,
                qos: 0,
                proto: VlanProto::Dot1ad,
            }),
            "vlanProto: 802.1ad: ",
        ),
        (
            VfChange::Rate(VfRate { min: 1, max: 2 }),
            "min_tx_rate: 1: ",
        ),
        (
            VfChange::Rate(VfRate { min: 0, max: 2 }),
            "max_tx_rate: 2: ",
        ),
        (VfChange::Spoofchk(false), "spoofchk: off: "),
        (VfChange::Trust(true), "trust: on: "),
    ] {
        // A link without virtual functions: EOPNOTSUPP.
        let error = set(&mut host, (pf, "pf"), 0, change).unwrap_err();
        let told = format!("{start}the driver of pf has no such setting");
        assert!(error.to_string().starts_with(&told), "{error}");
        assert_eq!(error.code().number(), 2);
    }
    host.put_vfs(pf, Vec::new());
    // One that is not there: EINVAL.
    let error = set(&mut host, (pf, "pf"), 0, VfChange::Trust(true)).unwrap_err();
    assert_eq!(error.code().number(), 7, "{error}");
    host.fail_at(0, other());
    let error = set(&mut host, (pf, "pf"), 0, VfChange::Trust(true)).unwrap_err();
    assert_eq!(error.code().number(), 104, "{error}");
}

#[test]
fn keys_are_read_as_they_are_written() {
    for (setting, key) in ALL {
        assert_eq!(
            (setting.to_string().as_str(), key.parse()),
            (key, Ok(setting))
        );
    }
    assert_eq!("".parse::<Setting>(), Err(UnknownSetting));
}
