use super::*;
use fairway_cni::Fault as _;
use fairway_netlink::{Error as Kernel, IpvlanMode};

const MACVLAN: ChildKind = ChildKind::Macvlan {
    mode: MacvlanMode::Bridge,
    bc_queue_len: None,
};
const PASSTHRU: ChildKind = ChildKind::Macvlan {
    mode: MacvlanMode::Passthru,
    bc_queue_len: None,
};
const IPVLAN: ChildKind = ChildKind::Ipvlan {
    mode: IpvlanMode::L3,
};
const VLAN: ChildKind = ChildKind::Vlan { id: 100 };

/// What an error number is told as: the code, and the text.
fn told(kind: ChildKind, moment: Moment, errno: i32) -> (u32, String) {
    let conf = Conf {
        make: Make::Child(kind),
        master: None,
        in_container: false,
        mtu: None,
        mac: Some("c2:11:22:33:44:55".parse().unwrap()),
        announce: crate::conf::Announce::No,
        chained: None,
    };
    let refused = Kernel::Io {
        op: "create",
        source: std::io::Error::from_raw_os_error(errno),
    };
    let parent = Link::new(7, "up0");
    let told = error(&conf, Some(&parent), moment, refused.into());
    (told.code().number(), told.to_string())
}

#[test]
fn numbers_have_meanings() {
    for (kind, moment, errno, code, start) in [
        (
            MACVLAN,
            Moment::Create,
            EBUSY,
            105,
            "master: \"up0\": is in use otherwise",
        ),
        (
            IPVLAN,
            Moment::Create,
            EBUSY,
            105,
            "master: \"up0\": is in use otherwise",
        ),
        (
            PASSTHRU,
            Moment::Create,
            EBUSY,
            105,
            "master: \"up0\": is in use otherwise",
        ),
        (
            PASSTHRU,
            Moment::Create,
            EINVAL,
            105,
            "mode: \"passthru\": wants master up0 for itself",
        ),
        (
            MACVLAN,
            Moment::Create,
            EINVAL,
            105,
            "master: \"up0\": takes no macvlan",
        ),
        (
            IPVLAN,
            Moment::Create,
            EINVAL,
            7,
            "master: \"up0\": takes no ipvlan",
        ),
        (
            VLAN,
            Moment::Create,
            EEXIST,
            105,
            "vlanId: 100: master up0 has a link for this VLAN",
        ),
        (VLAN, Moment::Up, ENETDOWN, 105, "master: \"up0\": is down"),
        (
            MACVLAN,
            Moment::Up,
            EBUSY,
            105,
            "mac: c2:11:22:33:44:55: another macvlan of master up0",
        ),
        (
            MACVLAN,
            Moment::Up,
            EADDRINUSE,
            105,
            "mac: c2:11:22:33:44:55: another macvlan of master up0",
        ),
        // What nobody has a better word for.
        (VLAN, Moment::Create, EINVAL, 104, "create: "),
        (MACVLAN, Moment::Up, ENETDOWN, 104, "create: "),
    ] {
        let (got, text) = told(kind, moment, errno);
        assert_eq!(got, code, "{kind:?} {moment:?} {errno}: {text}");
        assert!(text.starts_with(start), "{text}");
        assert!(code == 104 || text.contains("(create: "), "{text}");
    }
}
