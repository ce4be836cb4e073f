//! Bytes and events.

use netlink_packet_core::NetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage as Told};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::raw::REPLACE;

fn datagram(told: Told, flags: u16) -> Vec<u8> {
    let mut message = NetlinkMessage::from(told);
    message.finalize();
    message.header.flags = flags;
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn eth0() -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = 7;
    link.attributes.push(LinkAttribute::IfName("eth0".into()));
    link
}

fn default_route() -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet;
    route.attributes.push(RouteAttribute::Oif(7));
    route
}

#[test]
fn several_messages_are_several_events() {
    let mut bytes = datagram(Told::NewLink(eth0()), 0);
    bytes.extend(datagram(Told::NewRoute(default_route()), REPLACE));
    bytes.extend(datagram(Told::DelRoute(default_route()), 0));
    // Of no family that is told of.
    bytes.extend(datagram(Told::NewRule(Default::default()), 0));
    bytes.extend(datagram(Told::DelLink(eth0()), 0));
    let events = Event::read(&bytes);
    assert!(
        matches!(
            &events[..],
            [
                Event::LinkChanged(new),
                Event::RouteChanged { routes, replaced: true },
                Event::RouteGone(gone),
                Event::LinkGone(old),
            ] if new == old && new.index == 7 && routes == gone && routes[0].oif == Some(7)
        ),
        "{events:?}"
    );
    assert_eq!(Event::read(&[]), []);
}

#[test]
fn a_port_that_left_its_bridge_is_not_gone() {
    let mut link = eth0();
    link.header.interface_family = AddressFamily::Bridge;
    assert_eq!(Event::read(&datagram(Told::DelLink(link), 0)), []);
}

#[test]
fn what_is_cut_off_calls_for_a_list() {
    let mut bytes = datagram(Told::NewLink(eth0()), 0);
    bytes.extend(datagram(Told::NewLink(eth0()), 0));
    bytes.truncate(bytes.len() - 8);
    let events = Event::read(&bytes);
    assert!(matches!(
        events[..],
        [Event::LinkChanged(_), Event::ListAnew]
    ));
}

proptest! {
    /// Whatever comes in, reading it does not panic, and it ends.
    #[test]
    fn garbage(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Event::read(&bytes);
    }

    /// Nor does it where the header is sound.
    #[test]
    fn sound_header(kind in 16_u16..36, flags in any::<u16>(), body in vec(any::<u8>(), 0..200)) {
        let mut bytes = (16 + body.len() as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&body);
        prop_assert!(!Event::read(&bytes).contains(&Event::ListAnew));
    }
}
