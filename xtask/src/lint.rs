//! `lint`: everything about the source that a machine can judge.

mod arrows;
mod docs;
mod sizes;

use crate::report::{self, Part};
use crate::{cache, ebpf, exec, packages, tools};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Long: CI runs these beside the tests, with what those leave of the processors.
const LIMIT: Duration = Duration::from_secs(2400);

pub(crate) fn run() -> Result<()> {
    packages::ensure(&[packages::BUILD])?;
    let part = |name: &str, work: fn() -> Result<String>| Part::of(name, work);
    report::finish(&[
        part("lock file", lock_file),
        part("fmt", fmt),
        part("clippy", clippy),
        part("ebpf object", ebpf::check),
        part("deny", deny),
        part("arrows", arrows::check),
        part("sizes", sizes::check),
        part("links", docs::check),
        part("rustdoc", rustdoc),
    ])
}

fn cargo(args: &[&str]) -> Result<String> {
    exec::run(&mut exec::cargo(args), LIMIT).map(|()| String::new())
}

/// Cargo.lock is what the manifests say, so that everybody builds the same.
fn lock_file() -> Result<String> {
    let mut command = exec::cargo(&["metadata", "--locked", "--format-version", "1"]);
    let output = command.output()?;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{why}");
    Ok(String::new())
}

fn fmt() -> Result<String> {
    let workspace = cargo(&["fmt", "--all", "--check"]);
    let fuzz = "tests/fuzz/Cargo.toml";
    if cache::root().join(fuzz).exists() {
        cargo(&["fmt", "--check", "--manifest-path", fuzz])?;
    }
    ebpf::fmt()?;
    workspace
}

fn clippy() -> Result<String> {
    ebpf::clippy()?;
    let args = ["clippy", "--workspace", "--all-targets", "--keep-going"];
    cargo(&[&args[..], &["--", "-D", "warnings"]].concat())
}

fn deny() -> Result<String> {
    let tool = tools::cargo_deny()?;
    // Advisories would need a download at each run.
    let args = [
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ];
    let mut command: Command = exec::command(tool, &args);
    exec::run(&mut command, LIMIT).map(|()| String::new())
}

fn rustdoc() -> Result<String> {
    let flags = "-D warnings -A rustdoc::private_intra_doc_links";
    let mut command = exec::cargo(&["doc", "--workspace", "--no-deps", "--keep-going"]);
    // Most of what explains the code stands on private modules; its links are to work, too.
    command.arg("--document-private-items");
    // Its documentation would have the name of the library fairway-cni.
    command.args(["--exclude", "fairway-plugins"]);
    if let Some(rustdoc) = std::env::var_os("RUSTDOC") {
        command.env("FAIRWAY_RUSTDOC", rustdoc);
    }
    command.env("RUSTDOC", cache::root().join("xtask/src/lint/rustdoc.sh"));
    exec::run(command.env("RUSTDOCFLAGS", flags), LIMIT).map(|()| String::new())
}

/// All files that are, or are about to be, in the repository.
fn files() -> Result<Vec<PathBuf>> {
    let args = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let output = exec::command("git", &args).output().context("git")?;
    ensure!(output.status.success(), "git ls-files failed");
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = names.split_terminator('\0').map(PathBuf::from);
    Ok(names
        .filter(|name| cache::root().join(name).is_file())
        .collect())
}
