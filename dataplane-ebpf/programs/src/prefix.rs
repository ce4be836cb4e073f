//! The longest prefix that an address is in.

use crate::maps::{self, PREFIXES4, PREFIXES6};
use aya_ebpf::btf_maps::lpm_trie::Key;
use fairway_dataplane_abi::{Addr, Block, Kinds, Prefix4};

/// Its number, or 0.
#[inline(always)]
pub(crate) fn longest(address: &Addr) -> u32 {
    let v4 = address.is_v4();
    let (kinds, [host, subnet]) = if v4 {
        (maps::kinds(), Block::V4)
    } else {
        (maps::kinds() >> Kinds::V6, Block::V6)
    };
    let mut block = Block {
        addr: *address,
        length: host,
    };
    if kinds & Kinds::HOST != 0
        && let Some(number) = maps::block(&block)
    {
        return *number;
    }
    let mut found = 0;
    if kinds & Kinds::SUBNET != 0 {
        block.length = subnet;
        if v4 {
            block.addr.0[3] &= 0xffff_ff00_u32.to_be();
        } else {
            block.addr.0[2] = 0;
            block.addr.0[3] = 0;
        }
        found = maps::block(&block).copied().unwrap_or(0);
    }
    if kinds & Kinds::OTHER != 0 {
        let shortest = if found == 0 { 0 } else { subnet };
        found = other(address, v4, shortest).unwrap_or(found);
    }
    found
}

/// The longest one of another length, if it is no shorter than that.
#[expect(unsafe_code, reason = "one key for both tries, the stack is small")]
#[inline(always)]
fn other(address: &Addr, v4: bool, shortest: u32) -> Option<u32> {
    let mut words = address.0;
    if v4 {
        words[0] = words[3];
    }
    let key = &Key::new(if v4 { 32 } else { 128 }, words);
    let found = if v4 {
        // SAFETY: A key of IPv4 is the beginning of one of IPv6.
        PREFIXES4.get(unsafe { &*core::ptr::from_ref(key).cast::<Key<Prefix4>>() })
    } else {
        PREFIXES6.get(key)
    };
    found
        .filter(|found| found.length >= shortest)
        .map(|found| found.number)
}
