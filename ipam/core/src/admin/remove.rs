//! Giving claims back: by name, with their application, or when their time has come.
//!
//! A claim that a container holds is refused unless it is forced: its holder's node sees that it is gone
//! and cuts the container off. The addresses are freed by the owners of their blocks, which see it too.

use super::{
    AdminError, Plan,
    claims::find_claim,
    plan::{Batch, as_seen, delete, put},
};
use crate::{
    AppName, ClaimName, Clock, PoolName, Release, View,
    keys::Key,
    record::{Claim, ClaimRecord, Record, SetSpec},
};
use std::collections::BTreeSet;

/// Which claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// This one, or this set with all its members.
    Named {
        /// Its name.
        name: ClaimName,
        /// Its pool, where the name alone does not say.
        pool: Option<PoolName>,
    },
    /// Those of an application that was deleted, with `on-app-delete` or `on-scale-down`.
    App {
        /// The application.
        app: AppName,
        /// Of this pool only.
        pool: Option<PoolName>,
    },
    /// Those of an application that was scaled down, with `on-scale-down`: the numbers from `replicas` on;
    /// of a set, as many as are too many, those that nobody holds first.
    Scaled {
        /// The application.
        app: AppName,
        /// How many replicas it has now.
        replicas: u32,
        /// Of this pool only.
        pool: Option<PoolName>,
    },
}

/// A claim or set that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// Its pool.
    pub pool: PoolName,
    /// Its name.
    pub name: ClaimName,
    /// As it was.
    pub record: ClaimRecord,
}

type At<'a> = (&'a PoolName, &'a ClaimName, &'a ClaimRecord);

/// Gives claims back.
///
/// # Errors
/// No such claim, nothing of that application, or some are held and it is not forced.
pub fn remove_claims(
    view: &View,
    which: &Which,
    force: bool,
) -> Result<Plan<Vec<Freed>>, AdminError> {
    let mut batch = Batch::default();
    let gone: Vec<At<'_>> = match which {
        Which::Named { name, pool } => named(view, name, pool.as_ref())?,
        Which::App { app, pool } => {
            let ends = |release| matches!(release, Release::OnAppDelete | Release::OnScaleDown);
            let mut of = all_of(view, app, pool.as_ref())?;
            of.retain(|at| ends(release(at.2)));
            of
        }
        Which::Scaled {
            app,
            replicas,
            pool,
        } => {
            let mut mine = all_of(view, app, pool.as_ref())?;
            mine.retain(|at| release(at.2) == Release::OnScaleDown);
            scaled(view, &mine, *replicas, &mut batch)
        }
    };
    let held: Vec<_> = gone
        .iter()
        .filter_map(|(_, name, record)| {
            let holder = claim(record)?.holder.as_ref()?;
            let by = format!("{} on node {}", holder.attachment, holder.node);
            Some(((*name).clone(), by))
        })
        .collect();
    if !held.is_empty() && !force {
        return Err(AdminError::Held { claims: held });
    }
    for (pool, name, _) in &gone {
        let key = Key::Claim((*pool).clone(), (*name).clone());
        batch.step(vec![as_seen(view, &key)], vec![delete(&key)]);
    }
    let freed = |(pool, name, record): At<'_>| Freed {
        pool: pool.clone(),
        name: name.clone(),
        record: record.clone(),
    };
    Ok(Plan {
        txns: batch.finish(),
        summary: gone.into_iter().map(freed).collect(),
    })
}

/// The claim; of a set also its members, whether or not somebody has described it.
fn named<'a>(
    view: &'a View,
    name: &ClaimName,
    pool: Option<&PoolName>,
) -> Result<Vec<At<'a>>, AdminError> {
    let fits = |at: &At<'_>| pool.is_none_or(|pool| pool == at.0);
    let members = all(view).filter(|at| fits(at) && is_member(at.1, name));
    let members: Vec<_> = members.collect();
    let pools: BTreeSet<_> = members.iter().map(|at| at.0).collect();
    match find_claim(view, name, pool) {
        Ok((of, record, _)) => {
            let own = all(view).filter(|at| at.0 == of && at.1 == name);
            let set = matches!(record, ClaimRecord::Set(_));
            Ok(own
                .chain(members.into_iter().filter(|at| set && at.0 == of))
                .collect())
        }
        Err(AdminError::NoClaim { .. }) if pools.len() == 1 => Ok(members),
        Err(AdminError::NoClaim { .. }) if pools.len() > 1 => Err(AdminError::Ambiguous {
            claim: name.clone(),
            pools: pools.into_iter().cloned().collect(),
        }),
        Err(error) => Err(error),
    }
}

