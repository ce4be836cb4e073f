//! bpf(2) on maps: what aya has no safe way for, which is to go through a large table in steps while others
//! change it (aya's iterators begin anew when the entry that they stand on is deleted, and ask twice for
//! each), and to write without looking at a map's type each time.
#![expect(unsafe_code, reason = "bpf(2) takes pointers")]

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::{MapData, MapType};
use nix::libc;

use crate::plain::Plain;

const LOOKUP: libc::c_long = 1;
const UPDATE: libc::c_long = 2;
const DELETE: libc::c_long = 3;
const NEXT_KEY: libc::c_long = 4;
const LOOKUP_BATCH: libc::c_long = 24;

/// Whether an entry may be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Put {
    /// It may.
    Any = 0,
    /// It must not: EEXIST.
    New = 1,
}

/// `union bpf_attr`, of operations on one entry.
#[repr(C)]
struct One {
    map: u32,
    zero: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// `union bpf_attr`, of operations on many.
#[repr(C)]
struct Many {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    flags: u64,
    more_flags: u64,
}

/// Where a walk over a hash table is: a bucket, as the kernel counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place(Option<u32>);

impl Place {
    /// Has the walk not begun, or come to its end?
    pub(crate) const fn is_start(self) -> bool {
        self.0.is_none()
    }
}

/// A map whose keys and values are known to have the sizes of `K` and `V`.
#[derive(Debug)]
pub(crate) struct Checked<K, V> {
    map: MapData,
    /// How many values an entry has: one, or one for each possible processor.
    values: usize,
    of: PhantomData<fn(K) -> V>,
}

impl<K: Plain, V: Plain> Checked<K, V> {
    /// Fails with what is wrong, where the map is another one than was thought.
    pub(crate) fn new(map: MapData) -> io::Result<Result<Self, Mismatch>> {
        let info = map.info().map_err(io::Error::other)?;
        let key = (info.key_size(), size_of::<K>() as u32);
        let value = (info.value_size(), size_of::<V>() as u32);
        let per_processor = match info.map_type().map_err(io::Error::other)? {
            MapType::PerCpuHash | MapType::LruPerCpuHash | MapType::PerCpuArray => true,
            MapType::Hash | MapType::LruHash | MapType::Array | MapType::LpmTrie => false,
            other => return Err(io::Error::other(format!("a map of type {other:?}"))),
        };
        // The kernel rounds each processor's value up to eight bytes.
        let fits = !per_processor || value.1.is_multiple_of(8);
        for (what, (there, wanted)) in [("keys", key), ("values", value)] {
            if there != wanted || !fits {
                return Ok(Err(Mismatch {
                    what,
                    there,
                    wanted,
                }));
            }
        }
        let values = match per_processor {
            true => aya::util::nr_cpus().map_err(|(_, error)| error)?,
            false => 1,
        };
        Ok(Ok(Self {
            map,
            values,
            of: PhantomData,
        }))
    }

    pub(crate) fn data(&self) -> &MapData {
        &self.map
    }

    fn one(&self, command: libc::c_long, key: u64, value: u64, flags: u64) -> io::Result<()> {
        let mut attr = One {
            map: self.raw(),
            zero: 0,
            key,
            value,
            flags,
        };
        // SAFETY: the attributes are as the kernel wants them for these commands. Callers pass pointers to a
        // key and to as many values as an entry of this map has, alive until the call is over.
        unsafe { bpf(command, &mut attr) }
    }

    fn raw(&self) -> u32 {
        self.map.fd().as_fd().as_raw_fd().cast_unsigned()
    }

    /// Writes an entry; of maps with a value for each processor it is none of ours to write.
    pub(crate) fn update(&self, key: &K, value: &V, put: Put) -> io::Result<()> {
        if self.values != 1 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.one(UPDATE, address(key), address(value), put as u64)
    }

    pub(crate) fn delete(&self, key: &K) -> io::Result<()> {
        self.one(DELETE, address(key), 0, 0)
    }

    /// The values of an entry.
    pub(crate) fn lookup(&self, key: &K) -> io::Result<Vec<V>> {
        let mut values = vec![V::default(); self.values];
        let to = values.as_mut_ptr() as u64;
        self.one(LOOKUP, address(key), to, 0)?;
        Ok(values)
    }

    /// The key after that one, the first after none.
    pub(crate) fn next_key(&self, key: Option<&K>) -> io::Result<Option<K>> {
        let mut next = K::default();
        let to = std::ptr::from_mut(&mut next) as u64;
        match self.one(NEXT_KEY, key.map_or(0, address), to, 0) {
            Ok(()) => Ok(Some(next)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Some of a hash table's entries, `room` at most. A table that others change meanwhile is gone through to
    /// its end all the same: what was there all the time is told, once.
    pub(crate) fn some(&self, from: Place, room: usize) -> io::Result<Batch<K, V>> {
        let mut keys = vec![K::default(); room];
        let mut values = vec![V::default(); room * self.values];
        // The kernel writes one bucket's number.
        let (start, mut end) = (from.0, 0_u32);
        let mut attr = Many {
            from: start.as_ref().map_or(0, address),
            to: std::ptr::from_mut(&mut end) as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: room as u32,
            map: self.raw(),
            flags: 0,
            more_flags: 0,
        };
        // SAFETY: the attributes are as the kernel wants them; both arrays have room for as many keys and
        // values as it is told, and live until the call is over.
        let result = unsafe { bpf(LOOKUP_BATCH, &mut attr) };
        let next = match result {
            Ok(()) => Place(Some(end)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Place(None),
            Err(error) => return Err(error),
        };
        keys.truncate(attr.count as usize);
        Ok(Batch {
            keys,
            values,
            each: self.values,
            next,
        })
    }
}

/// Entries of a hash table, and where to go on.
#[derive(Debug)]
pub(crate) struct Batch<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
    each: usize,
    pub(crate) next: Place,
}

impl<K: Plain, V: Plain> Batch<K, V> {
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&K, &[V])> {
        self.keys.iter().zip(self.values.chunks(self.each))
    }
}

/// Sizes that are not those of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) what: &'static str,
    pub(crate) there: u32,
    pub(crate) wanted: u32,
}

fn address<T: Plain>(of: &T) -> u64 {
    std::ptr::from_ref(of) as u64
}

/// # Safety
/// `A` is what the kernel takes for this command, and its pointers are good for what the command does.
unsafe fn bpf<A>(command: libc::c_long, attr: &mut A) -> io::Result<()> {
    // SAFETY: see above; the size is that of what is pointed to.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attr),
            size_of::<A>(),
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
