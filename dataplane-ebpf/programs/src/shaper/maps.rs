//! The maps, under the names that the loader knows.

use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::btf_map;
use fairway_dataplane_abi::{Clock, Limit, Sent, Share, Slot};

/// Flows of all slots share as many entries; a power of two.
pub(crate) const FLOWS_ROOM: usize = 65_536;

#[btf_map]
pub(crate) static LIMITS: Array<Limit, 32_768> = Array::new();
#[btf_map]
pub(crate) static CLOCKS: Array<Clock, 32_768> = Array::new();
#[btf_map]
pub(crate) static SLOTS: Array<Slot, 32_768> = Array::new();
#[btf_map]
pub(crate) static SHARES: Array<Share, { 32_768 * Slot::LIMITS }> = Array::new();
#[btf_map]
pub(crate) static SENT: PerCpuArray<Sent, 32_768> = PerCpuArray::new();
/// By a hash of slot and flow: when the last packet of it that waits will go.
#[btf_map]
pub(crate) static FLOWS: Array<u64, FLOWS_ROOM> = Array::new();
