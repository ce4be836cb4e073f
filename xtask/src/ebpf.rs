//! `ebpf`: builds the eBPF object. There is none yet.

use anyhow::{Result, bail};

pub(crate) fn run(args: &[&str]) -> Result<()> {
    match args {
        [] | ["--check"] => bail!("there are no eBPF programs yet"),
        [other, ..] => bail!("takes --check or nothing, got {other}"),
    }
}
