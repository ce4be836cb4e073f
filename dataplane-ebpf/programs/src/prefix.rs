//! The longest prefix that an address is in.

use crate::maps::{self, PREFIXES4, PREFIXES6};
use aya_ebpf::btf_maps::lpm_trie;
use core::arch::asm;
use core::mem::offset_of;
use fairway_dataplane_abi::{Addr, Block, Kinds, Prefix, Prefix4, Prefix6};

/// The keys of all maps, one within the other: the stack is small. The kernel compares keys by eight bytes,
/// and a processor waits for eight that were written as two halves: so they are written as one.
#[repr(C)]
struct Key {
    zero: u32,
    /// Of a trie's key.
    bits: u32,
    addr: [u64; 2],
    /// Of a block.
    length: u32,
    tail: u32,
}

const _: () = {
    assert!(offset_of!(Key, addr) == 8 && offset_of!(Key, length) == 24);
    assert!(size_of::<Block>() == 20 && size_of::<lpm_trie::Key<Prefix6>>() == 20);
    assert!(cfg!(target_endian = "little"));
};

#[expect(unsafe_code, reason = "maps' keys lie within one another")]
impl Key {
    fn block(&self) -> Option<&'static u32> {
        // SAFETY: A block is the address and the length after it.
        maps::block(unsafe { &*(&raw const self.addr).cast::<Block>() })
    }

    /// The trie's key begins at `bits`; of IPv4 it ends after the first word.
    fn other(&self, v4: bool) -> Option<&'static Prefix> {
        let key = &raw const self.bits;
        if v4 {
            // SAFETY: Eight bytes from there on are within this.
            PREFIXES4.get(unsafe { &*key.cast::<lpm_trie::Key<Prefix4>>() })
        } else {
            // SAFETY: And so are 20.
            PREFIXES6.get(unsafe { &*key.cast::<lpm_trie::Key<Prefix6>>() })
        }
    }
}

/// Its number, or 0.
#[inline(always)]
pub(crate) fn longest(address: &Addr) -> u32 {
    let addr = halves(address);
    let v4 = addr[0] == 0 && addr[1] as u32 == Addr::V4;
    let (kinds, [host, subnet]) = if v4 {
        (maps::kinds(), Block::V4)
    } else {
        (maps::kinds() >> Kinds::V6, Block::V6)
    };
    let mut key = Key {
        zero: 0,
        bits: host,
        addr,
        length: host,
        tail: 0,
    };
    if kinds & Kinds::HOST != 0
        && let Some(number) = key.block()
    {
        return *number;
    }
    let mut found = 0;
    if kinds & Kinds::SUBNET != 0 {
        // Of IPv4 all but the last byte, of IPv6 the first half.
        const NET4: u64 = u64::MAX >> 8;
        key.addr[1] = if v4 { addr[1] & NET4 } else { 0 };
        key.length = subnet;
        found = key.block().copied().unwrap_or(0);
    }
    if kinds & Kinds::OTHER != 0 {
        let shortest = if found == 0 { 0 } else { subnet };
        if v4 {
            key.addr[0] = addr[1] >> 32;
        }
        key.addr[1] = addr[1];
        if let Some(other) = key.other(v4)
            && other.length >= shortest
        {
            return other.number;
        }
    }
    found
}

/// Both halves as they stand, each read at once.
#[expect(unsafe_code, reason = "the language would read four words")]
#[inline(always)]
fn halves(address: &Addr) -> [u64; 2] {
    let (head, tail): (u64, u64);
    // SAFETY: The address has 16 bytes; the processors that this is for do not mind where they lie.
    unsafe {
        asm!(
            "{head} = *(u64 *)({at} + 0)",
            "{tail} = *(u64 *)({at} + 8)",
            at = in(reg) core::ptr::from_ref(address),
            head = out(reg) head,
            tail = out(reg) tail,
            options(readonly, nostack, preserves_flags)
        );
    }
    [head, tail]
}
