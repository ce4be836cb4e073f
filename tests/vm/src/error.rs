//! What can go wrong on the way to a running guest.
//!
//! Whoever reads such an error sits before a test that did not even start, so each
//! one names the program, the file or the package, and what to do where that is known.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

/// Why a guest could not be built, booted or heard to its end.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// A file operation failed.
    #[error("could not {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb: "create", "read".
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("could not run {program} (Debian package {package}): {source}")]
    Start {
        /// The program's name.
        program: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` ended with {status}: {stderr}")]
    Tool {
        /// The whole command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// Neither the cache folder's variables nor HOME are set.
    #[error("no place for the cache: set FAIRWAY_CACHE, XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    /// The machine is no Debian, so nothing can be had from its packages.
    #[error("{0}: not a Debian system with a package mirror; fill the cache on one that is")]
    NotDebian(PathBuf),
    /// The index has no such package, or not in a form that is understood.
    #[error("the package index does not say what {0} depends on")]
    NoKernelPackage(&'static str),
    /// QEMU is not there (or too old) and cannot be installed from here.
    #[error(
        "{program} {found} does not do, at least version {wanted} is needed: as root, \
         apt-get install -t {suite} {package}"
    )]
    NoQemu {
        /// The program.
        program: &'static str,
        /// What is there instead.
        found: String,
        /// The lowest major version that does.
        wanted: u32,
        /// The Debian suite that has it.
        suite: String,
        /// The package.
        package: &'static str,
    },
    /// A kernel image that is not built as expected.
    #[error("{}: {reason}", path.display())]
    KernelImage {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The kernel package lacks a module that the guest boots with.
    #[error("kernel {release} has no module {module}")]
    NoModule {
        /// The kernel's release.
        release: String,
        /// The module's name.
        module: String,
    },
    /// The machine's busybox needs libraries, which the guest does not have at first.
    #[error("{0} is not static: install Debian's busybox-static")]
    DynamicBusybox(&'static str),
    /// The guest did not end in time; it was killed.
    #[error("the guest was killed after {after:?}; the end of its console:\n{console}")]
    Deadline {
        /// How long it was given.
        after: Duration,
        /// The last lines of console and QEMU's stderr.
        console: String,
    },
    /// QEMU ended before the guest's command did (panic, bad QEMU argument).
    #[error("QEMU ended ({status}) before the guest's command did; the console:\n{console}")]
    NoExit {
        /// How QEMU ended.
        status: ExitStatus,
        /// The last lines of console and QEMU's stderr.
        console: String,
    },
    /// The command in the guest ended with another status than 0.
    #[error("the guest's command ended with status {status}:\n{output}")]
    Command {
        /// Its exit status.
        status: i32,
        /// What it wrote.
        output: String,
    },
}

impl VmError {
    /// A closure for `map_err` on a file operation.
    pub(crate) fn file(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

/// Runs a program to its end and gives its stdout.
///
/// # Errors
/// [`VmError::Start`] where it is not there, [`VmError::Tool`] where it ends with an error.
pub(crate) fn run(
    program: &'static str,
    package: &'static str,
    configure: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<Vec<u8>, VmError> {
    let mut command = Command::new(program);
    configure(&mut command);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().map_err(|source| VmError::Start {
        program,
        package,
        source,
    })?;
    if status.success() {
        return Ok(stdout);
    }
    Err(VmError::Tool {
        command: format!("{command:?}"),
        status,
        stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
    })
}
