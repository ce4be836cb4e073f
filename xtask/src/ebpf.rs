//! `ebpf`: builds the eBPF objects that the loader embeds, or checks that the kept ones are what their source says.
//!
//! The objects are in the repository, because who builds Fairway needs no compiler for eBPF then. So a check
//! has to build the very same bytes on any machine: paths are mapped away, what depends on them is taken out
//! (see [`object`]), and which tools have built it is kept beside it, since others would build other bytes.

mod object;
mod toolchain;

use crate::{cache, exec};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use toolchain::Toolchain;

const PROGRAMS: &str = "dataplane-ebpf/programs";
const TARGET: &str = "bpfel-unknown-none";
const KEPT: &str = "dataplane-ebpf/loader/object";
/// Programs of the crate, each an object of its own, `NAME.bpf.o`.
const OBJECTS: [&str; 2] = ["fairway", "shaper"];
/// The tools that have built the kept ones.
const BUILT_BY: &str = "dataplane-ebpf/loader/object/built-by";

pub(crate) fn run(args: &[&str]) -> Result<()> {
    match args {
        [] => keep(),
        ["--check"] => check().map(|summary| println!("{summary}")),
        [other, ..] => bail!("takes --check or nothing, got {other}"),
    }
}

/// Builds it, and keeps what it has built.
fn keep() -> Result<()> {
    let toolchain = Toolchain::find()?;
    fs::create_dir_all(cache::root().join(KEPT))?;
    for (path, object) in build(&toolchain)? {
        fs::write(cache::root().join(&path), &object).with_context(|| path.clone())?;
        println!("{path}: {} bytes", object.len());
    }
    fs::write(cache::root().join(BUILT_BY), toolchain.versions()?)?;
    Ok(())
}

/// Builds it, and compares.
pub(crate) fn check() -> Result<String> {
    let toolchain = Toolchain::find()?;
    let (here, there) = (toolchain.versions()?, read(BUILT_BY)?);
    let there = String::from_utf8_lossy(&there);
    ensure!(
        here == there,
        "the kept objects were built by\n{there}and here is\n{here}Others build other bytes, so there is \
         nothing to compare: get those, or build and keep it anew (cargo xtask ebpf)"
    );
    let mut bytes = 0;
    for (path, built) in build(&toolchain)? {
        ensure!(
            built == read(&path)?,
            "{path} is not what {PROGRAMS} builds: run `cargo xtask ebpf` and commit it"
        );
        bytes += built.len();
    }
    Ok(format!("{bytes} bytes"))
}

fn read(path: &str) -> Result<Vec<u8>> {
    let read = fs::read(cache::root().join(path));
    read.with_context(|| format!("{path}: run `cargo xtask ebpf`"))
}

/// Each object, and where it is kept.
fn build(toolchain: &Toolchain) -> Result<Vec<(String, Vec<u8>)>> {
    let target = cache::dir()?.join("ebpf");
    let manifest = format!("{PROGRAMS}/Cargo.toml");
    let args = ["build", "--release", "--locked", "--target", TARGET];
    let mut command = exec::command(&toolchain.cargo, &args);
    command.args(["-Z", "build-std=core", "--manifest-path", &manifest]);
    toolchain.environment(&mut command)?;
    command.env("CARGO_TARGET_DIR", &target);
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(toolchain)?);
    exec::run(&mut command, Duration::from_secs(900))?;
    let object = |name: &str| {
        let built = target.join(TARGET).join("release").join(name);
        let bytes = fs::read(&built).with_context(|| built.display().to_string())?;
        Ok((format!("{KEPT}/{name}.bpf.o"), object::lean(&bytes)?))
    };
    OBJECTS.into_iter().map(object).collect()
}

/// Clippy's judgement of the programs. Its toolchain has no `core` for eBPF, so that they are checked as if
/// they were for this machine; assembler, which that would not understand, is not looked at before code is
/// generated.
pub(crate) fn clippy() -> Result<()> {
    let manifest = format!("{PROGRAMS}/Cargo.toml");
    let mut command = exec::cargo(&["clippy", "--locked", "--manifest-path", &manifest]);
    command.args(["--", "-D", "warnings"]);
    // Assembler for eBPF is not stable yet.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_TARGET_DIR", cache::dir()?.join("ebpf"));
    exec::run(&mut command, Duration::from_secs(900))
}

/// Formatting of the programs.
pub(crate) fn fmt() -> Result<()> {
    let manifest = format!("{PROGRAMS}/Cargo.toml");
    let mut command = exec::cargo(&["fmt", "--check", "--manifest-path", &manifest]);
    exec::run(&mut command, Duration::from_secs(900))
}

/// The compiler's: types for BTF, and no path of this machine.
fn flags(toolchain: &Toolchain) -> Result<OsString> {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cargo = home("CARGO_HOME").or_else(|| Some(home("HOME")?.join(".cargo")));
    let cargo = cargo.context("neither CARGO_HOME nor HOME is set")?;
    // Without the last one memory is filled by calls, byte for byte.
    let mut flags = OsString::from(
        "-Cdebuginfo=2\x1f-Ctarget-cpu=v3\x1f-Clink-arg=--btf\x1f\
         -Clink-arg=--disable-expand-memcpy-in-order",
    );
    let source = toolchain.source()?;
    for (from, to) in [
        (cache::root(), "/fairway"),
        (cargo.as_path(), "/cargo"),
        (source.as_path(), "/rust"),
    ] {
        flags.push("\x1f--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

/// What a program prints, or why it does not.
fn says(command: &mut Command) -> Result<String> {
    let line = exec::line(command);
    let output = command.output().with_context(|| line.clone())?;
    ensure!(output.status.success(), "`{line}` failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
