//! Sets of claims, what holds for a claim, and moving one to another node or workload.

use super::{
    AdminError,
    nodes::{is_known, left},
    plan::{as_seen, delete, put},
    pools::known,
};
use crate::{
    AppName, ClaimName, Clock, Handover, NodeName, PoolName, Release, View,
    keys::Key,
    record::{Claim, ClaimRecord, Record, SetSpec},
    workload,
};
use fairway_kv::{Revision, Txn};

/// A set, as somebody wants it. Of one that is there, what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetWish {
    /// Its pool.
    pub pool: PoolName,
    /// Its name.
    pub name: ClaimName,
    /// Members that it keeps. None: as many as there were at once.
    pub size: Option<u32>,
    /// How many more there may be during an update. None: a quarter of the size, at least 1.
    pub surge: Option<u32>,
    /// When members are given back. None: never.
    pub release: Option<Release>,
    /// What a newcomer gets while all members are held. None: the pool's.
    pub handover: Option<Handover>,
    /// What it belongs to.
    pub app: Option<AppName>,
}

/// The name of a claim that somebody makes.
///
/// # Errors
/// It is none, or one that only the daemon may give.
pub fn given_name(name: &str) -> Result<ClaimName, AdminError> {
    workload::by_hand(name).map_err(AdminError::Name)
}

/// Makes a set, or changes one: its members stay as they are.
///
/// # Errors
/// No such pool, a name that is no set's, or a single claim of that name.
pub fn create_set(view: &View, wish: SetWish, clock: Clock) -> Result<Txn, AdminError> {
    let pool = known(view, &wish.pool)?;
    let name = given_name(wish.name.as_str())?;
    let key = Key::Claim(wish.pool.clone(), name.clone());
    let was = match view.claims.get(&(wish.pool.clone(), name.clone())) {
        None => match view.unreadable.get(&key.path()) {
            None => None,
            Some(unreadable) => {
                return Err(AdminError::Unreadable {
                    key: key.path(),
                    reason: unreadable.error.to_string(),
                });
            }
        },
        Some(stored) => match &stored.value {
            ClaimRecord::Set(set) => Some(set),
            ClaimRecord::Claim(_) => {
                let (claim, pool) = (name, wish.pool);
                return Err(AdminError::ClaimExists { claim, pool });
            }
        },
    };
    let quarter = wish.size.unwrap_or(0).div_ceil(4);
    let new = || SetSpec {
        size: None,
        surge: quarter,
        release: Release::Never,
        handover: pool.spec.handover,
        app: None,
        created: clock.wall,
    };
    let was = was.cloned().unwrap_or_else(new);
    let spec = SetSpec {
        size: wish.size.or(was.size),
        surge: wish.surge.unwrap_or(was.surge).max(1),
        release: wish.release.unwrap_or(was.release),
        handover: wish.handover.unwrap_or(was.handover),
        app: wish.app.or(was.app),
        created: was.created,
    };
    Ok(Txn {
        conditions: vec![as_seen(view, &key), as_seen(view, &Key::Pool(wish.pool))],
        writes: vec![put(&key, ClaimRecord::Set(spec).encode())],
    })
}

/// Finds a claim or set by its name; the pool need only be named where there is more than one.
///
/// # Errors
/// There is none, more than one, or it cannot be read.
pub fn find_claim<'a>(
    view: &'a View,
    name: &ClaimName,
    pool: Option<&PoolName>,
) -> Result<(&'a PoolName, &'a ClaimRecord, Revision), AdminError> {
    let claims = view.claims.iter();
    let found = claims.filter(|((of, called), _)| called == name && pool.is_none_or(|p| p == of));
    let found: Vec<_> = found.collect();
    match &found[..] {
        [((of, _), stored)] => Ok((of, &stored.value, stored.modified)),
        [] => {
            let pools = view.pools.keys().filter(|of| pool.is_none_or(|p| p == *of));
            let mut keys = pools.map(|of| Key::Claim(of.clone(), name.clone()).path());
            let unreadable = keys.find_map(|key| view.unreadable.get(&key).map(|why| (key, why)));
            Err(match unreadable {
                Some((key, why)) => AdminError::Unreadable {
                    reason: why.error.to_string(),
                    key,
                },
                None => AdminError::NoClaim {
                    claim: name.clone(),
                    pool: pool.cloned(),
                },
            })
        }
        more => Err(AdminError::Ambiguous {
            claim: name.clone(),
            pools: more.iter().map(|((of, _), _)| of.clone()).collect(),
        }),
    }
}

