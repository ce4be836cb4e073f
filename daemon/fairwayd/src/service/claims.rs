//! `claim.*`: making, listing, moving and giving back claims.

use super::{
    Daemon,
    audit::telling_late,
    change::{Stop, must_be_known},
    refusal,
    words::{self, read, read_some},
};
use crate::{convert::body, server::Replies};
use fairway_api::admin;
use fairway_cni::Code;
use fairway_ipam::{
    AppName, ClaimName, CreateClaim, Handover, PoolName, Release, Request,
    admin::{
        ClaimRow, Freed, Keep, Move, Plan, SetWish, Which, claims, create_set, find_claim,
        given_name, move_claim, remove_claims,
    },
};
use fairway_pools::Kind;
use std::collections::BTreeMap;

/// How long the owners of blocks may take to agree, in milliseconds.
const PATIENCE: u64 = 10_000;

impl Daemon {
    pub(super) async fn claim_create(
        &self,
        create: admin::ClaimCreate,
        replies: &mut Replies,
    ) -> Result<admin::Claim, Stop> {
        let name: ClaimName = read("name", &create.name)?;
        let name = given_name(name.as_str())?;
        self.not_elsewhere(Kind::IPClaim, name.as_str()).await?;
        let pool: PoolName = read("pool", &create.pool)?;
        let release: Option<Release> = read_some("release", create.release.as_ref())?;
        let handover: Option<Handover> = read_some("handover", create.handover.as_ref())?;
        let app: Option<AppName> = read_some("app", create.app.as_ref())?;
        if let Some(size) = create.set {
            if !create.addresses.is_empty() {
                let text = "addresses: a set has none of its own; make a claim for each";
                return Err(body(Code::INVALID_CONFIG, text).into());
            }
            let wish = SetWish {
                pool: pool.clone(),
                name: name.clone(),
                size: size.size,
                surge: size.surge,
                release,
                handover,
                app,
            };
            let now = self.clocks.now();
            let txn = |view: &_| create_set(view, wish.clone(), now);
            self.change_one("claim", replies, txn).await?;
            return self.claim_row(&name, Some(&pool)).await;
        }
        let handover = match handover {
            Some(handover) => handover,
            None => {
                let view = self.fresh().await?;
                let pool = view.pools.get(&pool);
                pool.map(|pool| pool.value.spec.handover)
                    .unwrap_or_default()
            }
        };
        let wish = Request::CreateClaim(Box::new(CreateClaim {
            pool: pool.clone(),
            name: name.clone(),
            addresses: create.addresses,
            release: release.unwrap_or(Release::Never),
            handover,
            app,
            only_while: Vec::new(),
            deadline: self.clocks.millis() + PATIENCE,
        }));
        let what = format!("the owners of blocks of pool {pool}");
        let made = telling_late(&what, replies, self.driver.ask(wish)).await?;
        made.map_err(|error| refusal::failure(&error))?;
        self.claim_row(&name, Some(&pool)).await
    }

    pub(super) async fn claim_list(
        &self,
        list: admin::ClaimList,
        replies: &mut Replies,
    ) -> Result<Vec<admin::Claim>, Stop> {
        let pool: Option<PoolName> = read_some("pool", list.pool.as_ref())?;
        let app: Option<AppName> = read_some("app", list.app.as_ref())?;
        let view = self.listed(replies).await?;
        must_be_known(&view, pool.as_ref())?;
        let rows = claims(&view, pool.as_ref(), app.as_ref());
        Ok(rows.iter().map(words::claim).collect())
    }

    pub(super) async fn claim_remove(
        &self,
        remove: admin::ClaimRemove,
        replies: &mut Replies,
    ) -> Result<Vec<admin::Claim>, Stop> {
        let which = which(&remove)?;
        if let Which::Named { name, .. } = &which {
            self.not_elsewhere(Kind::IPClaim, name.as_str()).await?;
        }
        let plan = |view: &_| remove_claims(view, &which, remove.force);
        let freed = each_once(self.change("claims", replies, plan).await?);
        let row = |freed: Freed| {
            words::claim(&ClaimRow {
                pool: freed.pool,
                name: freed.name,
                record: freed.record,
            })
        };
        Ok(freed.into_iter().map(row).collect())
    }

    pub(super) async fn claim_move(
        &self,
        wish: admin::ClaimMove,
        replies: &mut Replies,
    ) -> Result<admin::Claim, Stop> {
        let pool: Option<PoolName> = read_some("pool", wish.pool.as_ref())?;
        let node = read_some("node", wish.node.as_ref())?;
        let keep = match (node, wish.anywhere) {
            (Some(_), true) => {
                let text = "anywhere: not together with node";
                return Err(body(Code::INVALID_CONFIG, text).into());
            }
            (Some(node), false) => Some(Keep::For(node)),
            (None, true) => Some(Keep::Anywhere),
            (None, false) => None,
        };
        let wish = Move {
            name: read("name", &wish.name)?,
            pool: pool.clone(),
            keep,
            rename: read_some("name_to", wish.name_to.as_ref())?,
            force: wish.force,
        };
        if wish.rename.is_some() {
            self.not_elsewhere(Kind::IPClaim, wish.name.as_str())
                .await?;
        }
        let now = self.clocks.now();
        // The new name may be in other pools too: the answer is from where it was moved.
        let plan = |view: &_| {
            let (of, _, _) = find_claim(view, &wish.name, pool.as_ref())?;
            Ok(Plan {
                txns: vec![move_claim(view, &wish, now)?],
                summary: of.clone(),
            })
        };
        let of = self.change("claim", replies, plan).await?.pop().or(pool);
        let name = wish.rename.as_ref().unwrap_or(&wish.name);
        self.claim_row(name, of.as_ref()).await
    }

    async fn claim_row(
        &self,
        name: &ClaimName,
        pool: Option<&PoolName>,
    ) -> Result<admin::Claim, Stop> {
        let view = self.fresh().await?;
        let (pool, record, _) = find_claim(&view, name, pool)?;
        Ok(words::claim(&ClaimRow {
            pool: pool.clone(),
            name: name.clone(),
            record: record.clone(),
        }))
    }
}

/// What several rounds freed.
fn each_once(rounds: Vec<Vec<Freed>>) -> Vec<Freed> {
    let mut freed: BTreeMap<_, Freed> = BTreeMap::new();
    for one in rounds.into_iter().flatten() {
        let at = (one.pool.clone(), one.name.clone());
        freed.entry(at).or_insert(one);
    }
    freed.into_values().collect()
}

fn which(remove: &admin::ClaimRemove) -> Result<Which, Stop> {
    let wrong = |text| Err(body(Code::INVALID_CONFIG, text).into());
    match (&remove.name, &remove.app, remove.replicas) {
        (Some(name), None, None) => Ok(Which::Named {
            name: read("name", name)?,
            pool: read_some("pool", remove.pool.as_ref())?,
        }),
        (None, Some(app), None) => Ok(Which::App {
            app: read("app", app)?,
            pool: read_some("pool", remove.pool.as_ref())?,
        }),
        (None, Some(app), Some(replicas)) => Ok(Which::Scaled {
            app: read("app", app)?,
            replicas,
            pool: read_some("pool", remove.pool.as_ref())?,
        }),
        (Some(_), None, Some(_)) => wrong("replicas: goes with app, not with name"),
        (Some(_), Some(_), _) => wrong("app: either a name or an application, not both"),
        (None, None, _) => wrong("name: a name or an application is wanted"),
    }
}
