//! `dist`: the release build, laid out as it is installed.
//!
//! One static binary under every plugin's name in dist/cni, the daemon and the commands in dist/bin, and what these
//! say of themselves, man pages and completions, in dist/share.
//! Static, because a plugin runs in the mount namespace of whatever calls it and starts in half
//! the time, and because one file is then all there is to install. Which plugins there are says
//! the binary itself (`fairway-cni --list`). A running test never sees a half-written file: files
//! are renamed into place, and left alone where nothing changed.

pub(crate) mod share;

use crate::{cache, exec, packages};
use anyhow::{Context, Result, ensure};
use fairway_lab::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BINARY: &str = "fairway-cni";

/// What dist/bin holds; package and program bear the same name.
const PROGRAMS: [&str; 3] = ["fairwayd", "netctl", "fairway-install"];

/// Where the release build lies.
#[derive(Clone, Debug)]
pub(crate) struct Dist {
    /// The plugins, one file of each type.
    pub(crate) cni: PathBuf,
    /// The daemon, the administrator's command, and what puts the plugins on a node.
    pub(crate) bin: PathBuf,
}

impl Dist {
    /// Tells tests and benchmarks, by the environment.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env("FAIRWAY_CNI_DIR", &self.cni);
        command.env("FAIRWAY_BIN_DIR", &self.bin);
    }
}

/// What `FAIRWAY_CNI_DIR` and `FAIRWAY_BIN_DIR` name where both are set, else a fresh build.
pub(crate) fn given_or_built() -> Result<Dist> {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(cni), Some(bin)) = (set("FAIRWAY_CNI_DIR"), set("FAIRWAY_BIN_DIR")) else {
        return run();
    };
    println!("nothing built: {} {}", cni.display(), bin.display());
    Ok(Dist { cni, bin })
}

/// Builds, and lays out what was built.
pub(crate) fn run() -> Result<Dist> {
    packages::ensure(&[packages::BUILD])?;
    let dist = cache::root().join("dist");
    let (cni, bin) = (dist.join("cni"), dist.join("bin"));
    // Two of these at once would write into each other's files; who comes second finds all made.
    fs::create_dir_all(&dist)?;
    let lock = fs::File::create(dist.join(".lock"))?;
    lock.lock()?;
    plugins(&cni)?;
    programs(&bin)?;
    share::write(&bin, &dist.join("share"))?;
    Ok(Dist { cni, bin })
}

fn plugins(folder: &Path) -> Result<()> {
    // At an address that the linker chose, as the reference plugins are: a process that lives for half a millisecond
    // spends an eighth of it on making itself fit another one. The programs listen, and keep an address that nobody foretells.
    let command = ["rustc", "--package", BINARY_PACKAGE, "--bin", BINARY];
    let built = build(&command, &["--", "-Crelocation-model=static"])?;
    let built = named(&built, BINARY)?;
    let list = Command::new(built).arg("--list").output()?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let types: Vec<&str> = list.split_whitespace().collect();
    ensure!(!types.is_empty(), "`{BINARY} --list` names no plugin");

    let size = place(built, &folder.join(BINARY))?;
    for kind in &types {
        link(folder, kind).with_context(|| format!("dist/cni/{kind}"))?;
    }
    let known = types.iter().copied().chain([BINARY]);
    sweep(folder, &known.collect::<Vec<_>>())?;
    let types = types.join(" ");
    println!("dist/cni: {BINARY} ({size:.1} MiB, static) as {types}");
    Ok(())
}

/// Apart from the plugins: what these want of a library would be in the plugins' binary, too.
fn programs(folder: &Path) -> Result<()> {
    let packages = PROGRAMS.iter().flat_map(|name| ["--package", name]);
    let command: Vec<_> = ["build"].into_iter().chain(packages).collect();
    let built = build(&command, &[])?;
    for name in PROGRAMS {
        let size = place(named(&built, name)?, &folder.join(name))?;
        println!("dist/bin: {name} ({size:.1} MiB, static)");
    }
    sweep(folder, &PROGRAMS)
}

