//! What the tests of installation share: where things are, and how programs are run.
//!
//! Needs root. `cargo xtask test deploy` makes what is tested and says where it is: `FAIRWAY_HELM`, `FAIRWAY_PACKAGES_DIR`,
//! `FAIRWAY_CHROOT` (a tar), `FAIRWAY_REFERENCE_DEB`.

mod booted;
mod chroot;
mod helm;

pub use booted::Booted;
pub use chroot::{Chroot, Files, changed, packages};
pub use helm::{Helm, Rendered};

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The folder `deploy` of this repository.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// What the suite has made ready.
///
/// # Errors
/// Where it says nothing of it.
pub fn given(variable: &str) -> Result<PathBuf> {
    let set = env::var_os(variable).filter(|value| !value.is_empty());
    set.map(PathBuf::from)
        .with_context(|| format!("{variable} is not set: run `cargo xtask test deploy`"))
}
