//! `bench`: builds everything and runs the benchmarks, beside the reference plugins where those
//! do the same.

use crate::{dist, exec, packages};
use anyhow::Result;
use std::time::Duration;

pub(crate) fn run(names: &[&str]) -> Result<()> {
    packages::ensure(&[
        packages::LAB,
        packages::REFERENCE,
        packages::ETCD,
        packages::STREAM,
        packages::BGP,
        packages::MACHINE,
        packages::RUNTIMES,
    ])?;
    let dist = dist::given_or_built()?;
    // With the programs that it starts.
    let build = ["build", "--release", "--package", "fairway-bench"];
    exec::run(&mut exec::cargo(&build), Duration::from_secs(1800))?;
    let mut command = exec::cargo(&["run", "--release", "--package", "fairway-bench", "--"]);
    dist.tell(command.args(names));
    exec::run(&mut command, Duration::from_secs(3600))
}
