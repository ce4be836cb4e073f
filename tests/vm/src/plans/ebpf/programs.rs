//! The programs by themselves.

use anyhow::{Context, Result, ensure};
use fairway_dataplane::{Shaper, probe};
use fairway_lab::Ns;

/// All of them, of policy, the overlay and rates.
pub(super) fn are_taken_by_the_verifier() -> Result<()> {
    let release = Ns::host()?.run("uname -r")?;
    let numbers: Vec<u32> = release
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    // Else these plans tell no more than the build machine's own tests.
    ensure!(numbers < vec![6, 18], "this kernel is {release}");
    probe().map_err(|why| anyhow::anyhow!("{release}: {}", why.reason()))?;
    Shaper::load().with_context(|| release.clone())?;
    Ok(())
}
