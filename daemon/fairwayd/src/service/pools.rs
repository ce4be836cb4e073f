//! `pool.*`: making, changing, listing and retiring pools.

use super::{
    Daemon,
    audit::telling_late,
    change::Stop,
    refusal,
    words::{self, read},
};
use crate::{convert::body, server::Replies};
use fairway_api::{ErrorBody, PROGRESS_EVERY, Progress, admin};
use fairway_cni::Code;
use fairway_ipam::{
    PoolChange, PoolName,
    admin::{Left, Plan, Retire, change_pool, create_pool, finish_retire, pool, pools},
};
use fairway_pools::Kind;
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
        self.not_elsewhere(Kind::IPPool, &set.name).await?;
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
        self.not_elsewhere(Kind::IPPool, &remove.name).await?;
        let plan = |view: &_| change_pool(view, &name, &PoolChange::retire());
        self.change("pool", replies, plan).await?;
        let row = self.pool_row(&name).await?;
        if !remove.wait {
            return Ok(row);
        }
        let mut told: Option<(Option<Left>, Instant)> = None;
        let mut most = 0;
        loop {
            let left = match self.shown_of(&name).await? {
                Some(left) => self.link.connected().then_some(left),
                None => match self.left_of(&name, replies).await {
                    Ok(None) => return Ok(row),
                    Ok(left) => left,
                    // That passes, and may be in the middle of hours.
                    Err(Stop::Error(error)) if error.code == Code::TRY_AGAIN.number() => None,
                    Err(stop) => return Err(stop),
                },
            };
            let stale = |(before, at): &(Option<Left>, Instant)| {
                *before != left || at.elapsed() >= PROGRESS_EVERY / 2
            };
            if told.as_ref().is_none_or(stale) {
                told = Some((left, Instant::now()));
                replies.progress(waits(&name, left, &mut most)).await?;
            }
            sleep(LOOK).await;
        }
    }

    /// What is out of a pool still, as the mirror shows it; none: the store is to be asked. A pool may take
    /// hours, and to read a large cluster is megabytes.
    async fn shown_of(&self, name: &PoolName) -> Result<Option<Left>, ErrorBody> {
        let pool = name.clone();
        let look = move |view: &_| match finish_retire(view, &pool) {
            Ok(Retire::Waiting(left)) => Some(left),
            _ => None,
        };
        let shown = self.driver.look(look).await;
        shown.map_err(|error| refusal::failure(&error))
    }

    /// What is out of a pool still, as the store has it; none: it is gone, where need be by this.
    async fn left_of(&self, name: &PoolName, replies: &mut Replies) -> Result<Option<Left>, Stop> {
        loop {
            let what = format!("pool {name}: reads the store");
            let view = telling_late(&what, replies, self.fresh()).await??;
            match finish_retire(&view, name)? {
                Retire::Gone => return Ok(None),
                Retire::Waiting(left) => return Ok(Some(left)),
                Retire::Finish(_) => self.finish(name, replies).await?,
            }
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

/// What is waited for; without `left`, that the store is there again.
fn waits(name: &PoolName, left: Option<Left>, most: &mut u64) -> Progress {
    let Some(left) = left else {
        return Progress {
            what: format!("pool {name}: the store is away; it goes on when that is back"),
            done: 0,
            total: None,
        };
    };
    let Left {
        live,
        claims,
        cooling,
        blocks,
    } = left;
    let open = live + claims + cooling + blocks;
    *most = open.max(*most);
    Progress {
        what: format!(
            "pool {name}: {live} addresses of containers, {claims} claims, {cooling} resting, {blocks} blocks"
        ),
        done: *most - open,
        total: Some(*most),
    }
}
