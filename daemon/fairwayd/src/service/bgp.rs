//! `bgp.*`: what is asked of the speaker and its neighbours.

use super::Daemon;
use fairway_api::{ErrorBody, Nothing, admin};

impl Daemon {
    pub(super) async fn bgp_reset(&self, reset: admin::BgpReset) -> Result<Nothing, ErrorBody> {
        self.bgp.reset(reset).await?;
        Ok(Nothing {})
    }
}
