//! `bench`: builds the plugins and runs the benchmarks beside the reference plugins.

use crate::{dist, exec, packages};
use anyhow::Result;
use std::time::Duration;

pub(crate) fn run(names: &[&str]) -> Result<()> {
    packages::ensure(&[packages::LAB, packages::REFERENCE])?;
    let plugins = dist::run()?;
    let mut command = exec::cargo(&["run", "--release", "--package", "fairway-bench", "--"]);
    command.args(names).env("FAIRWAY_CNI_DIR", plugins);
    exec::run(&mut command, Duration::from_secs(3600))
}
