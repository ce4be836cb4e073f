//! `IPPool`, `IPClaim` and `Network` objects: what they ask of the pools, claims and networks that there are.
//!
//! They are no records of their own: an object is compared with what the store has, however that was made, and what
//! differs is changed by the very logic that serves `netctl pool`, `claim` and `network`. Its refusals are told by
//! the object's fields.

use crate::{
    convert::body,
    server::Replies,
    service::{Daemon, change::Stop, words},
};
use fairway_api::{ErrorBody, admin};
use fairway_cni::Code;
use fairway_ipam::{
    View,
    admin::{
        self as logic, AdminError, NewNetwork, Plan, SetWish, Terms, change_claim, change_network,
        change_pool, create_network, create_pool, create_set,
    },
    record::ClaimRecord,
};
use fairway_kv::Txn;
use fairway_pools::{Kind, Object, claim, network, pool};
use serde_json::{Value, json};

/// What becomes of an object, or why nothing does.
pub(super) type Judged = Result<&'static str, Refused>;

/// The field, and what is wrong with it.
pub(super) type Refused = (String, String);

/// A plan that is made or refused. A refusal is no error of the plan: it is to be told by field.
pub(super) type Step = Plan<Judged>;

fn step(done: &'static str, txns: Vec<Txn>) -> Step {
    Plan {
        txns,
        summary: Ok(done),
    }
}

fn no(field: &str, what: impl ToString) -> Step {
    Plan {
        txns: Vec::new(),
        summary: Err((field.to_owned(), what.to_string())),
    }
}

impl Daemon {
    /// Makes it so.
    pub(super) async fn wish(
        &self,
        object: &Object,
        replies: &mut Replies,
    ) -> Result<admin::Applied, Stop> {
        let title = format!("{} {}", object.kind(), object.name());
        self.not_elsewhere(object.kind(), object.name()).await?;
        let done = match object {
            Object::Pool(wish) => self.decided(replies, |view| pool_step(view, wish)).await,
            Object::Network(wish) => self.decided(replies, |view| network_step(view, wish)).await,
            Object::Claim(wish) => self.wish_claim(wish, replies).await,
        };
        match done {
            Ok(Ok(done)) => Ok(applied(object.kind(), object.name(), done)),
            Ok(Err((field, what))) => {
                let text = format_args!("{title}: {field}: {what}");
                Err(body(Code::INVALID_CONFIG, text).into())
            }
            Err(Stop::Error(error)) => Err(Stop::Error(ErrorBody {
                message: format!("{title}: {}", error.message),
                ..error
            })),
            Err(stop) => Err(stop),
        }
    }

    async fn decided(
        &self,
        replies: &mut Replies,
        step: impl Fn(&View) -> Result<Step, AdminError>,
    ) -> Result<Judged, Stop> {
        let mut rounds = self.change("objects", replies, step).await?;
        // What was done in an earlier round was not: somebody else was quicker.
        Ok(rounds.pop().unwrap_or(Ok("unchanged")))
    }

    async fn wish_claim(&self, wish: &claim::Wish, replies: &mut Replies) -> Result<Judged, Stop> {
        let view = self.fresh().await?;
        if let Some(why) = misplaced(&view, wish) {
            return Ok(Err(why));
        }
        let missing = !has_claim(&view, wish);
        let now = self.clocks.now();
        if wish.set.is_some() {
            let plan = |view: &View| set_step(view, wish, now);
            return self.decided(replies, plan).await;
        }
        if missing {
            let create = admin::ClaimCreate {
                name: wish.name.to_string(),
                pool: wish.pool.to_string(),
                addresses: wish.addresses.clone(),
                release: wish.release.as_ref().map(ToString::to_string),
                handover: wish.handover.as_ref().map(ToString::to_string),
                app: wish.app.as_ref().map(ToString::to_string),
                set: None,
            };
            self.claim_create(create, replies).await?;
        }
        let done = self.decided(replies, |view| claim_step(view, wish)).await?;
        Ok(done.map(|done| if missing { "created" } else { done }))
    }

    /// Those of a kind, as objects, with how they stand.
    pub(super) async fn wishes(&self, kind: Kind) -> Result<Vec<(String, Value)>, Stop> {
        Ok(shown(&self.fresh().await?, kind))
    }