/// All that an application has. That it has nothing at all is more likely a wrong name than a wish.
fn all_of<'a>(
    view: &'a View,
    app: &AppName,
    pool: Option<&PoolName>,
) -> Result<Vec<At<'a>>, AdminError> {
    let fits = |at: &At<'_>| of_app(at, app) && pool.is_none_or(|pool| pool == at.0);
    let of: Vec<_> = all(view).filter(fits).collect();
    match of.is_empty() {
        true => Err(AdminError::NoApp {
            app: app.clone(),
            pool: pool.cloned(),
        }),
        false => Ok(of),
    }
}

/// What goes of `mine` when an application has so many replicas; sets learn their new size.
fn scaled<'a>(view: &'a View, mine: &[At<'a>], replicas: u32, batch: &mut Batch) -> Vec<At<'a>> {
    let beyond = |at: &&At<'_>| claim(at.2).and_then(|c| c.ordinal) >= Some(replicas);
    let mut gone: Vec<At<'a>> = mine.iter().filter(beyond).copied().collect();
    // Members by their set; a set that nobody described has members only.
    let mut sets: BTreeSet<(&PoolName, &str)> = BTreeSet::new();
    for (pool, name, record) in mine.iter().copied() {
        match (record, set_of(name)) {
            (ClaimRecord::Set(_), _) => drop(sets.insert((pool, name.as_str()))),
            (_, Some(set)) => drop(sets.insert((pool, set))),
            _ => {}
        }
    }
    for (pool, set) in sets {
        let of = |at: &&At<'_>| at.0 == pool && set_of(at.1) == Some(set);
        let mut members: Vec<At<'a>> = mine.iter().filter(of).copied().collect();
        // The first to go: nobody's, then the youngest numbers.
        members.sort_by_key(|at| {
            let held = claim(at.2).is_some_and(|claim| claim.holder.is_some());
            (held, std::cmp::Reverse(number(at.1)))
        });
        members.truncate(members.len().saturating_sub(replicas as usize));
        gone.extend(members);
        let spec = all(view).find(|at| at.0 == pool && at.1.as_str() == set);
        if let Some((pool, name, ClaimRecord::Set(spec))) = spec
            && spec.size != Some(replicas)
        {
            let key = Key::Claim(pool.clone(), name.clone());
            let size = Some(replicas);
            let spec = ClaimRecord::Set(SetSpec {
                size,
                ..spec.clone()
            });
            batch.step(vec![as_seen(view, &key)], vec![put(&key, spec.encode())]);
        }
    }
    gone
}

/// Claims with `after:` whose time has come, and sets of that kind that have no member any more. Where
/// nobody ever held a claim, its time counts from when it was made.
///
/// By the wall clock: a clock that is ahead gives claims back too early, and no worse.
pub fn expired(view: &View, clock: Clock) -> Vec<(PoolName, ClaimName)> {
    let over = |since: u64, after: u64| clock.wall.0 >= since.saturating_add(after);
    let mut all_expired = Vec::new();
    for (pool, name, record) in all(view) {
        let is_over = match record {
            ClaimRecord::Claim(Claim {
                holder: None,
                release: Release::After(after),
                ..
            }) => {
                let since = claim(record).map_or(0, |c| c.ended.unwrap_or(c.created).0);
                over(since, *after)
            }
            ClaimRecord::Set(SetSpec {
                release: Release::After(after),
                created,
                ..
            }) => {
                let members = &mut view.claims_from(pool, name.as_str());
                over(created.0, *after) && !members.any(|(member, _)| is_member(member, name))
            }
            _ => false,
        };
        if is_over {
            all_expired.push((pool.clone(), name.clone()));
        }
    }
    all_expired
}

fn all(view: &View) -> impl Iterator<Item = At<'_>> {
    let claims = view.claims.iter();
    claims.map(|((pool, name), stored)| (pool, name, &stored.value))
}

fn claim(record: &ClaimRecord) -> Option<&Claim> {
    match record {
        ClaimRecord::Claim(claim) => Some(claim),
        ClaimRecord::Set(_) => None,
    }
}

fn release(record: &ClaimRecord) -> Release {
    match record {
        ClaimRecord::Claim(claim) => claim.release,
        ClaimRecord::Set(set) => set.release,
    }
}

fn of_app(at: &At<'_>, app: &AppName) -> bool {
    let of = match at.2 {
        ClaimRecord::Claim(claim) => claim.app.as_ref(),
        ClaimRecord::Set(set) => set.app.as_ref(),
    };
    of == Some(app)
}

/// The set that a member's name speaks of.
pub(crate) fn set_of(name: &ClaimName) -> Option<&str> {
    let (set, number) = name.as_str().rsplit_once('#')?;
    number.parse::<u32>().is_ok().then_some(set)
}

fn number(name: &ClaimName) -> Option<u32> {
    name.as_str().rsplit_once('#')?.1.parse().ok()
}

fn is_member(name: &ClaimName, set: &ClaimName) -> bool {
    set_of(name) == Some(set.as_str())
}
