//! `bgp.*`: what is asked of the speaker and its neighbours.

use super::Daemon;
use crate::server::{Gone, Replies};
use fairway_api::{ErrorBody, Nothing, admin, frame::PART};

impl Daemon {
    /// A neighbour's whole table is no small thing: the next part is made when the last one was taken.
    pub(super) async fn bgp_routes(
        &self,
        list: admin::BgpRouteList,
        replies: &mut Replies,
    ) -> Result<(), Gone> {
        let enough = if replies.in_parts() { PART } else { usize::MAX };
        let mut after = None;
        loop {
            match self.bgp.routes(list.clone(), after, enough).await {
                Ok(some) if some.next.is_some() => {
                    after = some.next;
                    replies.part(some.routes).await?;
                }
                last => return replies.answer(last.map(|some| some.routes)).await,
            }
        }
    }

    pub(super) async fn bgp_reset(&self, reset: admin::BgpReset) -> Result<Nothing, ErrorBody> {
        self.bgp.reset(reset).await?;
        Ok(Nothing {})
    }
}
