//! The vxlan plugin, with what stands for the daemon.

mod check;
mod daemon;
mod links;

use fairway_tests_netns::{Bed, Result, Value};

/// A node on which the daemon runs.
fn bed() -> Result<Bed> {
    let bed = Bed::as_it_is()?;
    bed.start_daemon()?;
    Ok(bed)
}

fn conf(bed: &Bed, extra: Value) -> Value {
    bed.conf("vxlan", extra)
}
