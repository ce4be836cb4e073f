//! `packages`: the release build as Debian and RPM packages, in dist/packages.
//!
//! What they are made of is laid out in dist/stage; what they are stands in deploy/install/Cargo.toml (Debian)
//! and deploy/packages/fairway.spec (RPM).

use crate::dist::{self, Dist};
use crate::{cache, exec, packages, tools};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The crate that describes Debian's.
const CRATE: &str = "fairway-install";
const SPEC: &str = "deploy/packages/fairway.spec";
const VARIANTS: [&str; 2] = ["plugins", "daemon"];
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let fast = match args {
        [] => false,
        ["--fast"] => true,
        [other, ..] => bail!("takes --fast or nothing, got {other}"),
    };
    make(&dist::run()?, fast).map(drop)
}

/// Makes them of a build; gives their folder. Fast ones are larger.
pub(crate) fn make(dist: &Dist, fast: bool) -> Result<PathBuf> {
    let top = cache::root().join("dist");
    stage(dist, &top.join("stage"))?;
    let folder = top.join("packages");
    let fresh = top.join("packages.fresh");
    for old in [&fresh, &folder] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&fresh)?;
    packages::ensure(&[packages::RPM])?;
    let deb = tools::cargo_deb()?;
    for variant in VARIANTS {
        let mut command = debian(&deb, variant, fast);
        exec::run(command.arg("--output").arg(&fresh), LIMIT)?;
    }
    exec::run(&mut red_hat(&top, &fresh, fast), LIMIT)?;
    fs::rename(&fresh, &folder)?;
    let mut made = Vec::new();
    for entry in fs::read_dir(&folder)? {
        made.push(entry?.file_name().to_string_lossy().into_owned());
    }
    made.sort();
    ensure!(made.len() == 2 * VARIANTS.len(), "made only {made:?}");
    println!("dist/packages: {}", made.join(" "));
    Ok(folder)
}

fn stage(dist: &Dist, stage: &Path) -> Result<()> {
    fs::create_dir_all(stage)?;
    let programs = [
        (&dist.cni, "fairway-cni"),
        (&dist.bin, "fairway-install"),
        (&dist.bin, "fairwayd"),
        (&dist.bin, "netctl"),
    ];
    for (folder, name) in programs {
        let from = folder.join(name);
        fs::copy(&from, stage.join(name)).with_context(|| from.display().to_string())?;
    }
    dist::share::write(&dist.bin, &stage.join("share"))
}

fn debian(tool: &Path, variant: &str, fast: bool) -> Command {
    let mut command = exec::command(tool, &["--no-build", "--no-strip", "--quiet"]);
    command.args(["--package", CRATE, "--variant", variant]);
    command.args(fast.then_some("--fast"));
    command
}

fn red_hat(top: &Path, to: &Path, fast: bool) -> Command {
    let define = |name: &str, value: &Path| format!("{name} {}", value.display());
    let payload = if fast { "w1.gzdio" } else { "w19.zstdio" };
    let mut command = exec::command("rpmbuild", &["-bb", "--quiet"]);
    for definition in [
        define("_topdir", &top.join("rpmbuild")),
        define("_rpmdir", to),
        define("stage", &top.join("stage")),
        define("source", cache::root()),
        format!("fairway_version {}", env!("CARGO_PKG_VERSION")),
        format!("_binary_payload {payload}"),
        "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm".to_owned(),
    ] {
        command.arg("--define").arg(definition);
    }
    command.arg(SPEC);
    command
}