/// What is to hold for a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// When it is given back.
    pub release: Release,
    /// What a newcomer gets while it is held.
    pub handover: Handover,
    /// What it belongs to. None: as it is.
    pub app: Option<AppName>,
    /// Only this node may take it. None: any.
    pub only: Option<NodeName>,
}

/// Changes what holds for a claim: its addresses, its uid and its holder stay. None: it is so already.
///
/// # Errors
/// No such claim, a set, or a node of which nothing is known.
pub fn change_claim(
    view: &View,
    pool: &PoolName,
    name: &ClaimName,
    terms: &Terms,
) -> Result<Option<Txn>, AdminError> {
    let (_, record, _) = find_claim(view, name, Some(pool))?;
    let ClaimRecord::Claim(claim) = record else {
        let claim = name.clone();
        return Err(AdminError::IsSet { claim });
    };
    let terms = terms.clone();
    let changed = Claim {
        release: terms.release,
        handover: terms.handover,
        app: terms.app.or_else(|| claim.app.clone()),
        only: terms.only,
        ..claim.clone()
    };
    if changed == *claim {
        return Ok(None);
    }
    if let Some(node) = changed.only.as_ref().filter(|_| changed.only != claim.only)
        && !is_known(view, node)
    {
        return Err(AdminError::NoNode { node: node.clone() });
    }
    let key = Key::Claim(pool.clone(), name.clone());
    Ok(Some(Txn {
        conditions: vec![as_seen(view, &key)],
        writes: vec![put(&key, ClaimRecord::Claim(changed).encode())],
    }))
}

/// Which node may take a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// This one only.
    For(NodeName),
    /// Any.
    Anywhere,
}

/// A claim's move. At least one of `keep`, `rename` and `force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Its name.
    pub name: ClaimName,
    /// Its pool, where the name alone does not say.
    pub pool: Option<PoolName>,
    /// Which node may take it from now on.
    pub keep: Option<Keep>,
    /// The workload that it is from now on.
    pub rename: Option<ClaimName>,
    /// Take it from its holder: that container is cut off.
    pub force: bool,
}

/// Moves a claim: its addresses and its uid stay, so the owners of its blocks have nothing to do.
///
/// A claim that is held and kept for another node goes there when its holder ends, or at once by force.
///
/// # Errors
/// No such claim, a set, a node of which nothing is known, a name that is taken, or a holder in the way of a
/// new name.
pub fn move_claim(view: &View, wish: &Move, clock: Clock) -> Result<Txn, AdminError> {
    let (pool, record, _) = find_claim(view, &wish.name, wish.pool.as_ref())?;
    let ClaimRecord::Claim(claim) = record else {
        let claim = wish.name.clone();
        return Err(AdminError::IsSet { claim });
    };
    if wish.keep.is_none() && wish.rename.is_none() && !wish.force {
        return Err(AdminError::NoMove);
    }
    let mut moved = claim.clone();
    if let Some(holder) = &claim.holder {
        if wish.force {
            if let ClaimRecord::Claim(left) = left(claim, clock) {
                moved = left;
            }
            moved.ousted = Some(holder.clone());
        } else if wish.rename.is_some() {
            let by = format!("{} on node {}", holder.attachment, holder.node);
            let claims = vec![(wish.name.clone(), by)];
            return Err(AdminError::Held { claims });
        }
    }
    match &wish.keep {
        Some(Keep::For(node)) if !is_known(view, node) => {
            return Err(AdminError::NoNode { node: node.clone() });
        }
        Some(Keep::For(node)) => moved.only = Some(node.clone()),
        Some(Keep::Anywhere) => moved.only = None,
        None => {}
    }
    let old = Key::Claim(pool.clone(), wish.name.clone());
    let Some(rename) = wish.rename.as_ref().filter(|to| **to != wish.name) else {
        return Ok(Txn {
            conditions: vec![as_seen(view, &old)],
            writes: vec![put(&old, ClaimRecord::Claim(moved).encode())],
        });
    };
    let name = given_name(rename.as_str())?;
    let new = Key::Claim(pool.clone(), name.clone());
    if view.modified(&new).is_some() {
        let (claim, pool) = (name, pool.clone());
        return Err(AdminError::ClaimExists { claim, pool });
    }
    let (app, ordinal) = workload::app_of(&name);
    let renamed = Claim {
        app,
        ordinal,
        ..moved
    };
    Ok(Txn {
        conditions: vec![as_seen(view, &old), as_seen(view, &new)],
        writes: vec![
            delete(&old),
            put(&new, ClaimRecord::Claim(renamed).encode()),
        ],
    })
}
