//! Ends a plugin by SIGKILL at a system call of one's choice: the release binary under `strace`.
//!
//! A first run is traced whole. From it come the *steps*: each call that changes something, as "the
//! N-th `sendto`". A kill comes when the process enters the call, before the kernel does it; what is
//! between one change and the next is therefore "killed at the entry of the next", and the state after
//! the last change is "killed at `exit_group`". Programs that a plugin runs are not killed with it: as in
//! life, they come to their own end.
//!
//! So that no way of changing things is forgotten, every call that a run makes must be in one of the
//! two lists below.

use fairway_lab::{Cni, Error, Outcome, Result, plugin_dir};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Calls that change something outside of the process, or move it to another namespace.
const CHANGING: &[&str] = &[
    "bind",
    "chmod",
    "chown",
    "connect",
    "copy_file_range",
    "exit_group",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fdatasync",
    "fsetxattr",
    "fsync",
    "ftruncate",
    "ioctl",
    "kill",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknodat",
    "mount",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setns",
    "setxattr",
    "symlink",
    "symlinkat",
    "truncate",
    "umount2",
    "unlink",
    "unlinkat",
    "unshare",
    "utimensat",
    "write",
    "writev",
];

/// Calls that change nothing beyond the process itself. `flock` goes with the process; `open` and
/// `openat` are here unless they create.
const HARMLESS: &[&str] = &[
    "access",
    "arch_prctl",
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "clone3",
    "close",
    "dup",
    "dup2",
    "dup3",
    "epoll_create1",
    "execve",
    "faccessat",
    "faccessat2",
    "fcntl",
    "flock",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getrandom",
    "getsockname",
    "getsockopt",
    "gettid",
    "getuid",
    "lseek",
    "lstat",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pipe2",
    "poll",
    "ppoll",
    "pread64",
    "prlimit64",
    "read",
    "readlink",
    "readlinkat",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "setsockopt",
    "sigaltstack",
    "socket",
    "stat",
    "statfs",
    "statx",
    "sysinfo",
    "uname",
    "vfork",
    "wait4",
    "waitid",
];

/// The `nth` call (from 1) of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The system call.
    pub call: String,
    /// Which of its occurrences.
    pub nth: u32,
    /// The traced line, for messages.
    pub line: String,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "killed at {} {}: {}", self.call, self.nth, self.line)
    }
}

/// A folder of scripts that run our plugins under `strace`.
#[derive(Debug)]
pub struct Traced {
    dir: PathBuf,
    log: PathBuf,
}

impl Traced {
    /// Makes the scripts below `scratch`.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn new(scratch: &Path) -> Result<Self> {
        let dir = scratch.join("traced");
        let os = |source| Error::Os {
            what: "scripts for strace".to_owned(),
            source,
        };
        fs::create_dir_all(&dir).map_err(os)?;
        for kind in [
            "bridge",
            "ptp",
            "macvlan",
            "tap",
            "host-device",
            "sriov",
            "loopback",
            "multi",
            "bandwidth",
            "host-local",
            "static",
            "vxlan",
        ] {
            let program = plugin_dir().join(kind);
            let program = program.display();
            let script = format!("#!/bin/sh\nexec strace -E STRACE $STRACE -- {program}\n");
            let file = dir.join(kind);
            fs::write(&file, script).map_err(os)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).map_err(os)?;
        }
        let log = scratch.join("trace");
        Ok(Self { dir, log })
    }

    /// A call under `strace` with these options; `cni` must have been made for [`Traced::dir`].
    fn call(&self, cni: &Cni, verb: &str, options: &str) -> Result<Outcome> {
        let path = plugin_dir();
        let cni = cni.clone().path(path.display().to_string());
        cni.env("STRACE", options).call(verb)
    }

    /// What stands for the plugins' own folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs the call to its end and gives its steps, in order.
    ///
    /// # Errors
    /// Where the call fails, or makes a system call that is in neither list.
    pub fn steps(&self, cni: &Cni, verb: &str) -> Result<Vec<Step>> {
        let _ = fs::remove_file(&self.log);
        let options = format!("-qq -s 0 -o {}", self.log.display());
        self.call(cni, verb, &options)?.ok()?;
        let text = fs::read_to_string(&self.log).map_err(|source| Error::Os {
            what: "the trace".to_owned(),
            source,
        })?;
        steps(&text)
    }

    /// Makes the call, killed at `step`; gives whether the kill came (and not the end before it).
    ///
    /// # Errors
    /// Where it neither ends well nor by that signal.
    pub fn kill(&self, cni: &Cni, verb: &str, step: &Step) -> Result<bool> {
        let Step { call, nth, .. } = step;
        let options = format!(
            "-qq -o /dev/null -e trace={call} -e signal=none -e inject={call}:signal=SIGKILL:when={nth}"
        );
        let outcome = self.call(cni, verb, &options)?;
        match outcome.status.code() {
            None => Ok(true),
            Some(_) => outcome.ok().map(|_| false),
        }
    }

    /// Makes the call with something wrong at the `nth` system call of that name: `what` in strace's words,
    /// for example `error=ENOMEM`.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn spoilt(
        &self,
        cni: &Cni,
        verb: &str,
        call: &str,
        what: &str,
        nth: &str,
    ) -> Result<Outcome> {
        let options =
            format!("-qq -o /dev/null -e trace={call} -e inject={call}:{what}:when={nth}");
        self.call(cni, verb, &options)
    }
}

