//! `pool.*`: making, changing, listing and retiring pools.

use super::{
    Daemon,
    change::Stop,
    words::{self, read},
};
use crate::{convert::body, server::Replies};
use fairway_api::{PROGRESS_EVERY, Progress, admin};
use fairway_cni::Code;
use fairway_ipam::{
    PoolChange, PoolName,
    admin::{Left, Plan, Retire, change_pool, create_pool, finish_retire, pool, pools},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks at a pool that is to go.
const LOOK: Duration = Duration::from_millis(250);

impl Daemon {
    pub(super) async fn pool_create(
        &self,
        create: admin::PoolCreate,
        replies: &mut Replies,
    ) -> Result<admin::Pool, Stop> {
        let name: PoolName = read("name", &create.name)?;
        let spec = words::pool_spec(&create)?;
        let txn = |view: &_| create_pool(view, name.clone(), spec.clone());
        self.change_one("pool", replies, txn).await?;
        self.pool_row(&name).await
    }

    pub(super) async fn pool_set(
        &self,
        set: admin::PoolSet,
        replies: &mut Replies,
    ) -> Result<admin::Pool, Stop> {
        let name: PoolName = read("name", &set.name)?;
        let change = words::pool_change(&set)?;
        let plan = |view: &_| change_pool(view, &name, &change);
        self.change("pool", replies, plan).await?;
        self.pool_row(&name).await
    }

    pub(super) async fn pool_list(&self, replies: &mut Replies) -> Result<Vec<admin::Pool>, Stop> {
        let view = self.listed(replies).await?;
        Ok(pools(&view).iter().map(words::pool).collect())
    }

    async fn pool_row(&self, name: &PoolName) -> Result<admin::Pool, Stop> {
        let row = pool(&self.fresh().await?, name);
        let gone = || {
            body(
                Code::INVALID_CONFIG,
                format_args!("pool {name} is gone already"),
            )
        };
        Ok(words::pool(&row.ok_or_else(gone)?))
    }

    /// Marks it; with `wait`, until it is gone. Without, whichever daemon looks next takes it away when the
    /// last address is back.
    pub(super) async fn pool_remove(
        &self,
        remove: admin::PoolRemove,
        replies: &mut Replies,
    ) -> Result<admin::Pool, Stop> {
        let name: PoolName = read("name", &remove.name)?;
        let plan = |view: &_| change_pool(view, &name, &PoolChange::retire());
        self.change("pool", replies, plan).await?;
        let row = self.pool_row(&name).await?;
        if !remove.wait {
            return Ok(row);
        }
        let mut told: Option<(Left, Instant)> = None;
        let mut most = 0;
        loop {
            let left = match finish_retire(&self.fresh().await?, &name)? {
                Retire::Gone => return Ok(row),
                Retire::Finish(_) => {
                    self.finish(&name, replies).await?;
                    continue;
                }
                Retire::Waiting(left) => left,
            };
            let stale = |(before, at): &(Left, Instant)| {
                *before != left || at.elapsed() >= PROGRESS_EVERY / 2
            };
            if told.as_ref().is_none_or(stale) {
                told = Some((left, Instant::now()));
                let open = left.live + left.claims + left.cooling + left.blocks;
                most = most.max(open);
                let Left {
                    live,
                    claims,
                    cooling,
                    blocks,
                } = left;
                let what = format!(
                    "pool {name}: {live} addresses of containers, {claims} claims, {cooling} resting, \
                     {blocks} blocks"
                );
                let (done, total) = (most - open, Some(most));
                replies.progress(Progress { what, done, total }).await?;
            }
            sleep(LOOK).await;
        }
    }

    async fn finish(&self, name: &PoolName, replies: &mut Replies) -> Result<(), Stop> {
        let plan = |view: &_| {
            let txns = match finish_retire(view, name)? {
                Retire::Finish(txns) => txns,
                _ => Vec::new(),
            };
            Ok(Plan { txns, summary: () })
        };
        self.change("pool", replies, plan).await.map(drop)
    }
}
