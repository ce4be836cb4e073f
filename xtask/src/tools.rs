//! cargo's helpers that are no Debian packages: built once into the cache, of a fixed version.

use crate::{cache, exec};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Runs the fuzz targets.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    get("cargo-fuzz", "0.13.2")
}

/// Checks licences, bans and sources.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    get("cargo-deny", "0.20.2")
}

/// Makes Debian packages.
pub(crate) fn cargo_deb() -> Result<PathBuf> {
    get("cargo-deb", "3.8.0")
}

fn get(name: &str, version: &str) -> Result<PathBuf> {
    let root = cache::dir()?.join("tools");
    let tool = root.join("bin").join(name);
    if has(&tool, version) {
        return Ok(tool);
    }
    println!("building {name} {version} into {} (once)", root.display());
    let mut install = exec::cargo(&["install", name, "--version", version, "--locked"]);
    install.arg("--root").arg(&root);
    exec::run(&mut install, Duration::from_secs(1200))?;
    Ok(tool)
}

fn has(tool: &Path, version: &str) -> bool {
    let mut command = Command::new(tool);
    // cargo's helpers take their own name as the first argument; --version works either way.
    let output = command.arg("--version").output();
    output.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(version))
}
