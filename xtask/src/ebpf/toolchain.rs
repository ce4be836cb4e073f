//! A compiler that has `core`'s source, and the linker that makes eBPF of its bitcode.
//!
//! Debian has a compiler and its source in packages, so that is taken where root may install them. Elsewhere a
//! nightly toolchain with `rust-src` does, and a `bpf-linker` in `PATH` that fits its LLVM.

use super::says;
use crate::{cache, exec, packages};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Of Debian's compiler.
const LLVM: &str = "22";
const LINKER: &str = "0.13.0";

pub(super) struct Toolchain {
    pub(super) cargo: PathBuf,
    rustc: PathBuf,
    /// Where `bpf-linker` is, if not in `PATH`.
    linker: Option<PathBuf>,
}

impl Toolchain {
    pub(super) fn find() -> Result<Self> {
        match packages::ensure(&[packages::EBPF]) {
            Ok(()) => Ok(Toolchain {
                cargo: "/usr/bin/cargo".into(),
                rustc: "/usr/bin/rustc".into(),
                linker: Some(linker()?),
            }),
            Err(why) => nightly().with_context(|| {
                format!(
                    "{why:#}; elsewhere than on Debian eBPF is built with a nightly toolchain: \
                     `rustup toolchain install nightly -c rust-src`, and bpf-linker in PATH"
                )
            }),
        }
    }

    /// What they are, a line each.
    pub(super) fn versions(&self) -> Result<String> {
        let rustc = says(Command::new(&self.rustc).arg("-V"))?;
        let linker = match &self.linker {
            Some(folder) => folder.join("bpf-linker"),
            None => "bpf-linker".into(),
        };
        let linker = says(Command::new(linker).arg("-V"))?;
        Ok(format!("{rustc}\n{linker}\n"))
    }

    /// Where the source of `core` is.
    pub(super) fn source(&self) -> Result<PathBuf> {
        let root = says(Command::new(&self.rustc).args(["--print", "sysroot"]))?;
        Ok(Path::new(&root).join("lib/rustlib/src/rust"))
    }

    /// What cargo is to find, and what of its surroundings it is not to.
    pub(super) fn environment(&self, command: &mut Command) -> Result<()> {
        for name in [
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTUP_TOOLCHAIN",
            "CARGO_BUILD_TARGET",
        ] {
            command.env_remove(name);
        }
        command.env("RUSTC", &self.rustc);
        command.env("RUSTC_BOOTSTRAP", "1");
        if let Some(folder) = &self.linker {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::iter::once(folder.clone()).chain(std::env::split_paths(&path));
            let path: OsString = std::env::join_paths(folders)?;
            command.env("PATH", path);
        }
        Ok(())
    }
}

/// The folder of a linker that was built with the LLVM of Debian's compiler.
fn linker() -> Result<PathBuf> {
    let root = cache::dir()?.join("tools/ebpf");
    let folder = root.join("bin");
    let found = says(Command::new(folder.join("bpf-linker")).arg("-V"));
    if found.is_ok_and(|version| version.ends_with(LINKER)) {
        return Ok(folder);
    }
    println!(
        "building bpf-linker {LINKER} into {} (once)",
        root.display()
    );
    let library = root.join("lib/libLLVM.so");
    fs::create_dir_all(root.join("lib"))?;
    if library.symlink_metadata().is_ok() {
        fs::remove_file(&library)?;
    }
    std::os::unix::fs::symlink(llvm()?, &library)?;
    let feature = format!("llvm-{LLVM}");
    let mut install = exec::cargo(&["install", "bpf-linker", "--version", LINKER, "--locked"]);
    install.args(["--no-default-features", "--features", &feature]);
    install.arg("--root").arg(&root).env("LLVM_PREFIX", &root);
    exec::run(&mut install, Duration::from_secs(1800))?;
    Ok(folder)
}

/// The library that Debian's compiler uses.
fn llvm() -> Result<PathBuf> {
    let name = format!("libLLVM.so.{LLVM}");
    for folder in fs::read_dir("/usr/lib")?.flatten() {
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&name) {
                return Ok(file.path());
            }
        }
    }
    bail!("there is no {name} in /usr/lib: rustc-web comes with another LLVM now")
}

fn nightly() -> Result<Toolchain> {
    let which =
        |name: &str| says(Command::new("rustup").args(["which", "--toolchain", "nightly", name]));
    let toolchain = Toolchain {
        cargo: which("cargo")?.into(),
        rustc: which("rustc")?.into(),
        linker: None,
    };
    if !toolchain.source()?.join("library/core").is_dir() {
        bail!("the nightly toolchain is without rust-src");
    }
    if !packages::exists("bpf-linker") {
        bail!("there is no bpf-linker in PATH");
    }
    Ok(toolchain)
}
