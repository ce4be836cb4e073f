//! The eBPF program that keeps links to their limits: when a packet goes, whether it goes ahead of others, and
//! what becomes of it where too many wait.
//!
//! One program for all links and both directions: the filter that asks it bears the number of a slot as its
//! class, and the slot says which limits hold. How a packet is made to wait is the link's qdisc's matter: one that
//! sends each packet at its time (fq), one that keeps to the rate by itself (htb), or none; see
//! [`fairway_dataplane_abi::Slot`]. For its rules see [`shape`].
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod clock;
mod dscp;
mod maps;
mod shape;
mod share;
mod skb;

use aya_ebpf::bindings::__sk_buff;

/// At a link, egress.
#[expect(unsafe_code, reason = "the kernel calls it")]
#[unsafe(no_mangle)]
#[unsafe(link_section = "classifier")]
extern "C" fn shape(skb: *mut __sk_buff) -> i32 {
    shape::shape(&mut skb::Skb::of(skb))
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