/// Puts a static binary where it belongs, if it is not there already; gives its size in MiB.
fn place(built: &Path, at: &Path) -> Result<f64> {
    let bytes = fs::read(built).with_context(|| built.display().to_string())?;
    ensure!(is_static(&bytes), "{} is not static", built.display());
    let folder = at.parent().context("no folder")?;
    fs::create_dir_all(folder)?;
    if fs::read(at).ok().as_ref() != Some(&bytes) {
        let fresh = folder.join(".fresh");
        fs::copy(built, &fresh)?;
        fs::rename(&fresh, at)?;
    }
    Ok(bytes.len() as f64 / f64::from(1 << 20))
}

/// Takes away what an older build left.
fn sweep(folder: &Path, known: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        if !known.iter().any(|known| name == **known) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The release binaries for this machine's triple, with the C library built in.
fn build(command: &[&str], last: &[&str]) -> Result<Vec<PathBuf>> {
    // Naming the target keeps the flag away from build scripts and proc macros.
    let mut command = exec::cargo(command);
    command.args(["--release", "--target", &triple()?]);
    command.arg("--message-format=json-render-diagnostics");
    command.args(last);
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let flags = flags.split('\x1f').filter(|flag| !flag.is_empty());
    let flags: Vec<_> = flags.chain(["-Ctarget-feature=+crt-static"]).collect();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    println!("$ {}", exec::line(&command));
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output()?;
    ensure!(output.status.success(), "the release build failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines();
    let messages = lines.filter_map(|line| fairway_lab::serde_json::from_str(line).ok());
    let made = messages.filter_map(|message: Value| {
        let path = message["executable"].as_str()?;
        Some(PathBuf::from(path))
    });
    Ok(made.collect())
}

fn named<'a>(built: &'a [PathBuf], name: &str) -> Result<&'a Path> {
    let mut built = built.iter().rev();
    let found = built.find(|path| path.file_name().is_some_and(|file| file == name));
    let found = found.with_context(|| format!("the build made no {name}"))?;
    Ok(found)
}

/// The package that holds the binary.
const BINARY_PACKAGE: &str = "fairway-plugins";

fn triple() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

/// A hard link to the binary, or a relative symbolic one where the file system has none.
fn link(folder: &Path, kind: &str) -> Result<()> {
    ensure!(
        !kind.contains('/') && kind != BINARY,
        "no name for a plugin"
    );
    let (binary, name, fresh) = (
        folder.join(BINARY),
        folder.join(kind),
        folder.join(".fresh"),
    );
    let same = |path: &Path| fs::canonicalize(path).ok();
    if inode(&name) == inode(&binary) || (name.is_symlink() && same(&name) == same(&binary)) {
        return Ok(());
    }
    let _ = fs::remove_file(&fresh);
    if fs::hard_link(&binary, &fresh).is_err() {
        std::os::unix::fs::symlink(BINARY, &fresh)?;
    }
    Ok(fs::rename(&fresh, &name)?)
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::symlink_metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// A 64-bit ELF without an interpreter (`PT_INTERP`) needs no dynamic linker.
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = elf.get(at..at + size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    };
    let interpreted = || -> Option<bool> {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let mut kinds = (0..count).map(|n| number(table + n * size, 4));
        Some(kinds.any(|kind| kind.is_none_or(|kind| kind == 3)))
    };
    elf.starts_with(b"\x7fELF\x02\x01") && interpreted() == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_binary_is_told_from_a_static_one() {
        assert!(!is_static(&fs::read("/bin/sh").unwrap()));
        assert!(!is_static(b"\x7fELF\x02\x01") && !is_static(b""));
        let busybox = fs::read("/bin/busybox").or_else(|_| fs::read("/sbin/ldconfig"));
        assert!(is_static(&busybox.unwrap()));
    }

    #[test]
    fn links_are_made_once_and_mended() {
        let folder = fairway_lab::tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path(BINARY), "1").unwrap();
        fs::write(path("ptp"), "old").unwrap();
        for _ in 0..2 {
            for kind in ["bridge", "ptp"] {
                link(folder.path(), kind).unwrap();
                assert_eq!(inode(&path(kind)), inode(&path(BINARY)));
            }
        }
        assert!(!path(".fresh").exists());
        assert!(link(folder.path(), "../x").is_err() && link(folder.path(), BINARY).is_err());
    }
}
