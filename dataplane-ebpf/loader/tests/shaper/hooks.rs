//! Where the program hangs.

use fairway_dataplane::shaper::Hook;
use fairway_dataplane::{Shaper, shaper};
use fairway_lab::Lab;
use fairway_netlink::{Handle, Netlink};

#[test]
fn it_hangs_around_policy_and_goes_alone() {
    let lab = Lab::new().unwrap();
    let run = |command: &str| lab.node().run(command).unwrap();
    run("ip link add v type veth peer name w");
    let body = || {
        let mut netlink = Handle::open().unwrap();
        let index = netlink.link_by_name("v").unwrap().unwrap().index;
        let (one, two) = (Shaper::load().unwrap(), Shaper::load().unwrap());
        let hooks = [
            (Hook::Egress, "egress", 8, "fairway/shape"),
            (Hook::Backstop, "ingress", 6, "fairway/backstop"),
        ];
        for (hook, side, priority, name) in hooks {
            assert!(!shaper::detach(&mut netlink, index, hook).unwrap());
            assert!(!shaper::is_shaped(&mut netlink, index, hook).unwrap());
            for (next, slot) in [(&one, 7), (&one, 7), (&one, 32_767), (&two, 7)] {
                next.attach(&mut netlink, index, hook, slot).unwrap();
                let mut hangs = |slot| next.is_attached(&mut netlink, index, hook, slot).unwrap();
                assert!(hangs(slot) && !hangs(slot - 1));
            }
            assert!(!one.is_attached(&mut netlink, index, hook, 7).unwrap());
            assert!(shaper::is_shaped(&mut netlink, index, hook).unwrap());
            let shown = format!("tc -j filter show dev v {side}");
            let shown = lab.node().json(&shown).unwrap();
            let filter = shown.as_array().unwrap().last().unwrap();
            assert_eq!(filter["pref"], priority, "{shown}");
            assert_eq!(filter["options"]["bpf_name"], name);
        }
        for (hook, ..) in hooks {
            assert!(shaper::detach(&mut netlink, index, hook).unwrap());
            assert!(!shaper::is_shaped(&mut netlink, index, hook).unwrap());
            assert!(!shaper::detach(&mut netlink, 999, hook).unwrap());
            // The other one stays.
            let other = shaper::is_shaped(&mut netlink, index, Hook::Backstop).unwrap();
            assert_eq!(other, hook == Hook::Egress);
        }
    };
    lab.node().inside(body).unwrap();
    let shown = lab.node().json("tc -j qdisc show dev v").unwrap();
    assert!(
        shown.to_string().contains("clsact"),
        "policy may be about to use it: {shown}"
    );
}
