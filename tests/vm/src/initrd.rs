//! The guest's first root: busybox, the few modules that it takes to see the machine's
//! files, the init script, and the command of this one run.
//!
//! It is made for each run, in milliseconds, so nothing about it can grow stale. All
//! other modules are loaded by the kernel when something asks for them: its modprobe
//! is a script that enters the machine's files and finds the whole tree there.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::bzimage::decompress;
use crate::cpio::Archive;
use crate::error::VmError;
use crate::kernel::Kernel;

/// What the guest cannot do without before it sees the machine's files.
const BOOT_MODULES: [&str; 4] = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];
const BUSYBOX: &str = "/bin/busybox";
/// In every program that is not static.
const LOADER: &[u8] = b"/ld-linux-x86-64.so.2\0";
const INIT: &[u8] = include_bytes!("init.sh");
const MODPROBE: &[u8] = b"#!/bin/busybox sh\nexec /bin/busybox chroot /root modprobe \"$@\"\n";

/// What differs from run to run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Begins every line that is the harness's own; random, so that no output hits it.
    pub(crate) token: &'a str,
    /// Modules to load before the command.
    pub(crate) load: &'a [String],
    /// Name and value of each variable of the command's environment.
    pub(crate) environment: &'a [(String, String)],
    /// Program and arguments.
    pub(crate) command: &'a [&'a str],
}

/// The archive to boot with.
///
/// # Errors
/// Where busybox or a module cannot be read.
pub(crate) fn build(kernel: &Kernel, run: &Run<'_>) -> Result<Vec<u8>, VmError> {
    let mut archive = Archive::default();
    for folder in ["bin", "sbin", "lib", "dev", "proc", "host", "upper", "root"] {
        archive.folder(folder);
    }
    let busybox = read(Path::new(BUSYBOX))?;
    if busybox.windows(LOADER.len()).any(|w| w == LOADER) {
        return Err(VmError::DynamicBusybox(BUSYBOX));
    }
    archive.file("bin/busybox", &busybox);
    archive.file("init", INIT);
    archive.file("sbin/modprobe", MODPROBE);
    let mut order = String::new();
    for path in kernel.load_order(&BOOT_MODULES)? {
        let data = read(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = writeln!(order, "{name}");
        let module = decompress(&data)?.unwrap_or(data);
        archive.file(&format!("lib/{name}"), &module);
    }
    archive.file("lib/order", order.as_bytes());
    archive.file("config", config(kernel, run).as_bytes());
    archive.file("command", script(run).as_bytes());
    Ok(archive.finish())
}

fn read(path: &Path) -> Result<Vec<u8>, VmError> {
    fs::read(path).map_err(VmError::file("read", path))
}

fn config(kernel: &Kernel, run: &Run<'_>) -> String {
    format!(
        "token={}\nmodules={}\nload={}\n",
        quote(run.token),
        quote(&kernel.modules().to_string_lossy()),
        quote(&run.load.join(" "))
    )
}

/// The command as a shell script.
fn script(run: &Run<'_>) -> String {
    let mut script = String::from("cd /\nexec env -i");
    let words = run.environment.iter().map(|(k, v)| format!("{k}={v}"));
    for word in words.chain(run.command.iter().map(|&w| w.to_owned())) {
        let _ = write!(script, " {}", quote(&word));
    }
    script.push('\n');
    script
}

/// One word for the shell, whatever is in it.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn words_come_out_of_the_shell_as_they_went_in() {
        let odd = "a 'b' \"$HOME\" \\ \n*";
        let variable = ("X".to_owned(), odd.to_owned());
        let run = Run {
            token: "t",
            load: &[],
            environment: &[variable],
            command: &["/bin/sh", "-c", "printf %s \"$X$1\"", "sh", odd],
        };
        let out = Command::new("sh").args(["-c", &script(&run)]).output();
        assert_eq!(
            String::from_utf8(out.unwrap().stdout).unwrap(),
            format!("{odd}{odd}")
        );
    }
}
