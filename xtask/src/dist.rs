//! `dist`: the release build, laid out as it is installed.
//!
//! One static binary under every plugin's name. Static, because a plugin runs in the mount
//! namespace of whatever calls it and starts in half the time. Which names there are says the
//! binary itself (`fairway-cni --list`). A running test never sees a half-written file: files
//! are renamed into place, and left alone where nothing changed.

use crate::{cache, exec};
use anyhow::{Context, Result, ensure};
use fairway_lab::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BINARY: &str = "fairway-cni";

/// Builds; gives the folder with the plugins.
pub(crate) fn run() -> Result<PathBuf> {
    let built = build()?;
    let bytes = fs::read(&built).with_context(|| format!("{}", built.display()))?;
    ensure!(
        is_static(&bytes),
        "{} is not a static binary",
        built.display()
    );
    let list = Command::new(&built).arg("--list").output()?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let types: Vec<&str> = list.split_whitespace().collect();
    ensure!(!types.is_empty(), "`{BINARY} --list` names no plugin");

    let folder = cache::root().join("dist/cni");
    fs::create_dir_all(&folder)?;
    let binary = folder.join(BINARY);
    if fs::read(&binary).ok().as_ref() != Some(&bytes) {
        let fresh = folder.join(".fresh");
        fs::copy(&built, &fresh)?;
        fs::rename(&fresh, &binary)?;
    }
    for kind in &types {
        link(&folder, kind).with_context(|| format!("dist/cni/{kind}"))?;
    }
    for entry in fs::read_dir(&folder)?.flatten() {
        let name = entry.file_name();
        if !types.iter().chain([&BINARY]).any(|known| name == **known) {
            fs::remove_file(entry.path())?;
        }
    }
    let size = bytes.len() as f64 / f64::from(1 << 20);
    println!(
        "dist/cni: {BINARY} ({size:.1} MiB, static) as {}",
        types.join(" ")
    );
    Ok(folder)
}

/// The release binary for this machine's triple, with the C library built in.
fn build() -> Result<PathBuf> {
    let triple = triple()?;
    // Naming the target keeps the flag away from build scripts and proc macros.
    let args = [
        "build",
        "--release",
        "--package",
        BINARY_PACKAGE,
        "--target",
        &triple,
    ];
    let mut command = exec::cargo(&args);
    command.arg("--message-format=json-render-diagnostics");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let flags = flags.split('\x1f').filter(|flag| !flag.is_empty());
    let flags: Vec<_> = flags.chain(["-Ctarget-feature=+crt-static"]).collect();
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    println!("$ {}", exec::line(&command));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the release build failed");
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text
        .lines()
        .filter_map(|line| fairway_lab::serde_json::from_str(line).ok());
    let mut binaries = messages.filter_map(|message: Value| {
        let named = message["target"]["name"] == BINARY;
        let path = message["executable"].as_str()?;
        named.then(|| PathBuf::from(path))
    });
    binaries
        .next_back()
        .with_context(|| format!("the build made no {BINARY}"))
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
