//! Traffic control, as far as eBPF programs on links need it: the clsact qdisc and its cls_bpf filters.
//!
//! A filter is known by its hook, priority and handle. Whoever has a priority and a handle of their own puts
//! a new program in place of the old one without a packet that neither sees, finds it again after a crash,
//! and leaves those of others alone.

use std::os::fd::BorrowedFd;

use crate::error::Result;

/// The clsact qdiscs of one network namespace's links, and their filters.
///
/// Each method is one request unless it says otherwise.
pub trait TrafficControl {
    /// Makes sure that a link has a clsact qdisc; true if it had none.
    /// [`Error::is_exists`](crate::Error::is_exists) if an ingress qdisc has its
    /// place. Two requests where there is one.
    fn ensure_clsact(&mut self, index: u32) -> Result<bool>;
    /// Whether a link has a clsact qdisc; false where there is no such link.
    fn has_clsact(&mut self, index: u32) -> Result<bool>;
    /// Deletes a link's clsact qdisc and with it all filters, whosever they are;
    /// false if there is none. Two requests.
    fn delete_clsact(&mut self, index: u32) -> Result<bool>;
    /// The filters of a link's clsact, ingress first, in the order in which they
    /// are asked. Empty where the link has none. Two requests.
    fn filters(&mut self, index: u32) -> Result<Vec<Filter>>;
    /// Puts a program on a link, in place of that which has the same hook, priority
    /// and handle, without a packet that neither sees. The link needs a clsact.
    fn put_filter(&mut self, spec: &FilterSpec<'_>) -> Result<()>;
    /// Deletes a filter; false if the link or the filter is not there.
    fn delete_filter(&mut self, id: &FilterId) -> Result<bool>;
}

/// Where on a link packets are looked at. The clsact qdisc has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClsactHook {
    /// Packets that the link receives.
    Ingress,
    /// Packets that the link sends.
    Egress,
}

impl ClsactHook {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Ingress, Self::Egress];
}

/// By what a filter is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterId {
    /// Index of the link.
    pub index: u32,
    /// Where.
    pub hook: ClsactHook,
    /// The less, the earlier it is asked. Not 0: the kernel would choose one.
    pub priority: u16,
    /// Tells filters of one priority apart. Not 0: the kernel would choose one.
    pub handle: u32,
}

impl std::fmt::Display for FilterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hook = match self.hook {
            ClsactHook::Ingress => "ingress",
            ClsactHook::Egress => "egress",
        };
        let Self {
            index,
            priority,
            handle,
            ..
        } = self;
        write!(
            f,
            "{handle:#x} of priority {priority} at {hook} of link {index}"
        )
    }
}

/// A program to be asked of all protocols' packets, whose answer is the verdict ("direct action").
#[derive(Debug, Clone, Copy)]
pub struct FilterSpec<'a> {
    /// Where, and by what it is found again.
    pub id: FilterId,
    /// A name for people, 255 bytes at most.
    pub name: &'a str,
    /// What the program reads as `tc_classid`, so that one program can tell its filters apart; it sees the low
    /// 16 bits. 0: nothing.
    pub class: u32,
    /// The program, of the type for classifiers.
    pub program: BorrowedFd<'a>,
}

/// A filter as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Where, and by what it is found again.
    pub id: FilterId,
    /// The packets that it is asked of: an ethertype, or 3 for all.
    pub protocol: u16,
    /// What it is; only a "bpf" has a program.
    pub kind: String,
    /// Its program, where the kernel tells.
    pub program: Option<FilterProgram>,
}

/// The program of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterProgram {
    /// The name that it was given with the filter.
    pub name: String,
    /// The kernel's number of the program, of which no two that are loaded have the same.
    pub id: u32,
    /// What it reads as `tc_classid`; 0: nothing.
    pub class: u32,
    /// A hash of its instructions.
    pub tag: [u8; 8],
    /// Its answer is the verdict.
    pub direct: bool,
}