/// The changing calls of a trace.
fn steps(trace: &str) -> Result<Vec<Step>> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let Some((call, args)) = line.split_once('(') else {
            continue;
        };
        // The kernel makes a call again by itself where it was busy (a sysctl's write): one step.
        if line.starts_with(['<', '+', '-']) || line.contains(" = ? ERESTART") {
            continue;
        }
        let nth = counts.entry(call).or_default();
        *nth += 1;
        let changing = match call {
            "open" | "openat" | "openat2" => args.contains("O_CREAT") || args.contains("O_TMPFILE"),
            "sendto" | "sendmsg" => !only_asks(args),
            call if CHANGING.contains(&call) => true,
            call if HARMLESS.contains(&call) => false,
            call => {
                return Err(Error::Outcome {
                    wanted: "every system call to be classified".to_owned(),
                    got: format!("{call}: add it to CHANGING or HARMLESS in trace.rs\n{line}"),
                });
            }
        };
        if changing {
            let mut line = line.to_owned();
            line.truncate(
                line.char_indices()
                    .nth(160)
                    .map_or(line.len(), |(at, _)| at),
            );
            steps.push(Step {
                call: call.to_owned(),
                nth: *nth,
                line,
            });
        }
    }
    Ok(steps)
}

/// A netlink request that only reads. strace knows the family only of sockets of its own namespace, so a
/// type may be a bare number: of rtnetlink each third of four asks, of nf_tables each third of three.
fn only_asks(args: &str) -> bool {
    let types: Vec<_> = args.split("nlmsg_type=").skip(1).collect();
    let asks = |kind: &&str| {
        let name = kind.split([',', ' ']).next().unwrap_or_default();
        let number = name
            .strip_prefix("0x")
            .map(|hex| u32::from_str_radix(hex, 16));
        match number {
            Some(Ok(number @ 16..=255)) => number % 4 == 2,
            Some(Ok(number)) => {
                number >> 8 == 10
                    && number & 0xff != 0
                    && number & 0xff != 22
                    && [1, 4, 7, 10, 13, 16, 19].contains(&(number & 0xff))
            }
            Some(Err(_)) => false,
            None => name.contains("RTM_GET") || name.contains("NFT_MSG_GET"),
        }
    };
    !types.is_empty() && types.iter().all(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_only_read_are_told_from_changes() {
        for (args, expected) in [
            (
                "4, [{nlmsg_len=48, nlmsg_type=0x12 /* NLMSG_??? */, x",
                true,
            ),
            ("4, [{nlmsg_len=48, nlmsg_type=RTM_GETADDR, x", true),
            ("5, [{nlmsg_len=56, nlmsg_type=0xa04 /* ? */, x", true),
            (
                "5, [{nlmsg_type=NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_GETRULE, x",
                true,
            ),
            (
                "6, [{nlmsg_len=48, nlmsg_type=0x14 /* NLMSG_??? */, x",
                false,
            ),
            ("4, [{nlmsg_len=116, nlmsg_type=RTM_NEWLINK, x", false),
            (
                "5, [[{nlmsg_type=NFNL_MSG_BATCH_BEGIN, x], [{nlmsg_type=NFT_MSG_GETRULE, x",
                false,
            ),
            ("3, \"\", 5", false),
        ] {
            assert_eq!(only_asks(args), expected, "{args}");
        }
    }

    #[test]
    fn steps_are_numbered_by_name() {
        let trace = "execve(\"x\") = 0\nopenat(A, O_RDONLY) = 3\nopenat(A, O_CREAT) = 4\n\
            write(4, \"\"...) = 1\nwrite(5) = ? ERESTARTNOINTR (To be restarted)\nwrite(5) = 1\nexit_group(0) = ?\n";
        let steps = steps(trace).unwrap();
        let short: Vec<_> = steps.iter().map(|s| (s.call.as_str(), s.nth)).collect();
        assert_eq!(
            short,
            [("openat", 2), ("write", 1), ("write", 2), ("exit_group", 1)]
        );
        assert!(super::steps("mystery(1) = 0\n").is_err());
    }
}
