//! Traffic control, as far as rates need it: what a link sends waits in qdiscs and goes by classes.
//!
//! Apart from [`TrafficControl`](crate::TrafficControl), which is for programs: plugins set rates, and load
//! no program. A qdisc is known by its handle. Whoever makes the root with a handle of their own finds it
//! again after a crash, and sees which are somebody else's; those that the kernel puts on a link by itself have
//! handle 0 and are told as none.
//!
//! Sizes in time are in the kernel's ticks of 64 ns (`/proc/net/psched`); see [`ticks`].

use std::fmt;

use crate::error::Result;

/// Which kind a class or a qdisc of this kernel is not there for: ENOENT, or EOPNOTSUPP.
pub fn is_unknown_kind(error: &crate::Error) -> bool {
    use nix::errno::Errno;
    matches!(error.errno(), Some(Errno::ENOENT | Errno::EOPNOTSUPP))
}

/// The qdiscs, classes and u32 filters of one network namespace's links.
///
/// Each method is one request unless it says otherwise.
pub trait Qdiscs {
    /// The qdisc at a place of a link: [`TcHandle::ROOT`], or a class. None where the
    /// kernel has chosen, or the link or the class is not there.
    fn qdisc(&mut self, index: u32, parent: TcHandle) -> Result<Option<Qdisc>>;
    /// Adds a qdisc, in place of what the kernel has chosen.
    /// [`Error::is_exists`](crate::Error::is_exists) where another is in place;
    /// [`is_unknown_kind`] where this kernel has none of that kind.
    fn add_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()>;
    /// Adds a qdisc or, where one of that handle is in place, changes it and keeps what
    /// waits in it (an htb cannot be changed). Takes the place of one of another handle,
    /// whosever it is.
    fn put_qdisc(&mut self, index: u32, qdisc: &Qdisc) -> Result<()>;
    /// Deletes a qdisc, its classes, filters, and all that waits in it; false where no
    /// qdisc of that handle is in that place.
    fn delete_qdisc(&mut self, index: u32, parent: TcHandle, handle: TcHandle) -> Result<bool>;
    /// The htb classes of a link, ordered by handle.
    fn classes(&mut self, index: u32) -> Result<Vec<HtbClass>>;
    /// Adds a class, or changes the one of that handle and keeps what waits in it.
    fn put_class(&mut self, index: u32, class: &HtbClass) -> Result<()>;
    /// The u32 filters of a qdisc, in the order in which they are asked. Those that do
    /// more than choose a class are told by what they have in common with such.
    fn u32_filters(&mut self, index: u32, parent: TcHandle) -> Result<Vec<U32Filter>>;
    /// Adds filters, with one request; [`is_unknown_kind`] where this kernel has no u32.
    /// One that is refused does not hold up the others; the first refusal is told.
    fn add_u32_filters(&mut self, index: u32, filters: &[U32Filter]) -> Result<()>;
    /// Deletes all of a qdisc's filters of one priority; false if there are none.
    fn delete_filters(&mut self, index: u32, parent: TcHandle, priority: u16) -> Result<bool>;
}

/// A qdisc's, class's or place's number: major and minor, 16 bits each, said in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcHandle(pub u32);

impl TcHandle {
    /// The place of what a link sends by.
    pub const ROOT: Self = Self(0xffff_ffff);

    /// Of a class; minor 0 is the qdisc itself.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self((major as u32) << 16 | minor as u32)
    }

    /// The qdisc that a class belongs to.
    pub const fn major(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Which of its classes.
    pub const fn minor(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for TcHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.minor()) {
            (Self::ROOT, _) => f.write_str("root"),
            (_, 0) => write!(f, "{:x}:", self.major()),
            (_, minor) => write!(f, "{:x}:{minor:x}", self.major()),
        }
    }
}

