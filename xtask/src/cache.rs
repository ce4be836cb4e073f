//! Where tools and build results are kept between runs, and where the repository is.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The top folder of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `$FAIRWAY_CACHE`, else `$XDG_CACHE_HOME/fairway`, else `~/.cache/fairway`.
pub(crate) fn dir() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("FAIRWAY_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("fairway")))
        .or_else(|| Some(set("HOME")?.join(".cache/fairway")))
        .context("no place for the cache: set FAIRWAY_CACHE or HOME")
}

/// The folder of build results, as cargo sees it from the top folder.
pub(crate) fn target() -> PathBuf {
    let set = env::var_os("CARGO_TARGET_DIR").filter(|v| !v.is_empty());
    root().join(set.map_or_else(|| "target".into(), PathBuf::from))
}
