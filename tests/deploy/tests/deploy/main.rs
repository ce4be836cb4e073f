//! Installation, upgrade and removal, by the programs that people use for it.

mod chart;
mod deb;
mod manifests;
mod rpm;
mod server;
mod systemd;
mod unit;
mod values;

use anyhow::{Result, ensure};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// There may be a password of etcd in it.
fn private(settings: &Path) -> Result<()> {
    let mode = fs::metadata(settings)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "{}: {mode:o}", settings.display());
    Ok(())
}