/// A qdisc in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qdisc {
    /// [`TcHandle::ROOT`], or the class whose packets wait in it.
    pub parent: TcHandle,
    /// Its number; the minor is 0.
    pub handle: TcHandle,
    /// What it is.
    pub kind: QdiscKind,
}

/// What a qdisc does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QdiscKind {
    /// A hierarchy of token buckets.
    Htb {
        /// Minor of the class of packets that no filter knows. Where there is no
        /// such class they pass by, without a limit.
        default: u16,
    },
    /// One token bucket.
    Tbf(Tbf),
    /// Fair queues, and departure times of packets.
    Fq {
        /// Packets in all.
        limit: u32,
        /// Packets of one flow.
        flow_limit: u32,
    },
    /// One queue, so many packets long.
    Pfifo {
        /// Packets.
        limit: u32,
    },
    /// One queue, so many bytes long.
    Bfifo {
        /// Bytes.
        limit: u32,
    },
    /// Any other, by the kernel's name for it; it cannot be made by this crate.
    Other(String),
}

impl QdiscKind {
    /// The kernel's name for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Htb { .. } => "htb",
            Self::Tbf(_) => "tbf",
            Self::Fq { .. } => "fq",
            Self::Pfifo { .. } => "pfifo",
            Self::Bfifo { .. } => "bfifo",
            Self::Other(name) => name,
        }
    }
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tbf {
    /// Bytes a second.
    pub rate: u64,
    /// Bytes that may go at once. The kernel keeps them as time, so they may come back
    /// a little off.
    pub burst: u32,
    /// Bytes that may wait.
    pub limit: u32,
}

/// A class of an htb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HtbClass {
    /// Its number.
    pub handle: TcHandle,
    /// The class that it borrows from, or the qdisc; the kernel calls the latter root
    /// when it tells.
    pub parent: TcHandle,
    /// Bytes a second that it has for itself.
    pub rate: u64,
    /// Bytes a second that it may have with what it borrows.
    pub ceil: u64,
    /// Ticks at `rate` that may go at once.
    pub buffer: u32,
    /// Ticks at `ceil` that may go at once.
    pub cbuffer: u32,
    /// Bytes that it sends before another class of its priority has its turn. Without a
    /// meaning where it has classes below it.
    pub quantum: u32,
    /// The less, the earlier it borrows: 0 to 7. Without a meaning as above.
    pub priority: u32,
}

/// A filter that chooses a class by bytes of the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct U32Filter {
    /// The qdisc whose class it chooses.
    pub parent: TcHandle,
    /// The less, the earlier it is asked. Not 0. All of one priority have one protocol.
    pub priority: u16,
    /// Tells filters of one priority apart, and is their order: 1 to 0xfff.
    pub node: u16,
    /// The packets that it is asked of: an ethertype.
    pub protocol: u16,
    /// The class.
    pub class: TcHandle,
    /// All of them have to agree.
    pub keys: Vec<U32Key>,
}

/// Four bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct U32Key {
    /// From the start of the network layer's header, a multiple of 4.
    pub offset: u8,
    /// Which bits, in network order.
    pub mask: u32,
    /// What they are to be.
    pub value: u32,
}

/// How long so many bytes take, in the kernel's ticks of 64 ns; the most that there is
/// room for (274 s) where it were more.
///
/// The kernel counts in ticks of 2⁶ ns since 2.6.31, whatever its clock is.
pub fn ticks(bytes: u64, bytes_per_second: u64) -> u32 {
    let nanoseconds = u128::from(bytes) * 1_000_000_000;
    let ticks = nanoseconds
        .checked_div(u128::from(bytes_per_second) << 6)
        .unwrap_or(u128::MAX);
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// How many bytes go in so many ticks, rounded to the nearest.
pub fn bytes_in(ticks: u32, bytes_per_second: u64) -> u64 {
    let product = (u128::from(ticks) << 6) * u128::from(bytes_per_second);
    u64::try_from((product + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}