    /// Gives it back.
    pub(super) async fn unwish(
        &self,
        kind: Kind,
        name: String,
        replies: &mut Replies,
    ) -> Result<admin::Applied, Stop> {
        self.not_elsewhere(kind, &name).await?;
        let view = self.fresh().await?;
        // What cannot be read may be it: that the logic itself says.
        if view.unreadable.is_empty() && !is_there(&view, kind, &name) {
            return Err(missing(kind, &name).into());
        }
        let mut done = applied(kind, &name, "deleted");
        match kind {
            Kind::IPPool => {
                let wait = false;
                let remove = admin::PoolRemove { name, wait };
                let row = self.pool_remove(remove, replies).await?;
                let left = row.live + row.claimed + row.cooling;
                if left > 0 {
                    let text = format!(
                        "it goes when its last address is back: {} of containers, {} of claims, {} resting",
                        row.live, row.claimed, row.cooling
                    );
                    done.warnings.push(text);
                }
            }
            Kind::IPClaim => {
                let remove = admin::ClaimRemove {
                    name: Some(name),
                    ..admin::ClaimRemove::default()
                };
                self.claim_remove(remove, replies).await?;
            }
            Kind::Network => {
                let force = false;
                let remove = admin::NetworkRemove { name, force };
                self.network_remove(remove, replies).await?;
            }
        }
        Ok(done)
    }
}

/// Those of a kind, as objects, with how they stand.
pub(super) fn shown(view: &View, kind: Kind) -> Vec<(String, Value)> {
    match kind {
        Kind::IPPool => pools(view),
        Kind::IPClaim => claims(view),
        Kind::Network => networks(view),
    }
}

/// What makes it so; of a claim that is no set, only where it is there.
#[cfg(feature = "k8s")]
pub(super) fn steps(
    view: &View,
    object: &Object,
    now: fairway_ipam::Clock,
) -> Result<Step, AdminError> {
    match object {
        Object::Pool(wish) => pool_step(view, wish),
        Object::Network(wish) => network_step(view, wish),
        Object::Claim(wish) if wish.set.is_some() => set_step(view, wish, now),
        Object::Claim(wish) => claim_step(view, wish),
    }
}

fn has_claim(view: &View, wish: &claim::Wish) -> bool {
    let at = (wish.pool.clone(), wish.name.clone());
    view.claims.contains_key(&at)
}

/// Why a claim cannot be where it is wanted.
pub(super) fn misplaced(view: &View, wish: &claim::Wish) -> Option<Refused> {
    let elsewhere = view.claims.keys().find(|(_, name)| *name == wish.name);
    let what = match elsewhere {
        Some((pool, _)) if !has_claim(view, wish) => {
            format!("is {pool}, and cannot be changed: give the claim back, and make it anew")
        }
        _ if !view.pools.contains_key(&wish.pool) => {
            format!("pool {} does not exist", wish.pool)
        }
        _ => return None,
    };
    Some(("spec.pool".to_owned(), what))
}

/// Of a kind, for errors: what is not there.
pub(super) fn missing(kind: Kind, name: &str) -> ErrorBody {
    body(
        Code::INVALID_CONFIG,
        format_args!("{kind} {name}: there is none"),
    )
}

fn is_there(view: &View, kind: Kind, name: &str) -> bool {
    match kind {
        Kind::IPPool => view.pools.keys().any(|known| known.as_str() == name),
        Kind::IPClaim => view.claims.keys().any(|(_, known)| known.as_str() == name),
        Kind::Network => view.networks.keys().any(|known| known.as_str() == name),
    }
}

fn applied(kind: Kind, name: &str, done: &str) -> admin::Applied {
    admin::Applied {
        object: admin::ObjectRef {
            kind: kind.name().to_owned(),
            namespace: None,
            name: name.to_owned(),
        },
        done: done.to_owned(),
        warnings: Vec::new(),
    }
}

fn pool_step(view: &View, wish: &pool::Wish) -> Result<Step, AdminError> {
    let refused = |error: &AdminError| match error {
        AdminError::Pool(error) => Some(pool::fault(error, &wish.spec)),
        // It is to go, and a network has it.
        AdminError::Network(error) => Some(("metadata.name".to_owned(), error.to_string())),
        _ => None,
    };
    let judged = match view.pools.get(&wish.name) {
        None => create_pool(view, wish.name.clone(), wish.spec.clone())
            .map(|txn| step("created", vec![txn])),
        Some(there) => match pool::change(&there.value, wish)? {
            None => Ok(step("unchanged", Vec::new())),
            Some(change) => {
                change_pool(view, &wish.name, &change).map(|plan| step("configured", plan.txns))
            }
        },
    };
    judged.or_else(|error| match refused(&error) {
        Some((field, what)) => Ok(no(&field, what)),
        None => Err(error),
    })
}

fn network_step(view: &View, wish: &network::Wish) -> Result<Step, AdminError> {
    let judged = match view.networks.get(&wish.name) {
        None => {
            let new = NewNetwork {
                name: wish.name.clone(),
                vni: wish.vni,
                pools: wish.pools.clone(),
                imports: wish.imports.clone(),
            };
            create_network(view, new).map(|txn| step("created", vec![txn]))
        }
        Some(there) => match network::change(&there.value, wish) {
            Err((field, what)) => return Ok(no(field, what)),
            Ok(None) => Ok(step("unchanged", Vec::new())),
            Ok(Some(change)) => change_network(view, &wish.name, &change, false).map(|txn| {
                let done = txn.as_ref().map_or("unchanged", |_| "configured");
                step(done, txn.into_iter().collect())
            }),
        },
    };
    judged.or_else(|error| match &error {
        AdminError::Network(error) => {
            let (field, what) = network::fault(error);
            Ok(no(field, what))
        }
        _ => Err(error),
    })
}

