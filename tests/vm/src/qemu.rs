//! QEMU: found or installed, and started so that it cannot outlive whoever started it.
//!
//! The CPU is emulated unless `FAIRWAY_VM_ACCEL=kvm` says otherwise: on machines that
//! are guests themselves /dev/kvm may open and then fail half-way through the boot, and
//! emulated, a guest is up in three seconds.

use std::env;
use std::fs::File;
use std::process::{Child, Command, Stdio};

use crate::apt::Apt;
use crate::cache::Cache;
use crate::error::{VmError, run};
use crate::kernel::Kernel;

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";
/// The first with the `igb` network card, which has SR-IOV.
const LOWEST: u32 = 8;

/// `no_timer_check`: on a busy machine the guest sees too few ticks in the moment that it looks for them.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr \
    mitigations=off rcupdate.rcu_expedited=1 no_timer_check";

/// Makes sure that a QEMU that does is there; as root on Debian, installs it.
///
/// # Errors
/// [`VmError::NoQemu`] where it can't be installed, and what apt says.
pub(crate) fn ensure(cache: &Cache) -> Result<(), VmError> {
    if version().is_some_and(|v| v >= LOWEST) {
        return Ok(());
    }
    cache.locked(|| {
        let found = match version() {
            Some(v) if v >= LOWEST => return Ok(()),
            Some(v) => v.to_string(),
            None => "(not there)".to_owned(),
        };
        let apt = Apt::new(cache)?;
        if !is_root() {
            return Err(VmError::NoQemu {
                program: PROGRAM,
                found,
                wanted: LOWEST,
                suite: apt.backports,
                package: PACKAGE,
            });
        }
        apt.install(PACKAGE)
    })
}

/// The major version of the QEMU in PATH.
fn version() -> Option<u32> {
    let out = run(PROGRAM, PACKAGE, |c| c.arg("--version")).ok()?;
    major(&String::from_utf8_lossy(&out))
}

fn major(text: &str) -> Option<u32> {
    let (_, version) = text.lines().next()?.split_once("version ")?;
    version.split('.').next()?.parse().ok()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// The part of a guest that QEMU makes.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    /// Memory, in MiB.
    pub(crate) memory: u32,
    /// Number of CPUs.
    pub(crate) cpus: u32,
    /// For its kernel, beside our own.
    pub(crate) kernel_arguments: &'a str,
    /// Further arguments: devices and what they hang on.
    pub(crate) arguments: &'a [String],
}

/// Starts a guest: stdout is its second serial line, stderr its console together with
/// QEMU's own complaints. Nothing is left on disk, whatever happens: the archive comes
/// by a file without a name. QEMU gets SIGKILL when the calling thread ends.
///
/// # Errors
/// [`VmError::Start`].
pub(crate) fn start(
    kernel: &Kernel,
    initrd: File,
    machine: &Machine<'_>,
) -> Result<Child, VmError> {
    let accelerator = match env::var("FAIRWAY_VM_ACCEL").as_deref() {
        Ok("kvm") => ["kvm", "host,-arch-capabilities"],
        _ => ["tcg,thread=multi", "max"],
    };
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", PROGRAM])
        .args(["-accel", accelerator[0], "-cpu", accelerator[1]])
        .args(["-machine", "q35", "-m", &machine.memory.to_string()])
        .args(["-smp", &machine.cpus.to_string()])
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-display", "none", "-append"])
        .arg(format!("{KERNEL_ARGUMENTS}{}", machine.kernel_arguments))
        .arg("-kernel")
        .arg(kernel.image())
        .args(["-initrd", "/dev/stdin"])
        .args(["-chardev", "file,id=console,path=/dev/stderr"])
        .args(["-serial", "chardev:console"])
        .args(["-chardev", "file,id=command,path=/dev/stdout"])
        .args(["-serial", "chardev:command", "-virtfs"])
        .arg("local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
        .args(machine.arguments)
        .stdin(Stdio::from(initrd))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| VmError::Start {
            program: "setpriv",
            package: "util-linux",
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        let text = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright";
        assert_eq!(major(text), Some(10));
        assert_eq!(major("QEMU emulator version 7.2.13\n"), Some(7));
        assert_eq!(major("nonsense"), None);
    }
}
