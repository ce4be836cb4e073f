//! `--cleanup`: gives back what this node owns, where nobody lives in it.

use crate::{base::Base, config::Config, error::Error, server::Claim};
use std::sync::Arc;

/// Frees this node's blocks that hold no container and no claim, and removes the journal if all could go.
/// What has to stay is told in the log.
///
/// # Errors
/// Where a daemon runs, or the store cannot be reached; see [`Error`].
pub async fn cleanup(config: Config) -> Result<(), Error> {
    let _claim = Claim::new(&config.socket)?;
    let base = Base::start(Arc::new(config)).await?;
    base.end().await;
    Ok(())
}
