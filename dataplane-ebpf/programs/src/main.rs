//! The eBPF programs: who may talk, and the shortest way between containers of one node.
//!
//! One program per hook, shared by all links: what differs between containers is in maps, found by the link's
//! index. A link that has the programs and no open entry in `ENDPOINTS` is closed, so that no packet passes
//! before its policy is there.
//!
//! Everything here is read by the verifier of kernels from 6.1 on: loops are bounded, a frame of the stack is
//! small, no kfunc is called, and no helper that is newer than that. What many paths lead to are global
//! functions: the verifier looks at each of those once, for any arguments, and not once for each path. They
//! take plain pointers, and look themselves whether there is something. What such a pointer leads to is no key or
//! value of a map before Linux 6.2: that is copied to the stack first.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod deliver;
mod link;
mod maps;
mod packet;
mod prefix;
mod readdress;
mod related;
mod route;
mod skb;
mod spoof;
mod tell;
mod track;
mod verdict;

use aya_ebpf::bindings::__sk_buff;
use skb::Skb;

/// Makes a program: the section and the name are how the loader finds it.
macro_rules! program {
    ($(#[doc = $doc:literal])+ $name:ident = $run:path;) => {
        $(#[doc = $doc])+
        #[expect(unsafe_code, reason = "the kernel calls it")]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = "classifier")]
        extern "C" fn $name(skb: *mut __sk_buff) -> i32 {
            $run(Skb::of(skb))
        }
    };
}

program! {
    /// At the host's end of a container's link, ingress: what the container sends.
    from_container = link::from_container;
}

program! {
    /// At the host's end of a container's link, egress: what the container gets.
    to_container = link::to_container;
}

program! {
    /// At the overlay's device, ingress: what other nodes' containers send.
    from_overlay = deliver::from_overlay;
}

program! {
    /// At the underlay's link, ingress: what other nodes' containers send without a tunnel, among all else.
    from_uplink = deliver::from_uplink;
}

/// Without helpers that are for GPL programs only, the kernel asks for no particular licence.
#[expect(unsafe_code, reason = "the kernel reads the licence from a section")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 11] = *b"Apache-2.0\0";

/// There is nothing here that panics; the compiler wants to know what would happen.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
