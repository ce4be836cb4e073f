//! The eBPF object: into the kernel with it.

use std::io;
use std::path::PathBuf;

use aya::maps::{Map, MapData};
use aya::programs::{ProgramError, SchedClassifier};
use aya::{Ebpf, EbpfError, EbpfLoader};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use crate::error::{Error, Result};
use crate::sizes::Sizes;

/// The programs that this crate was built with.
pub(crate) const OBJECT: &[u8] = aya::include_bytes_aligned!("../object/fairway.bpf.o");

/// How many of the verifier's last words an error keeps; before them is what it did without complaint.
const WORDS: usize = 400;

/// How often the kernel is asked to take a program.
const TRIES: u32 = 8;

/// A place that packets come by, and the program that looks at them there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Ingress of the host's end of a container's link: what comes from the container.
    FromContainer,
    /// Egress of the same: what goes to it.
    ToContainer,
    /// Ingress of the overlay's device: what comes from other nodes.
    FromOverlay,
    /// Ingress of the underlay's link: what comes from other nodes without a tunnel, among all else.
    FromUplink,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::FromContainer,
        Self::ToContainer,
        Self::FromOverlay,
        Self::FromUplink,
    ];

    /// The program's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromContainer => "from_container",
            Self::ToContainer => "to_container",
            Self::FromOverlay => "from_overlay",
            Self::FromUplink => "from_uplink",
        }
    }
}

/// Makes the maps, but for those that are `kept` in files, and loads the programs.
pub(crate) fn load(object: &[u8], sizes: &Sizes, kept: &[(&'static str, PathBuf)]) -> Result<Ebpf> {
    sizes.check()?;
    unlock_memory();
    let mut loader = EbpfLoader::new();
    for (map, entries) in sizes.all() {
        loader.map_max_entries(map, entries);
    }
    for (map, path) in kept {
        loader.map_pin_path(map, path.clone());
    }
    let mut ebpf = loader.load(object).map_err(object_error)?;
    for hook in Hook::ALL {
        let program = program(&mut ebpf, hook)?;
        let loaded = verified(program);
        loaded.map_err(|error| refused(hook.name(), error))?;
    }
    Ok(ebpf)
}

/// Loads a program. A signal that comes while the kernel looks at it (to a thread of this process, whatever it is for) has
/// the kernel give up with EAGAIN: it is asked again, as libbpf does.
pub(crate) fn verified(program: &mut SchedClassifier) -> std::result::Result<(), ProgramError> {
    again(
        || program.load(),
        |error| matches!(error, ProgramError::LoadError { io_error, .. } if io_error.kind() == io::ErrorKind::WouldBlock),
    )
}

/// Tries again, a few times, what failed in a way that passes.
fn again<E>(
    mut work: impl FnMut() -> std::result::Result<(), E>,
    passes: impl Fn(&E) -> bool,
) -> std::result::Result<(), E> {
    for _ in 1..TRIES {
        match work() {
            Err(error) if passes(&error) => {}
            done => return done,
        }
    }
    work()
}

/// Kernels before 5.11 count maps as locked memory. Without the right to it what there is must do.
pub(crate) fn unlock_memory() {
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
}

pub(crate) fn object_error(error: EbpfError) -> Error {
    Error::Object(Box::new(error))
}

pub(crate) fn program(ebpf: &mut Ebpf, hook: Hook) -> Result<&mut SchedClassifier> {
    let found = ebpf.program_mut(hook.name());
    let program = found.and_then(|program| program.try_into().ok());
    program.ok_or(Error::Missing {
        what: "program",
        name: hook.name(),
    })
}

pub(crate) fn refused(program: &'static str, error: ProgramError) -> Error {
    match error {
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } => Error::Refused {
            program,
            source: io_error,
            log: last_words(&verifier_log.to_string()),
        },
        other => object_error(other.into()),
    }
}

/// The end of the verifier's log, without the numbers that stand behind it.
fn last_words(log: &str) -> String {
    let told = |line: &&str| {
        let line = line.trim();
        !line.is_empty()
            && !["processed ", "verification time", "stack depth"]
                .iter()
                .any(|start| line.starts_with(start))
    };
    let lines: Vec<_> = log.lines().filter(told).map(str::trim).collect();
    let mut kept = Vec::new();
    let mut length = 0;
    for line in lines.into_iter().rev() {
        length += line.chars().count();
        if length > WORDS && !kept.is_empty() {
            break;
        }
        kept.push(line.chars().take(WORDS).collect::<String>());
    }
    kept.reverse();
    kept.join("; ")
}

/// Takes a map out of what was loaded.
pub(crate) fn map(ebpf: &mut Ebpf, name: &'static str) -> Result<MapData> {
    let found = match ebpf.take_map(name) {
        Some(
            Map::Array(data)
            | Map::HashMap(data)
            | Map::LruHashMap(data)
            | Map::LpmTrie(data)
            | Map::PerCpuArray(data)
            | Map::PerCpuHashMap(data)
            | Map::PerCpuLruHashMap(data)
            | Map::RingBuf(data),
        ) => Some(data),
        _ => None,
    };
    found.ok_or(Error::Missing { what: "map", name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_what_stays_is_told() {
        let after = |failures: u32, what: &'static str| {
            let mut asked = 0;
            let done = again(
                || {
                    asked += 1;
                    if asked <= failures { Err(what) } else { Ok(()) }
                },
                |error| *error == "EAGAIN",
            );
            (done, asked)
        };
        assert_eq!(after(0, "EAGAIN"), (Ok(()), 1));
        assert_eq!(after(TRIES - 1, "EAGAIN"), (Ok(()), TRIES));
        assert_eq!(after(TRIES, "EAGAIN"), (Err("EAGAIN"), TRIES));
        assert_eq!(after(1, "EPERM"), (Err("EPERM"), 1));
    }

    #[test]
    fn of_the_verifiers_log_the_end_is_kept() {
        let mut log: String = (0..5000).map(|n| format!("{n}: (b7) r0 = {n}\n")).collect();
        log.push_str("R1 invalid mem access 'scalar'\nverification time 7 usec\n");
        log.push_str("stack depth 0\nprocessed 7 insns (limit 1000000)\n");
        let kept = last_words(&log);
        assert!(
            kept.ends_with("4999; R1 invalid mem access 'scalar'"),
            "{kept}"
        );
        assert!(kept.len() < 2 * WORDS);
        assert_eq!(last_words(&"x".repeat(5000)).len(), WORDS);
        assert_eq!(last_words(""), "");
    }
}