/// A claim that is there.
fn claim_step(view: &View, wish: &claim::Wish) -> Result<Step, AdminError> {
    let (pool, record, _) = logic::find_claim(view, &wish.name, Some(&wish.pool))?;
    if let Some((field, what)) = claim::fixed(wish, pool, record) {
        return Ok(no(field, what));
    }
    let usual = view.pools.get(pool).map(|pool| pool.value.spec.handover);
    let terms = Terms {
        release: wish.release.unwrap_or(fairway_ipam::Release::Never),
        handover: wish.handover.or(usual).unwrap_or_default(),
        app: wish.app.clone(),
        only: wish.node.clone(),
    };
    match change_claim(view, pool, &wish.name, &terms) {
        Ok(None) => Ok(step("unchanged", Vec::new())),
        Ok(Some(txn)) => Ok(step("configured", vec![txn])),
        Err(error @ AdminError::NoNode { .. }) => Ok(no("spec.node", error)),
        Err(error) => Err(error),
    }
}

fn set_step(view: &View, wish: &claim::Wish, now: fairway_ipam::Clock) -> Result<Step, AdminError> {
    let there = view.claims.get(&(wish.pool.clone(), wish.name.clone()));
    let there = there.map(|stored| &stored.value);
    if let Some(record) = there
        && let Some((field, what)) = claim::fixed(wish, &wish.pool, record)
    {
        return Ok(no(field, what));
    }
    let size = wish.set.unwrap_or_default();
    let same = |set: &fairway_ipam::record::SetSpec| {
        size.size.is_none_or(|size| set.size == Some(size))
            && size.surge.is_none_or(|surge| set.surge == surge.max(1))
            && wish.release.is_none_or(|release| set.release == release)
            && wish
                .handover
                .is_none_or(|handover| set.handover == handover)
            && wish
                .app
                .as_ref()
                .is_none_or(|app| set.app.as_ref() == Some(app))
    };
    let done = match there {
        Some(ClaimRecord::Set(set)) if same(set) => return Ok(step("unchanged", Vec::new())),
        Some(_) => "configured",
        None => "created",
    };
    let new = SetWish {
        pool: wish.pool.clone(),
        name: wish.name.clone(),
        size: size.size,
        surge: size.surge,
        release: wish.release,
        handover: wish.handover,
        app: wish.app.clone(),
    };
    Ok(step(done, vec![create_set(view, new, now)?]))
}

fn pools(view: &View) -> Vec<(String, Value)> {
    let one = |row: &logic::PoolRow| {
        let wish = pool::Wish {
            name: row.pool.name.clone(),
            spec: row.pool.spec.clone(),
        };
        let shown = words::pool(row);
        let status = json!({
            "phase": shown.phase,
            "network": shown.network,
            "size": shown.size,
            "live": shown.live,
            "claimed": shown.claimed,
            "cooling": shown.cooling,
            "blocks": shown.blocks,
        });
        with(&Object::Pool(wish), status)
    };
    logic::pools(view).iter().map(one).collect()
}

fn claims(view: &View) -> Vec<(String, Value)> {
    let rows = logic::claims(view, None, None);
    let own = rows
        .iter()
        .filter(|row| logic::given_name(row.name.as_str()).is_ok());
    own.map(|row| {
        let wish = claim::of_record(&row.name, &row.pool, &row.record);
        let shown = words::claim(row);
        let holder = shown
            .holder
            .map(|holder| format!("{}/{}", holder.container, holder.ifname));
        let status = json!({
            "addresses": shown.addresses,
            "node": shown.node,
            "holder": holder,
        });
        with(&Object::Claim(wish), status)
    })
    .collect()
}

fn networks(view: &View) -> Vec<(String, Value)> {
    let one = |row: logic::NetworkRow| {
        let wish = network::of_record(&row.name, &row.record);
        let status = json!({"vni": row.record.vni.number(), "live": row.live});
        with(&Object::Network(wish), status)
    };
    logic::networks(view).into_iter().map(one).collect()
}

/// The object, and how it stands; what is not known of that is left out.
fn with(object: &Object, mut status: Value) -> (String, Value) {
    if let Value::Object(map) = &mut status {
        map.retain(|_, value| !value.is_null() && *value != json!([]));
    }
    let mut json = object.json();
    json["status"] = status;
    (object.name().to_owned(), json)
}
