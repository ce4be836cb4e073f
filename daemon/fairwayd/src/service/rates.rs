//! `rate.set`, `rate.remove`: an administrator's word on a workload, on whatever node it is.

use super::{
    Daemon,
    change::{Stop, store_error},
    objects::refuse,
};
use crate::{
    convert::body,
    rates::{About, keys::Key},
};
use fairway_api::{ErrorBody, Nothing, admin};
use fairway_cni::Code;
use fairway_kv::{Committed, Condition, Entry, Revision, Txn, Write};
use fairway_rates::{
    Override, Wish,
    object::{self, ObjectError, Words, overridden, workload},
};
use fairway_store::Store;
use std::time::Duration;
use tokio::time::sleep;

/// How often a write is tried again that somebody else was quicker with.
const TRIES: u32 = 12;

impl Daemon {
    pub(super) async fn rate_set(&self, set: admin::RateSet) -> Result<admin::RateOverride, Stop> {
        let (namespace, pod, new) = read(&set)?;
        let key = Key::Override { namespace, pod }.path();
        let (held, revision) = put(&*self.open_store()?, &key, &new).await?;
        let about = About::Workload(set.workload.clone());
        let mut told = told(set.workload, &held);
        // Also that it is in force here, if its containers are here.
        told.warnings = self.rates.warnings(about, revision).await?;
        Ok(told)
    }

    pub(super) async fn rate_remove(&self, remove: admin::RateRemove) -> Result<Nothing, Stop> {
        let (namespace, pod) = workload(&remove.workload).map_err(|error| wrong([error]))?;
        let key = Key::Override { namespace, pod }.path();
        let store = self.open_store()?;
        let there = store.get(&key).await.map_err(|error| store_error(&error))?;
        if there.is_none() {
            let text = format_args!("rate of {}: there is none", remove.workload);
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
        let txn = Txn {
            conditions: Vec::new(),
            writes: vec![Write::Delete { key }],
        };
        let done = store.commit(&txn).await;
        let done = done.map_err(|error| store_error(&error))?;
        if let Committed::Yes { revision } = done {
            let about = About::Workload(remove.workload);
            self.rates.warnings(about, revision).await?;
        }
        Ok(Nothing {})
    }
}

/// What a request says, judged as a whole.
fn read(set: &admin::RateSet) -> Result<(String, String, Override), ErrorBody> {
    let (ingress, egress) = (set.ingress.as_ref(), set.egress.as_ref());
    let said = overridden(ingress.map(words), egress.map(words), set.reason.as_deref());
    match (workload(&set.workload), said) {
        (Ok((namespace, pod)), Ok(said)) => Ok((namespace, pod, said)),
        (workload, said) => Err(wrong(workload.err().into_iter().chain(said.err()))),
    }
}

/// A line for each fault.
fn wrong(errors: impl IntoIterator<Item = ObjectError>) -> ErrorBody {
    let faults = errors.into_iter().flat_map(|error| error.faults);
    let lines = faults.map(|fault| fault.to_string()).collect();
    let text = "nothing is wrong with it";
    refuse(lines)
        .err()
        .unwrap_or_else(|| body(Code::INTERNAL, text))
}

fn words(wish: &admin::RateWish) -> Words<'_> {
    Words {
        rate: wish.rate.as_deref(),
        burst: wish.burst.as_deref(),
        packets: wish.packets,
        dscp: wish.dscp,
    }
}

/// Puts a word over what is there; gives what then holds, and since when.
async fn put(
    store: &dyn Store,
    key: &str,
    new: &Override,
) -> Result<(Override, Revision), ErrorBody> {
    for attempt in 1..=TRIES {
        let there = store.get(key).await.map_err(|error| store_error(&error))?;
        let before = there.as_ref().map(readable).transpose()?.flatten();
        let held = over(before.clone().unwrap_or_default(), new);
        if let Some(there) = there.as_ref().filter(|_| before.as_ref() == Some(&held)) {
            return Ok((held, there.modified));
        }
        let write = Write::Put {
            key: key.to_owned(),
            value: object::encode(&held),
            lease: None,
        };
        let txn = match there {
            Some(entry) => Txn::if_unchanged(entry.modified, write),
            None => Txn {
                conditions: vec![Condition::Absent {
                    key: key.to_owned(),
                }],
                writes: vec![write],
            },
        };
        match store.commit(&txn).await {
            Ok(Committed::Yes { revision }) => return Ok((held, revision)),
            Ok(Committed::No { .. }) => {}
            // What was written is seen with the next look.
            Err(error) if error.outcome_unknown() => {}
            Err(error) => return Err(store_error(&error)),
        }
        sleep(Duration::from_millis(5 << attempt.min(6))).await;
    }
    let text = "the rate is being set by somebody else at the same time";
    Err(body(Code::TRY_AGAIN, text))
}

/// What is there: what a newer program wrote is left alone, and what nobody can read counts as nothing.
fn readable(entry: &Entry) -> Result<Option<Override>, ErrorBody> {
    match object::decode(&entry.value) {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.starts_with("version ") => {
            let text = format_args!("{}: {error}; it is left alone", entry.key);
            Err(body(Code::INVALID_CONFIG, text))
        }
        Err(_) => Ok(None),
    }
}

/// Directions that are named replace, others stay. So does the reason, as long as a direction does that it is for.
fn over(before: Override, new: &Override) -> Override {
    let kept = [
        (&before.ingress, &new.ingress),
        (&before.egress, &new.egress),
    ];
    let kept = kept
        .iter()
        .any(|(before, new)| before.is_some() && new.is_none());
    Override {
        ingress: new.ingress.or(before.ingress),
        egress: new.egress.or(before.egress),
        reason: new.reason.clone().or(before.reason.filter(|_| kept)),
    }
}

fn told(workload: String, held: &Override) -> admin::RateOverride {
    admin::RateOverride {
        workload,
        ingress: held.ingress.as_ref().map(wish),
        egress: held.egress.as_ref().map(wish),
        reason: held.reason.clone(),
        warnings: Vec::new(),
    }
}

fn wish(wish: &Wish) -> admin::RateWish {
    admin::RateWish {
        rate: wish.allowance.rate.map(|rate| rate.to_string()),
        burst: wish.allowance.burst.map(|burst| burst.to_string()),
        packets: wish.allowance.packets.map(u64::from),
        dscp: wish.dscp.map(u64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn held(store: &dyn Store, key: &str, new: &Override) -> Result<Override, ErrorBody> {
        Ok(put(store, key, new).await?.0)
    }
    use fairway_kv::ROOT;
    use fairway_store::Location;
    use std::sync::Arc;

    fn set(
        rate: Option<&str>,
        egress: Option<admin::RateWish>,
        why: Option<&str>,
    ) -> admin::RateSet {
        let ingress = rate.map(|rate| admin::RateWish {
            rate: Some(rate.to_owned()),
            ..admin::RateWish::default()
        });
        admin::RateSet {
            workload: "web/a-0".into(),
            ingress,
            egress,
            reason: why.map(str::to_owned),
        }
    }

    fn said(rate: Option<&str>, egress: Option<admin::RateWish>, why: Option<&str>) -> Override {
        read(&set(rate, egress, why)).unwrap().2
    }

    fn none() -> Option<admin::RateWish> {
        Some(admin::RateWish::default())
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let mut wrong = set(Some("0"), None, None);
        wrong.workload = "a-0".into();
        wrong.ingress.as_mut().unwrap().dscp = Some(64);
        let error = read(&wrong).unwrap_err();
        assert_eq!(error.code, 7);
        assert_eq!(
            error.message,
            "workload: \"a-0\" must be NAMESPACE/POD, both as Kubernetes names them"
        );
        let lines: Vec<_> = error.details.lines().collect();
        let low = "ingress.rate: 0 bit/s is less than 1000 bit/s, the least that is kept";
        assert_eq!(lines, [low, "ingress.dscp: 64 is not in 0 to 63"]);
        let error = read(&set(None, None, Some("why"))).unwrap_err();
        assert_eq!(error.message, "must have one of ingress, egress");
    }

    #[test]
    fn a_direction_that_is_not_named_stays() {
        let both = over(Override::default(), &said(Some("20M"), none(), Some("a")));
        let next = over(both.clone(), &said(Some("5M"), None, None));
        assert_eq!(next.egress, Some(Wish::default()));
        assert_eq!(next.ingress, said(Some("5M"), None, None).ingress);
        assert_eq!(next.reason.as_deref(), Some("a"));
        let named = over(both.clone(), &said(Some("5M"), None, Some("b")));
        assert_eq!(named.reason.as_deref(), Some("b"));
        // Nothing is left that the reason was for.
        let all = over(both, &said(Some("5M"), none(), None));
        assert_eq!(all.reason, None);
    }

    #[test]
    fn what_holds_can_be_set_again() {
        let wish = admin::RateWish {
            rate: Some("1.5G".into()),
            burst: Some("64Ki".into()),
            packets: Some(500),
            dscp: Some(46),
        };
        let held = said(None, Some(wish), Some("why"));
        let answer = told("web/a-0".into(), &held);
        let egress = answer.egress.clone().unwrap();
        assert_eq!(egress.rate.as_deref(), Some("1500Mbit"));
        assert_eq!(egress.burst.as_deref(), Some("65536"));
        let again = admin::RateSet {
            workload: answer.workload,
            ingress: answer.ingress,
            egress: answer.egress,
            reason: answer.reason,
        };
        assert_eq!(read(&again).unwrap().2, held);
    }

    async fn store(dir: &tempfile::TempDir) -> Arc<dyn Store> {
        let location = Location::Redb(dir.path().join("store.redb"));
        fairway_store::open(&location).await.unwrap()
    }

    #[tokio::test]
    async fn a_word_is_put_over_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        let key = format!("{ROOT}rates/web/a-0");
        let modified = async || store.get(&key).await.unwrap().unwrap().modified;
        let first = said(Some("20M"), None, Some("incident 17"));
        assert_eq!(held(&*store, &key, &first).await, Ok(first.clone()));
        let at = modified().await;
        assert_eq!(held(&*store, &key, &first).await, Ok(first.clone()));
        assert_eq!(modified().await, at, "nothing new, nothing written");
        let both = Override {
            egress: Some(Wish::default()),
            ..first
        };
        let egress = said(None, none(), None);
        assert_eq!(held(&*store, &key, &egress).await, Ok(both.clone()));
        let there = store.get(&key).await.unwrap().unwrap();
        assert_eq!(object::decode(&there.value), Ok(both));
    }

    #[tokio::test]
    async fn two_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        let key = format!("{ROOT}rates/web/a-0");
        let (ingress, egress) = (said(Some("20M"), None, None), said(None, none(), None));
        let (one, other) =
            tokio::join!(held(&*store, &key, &ingress), held(&*store, &key, &egress));
        one.unwrap();
        other.unwrap();
        let there = store.get(&key).await.unwrap().unwrap();
        let held = object::decode(&there.value).unwrap();
        assert_eq!(
            (held.ingress, held.egress),
            (ingress.ingress, egress.egress)
        );
    }

    #[tokio::test]
    async fn what_a_newer_program_wrote_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        let key = format!("{ROOT}rates/web/a-0");
        let write = |value: &[u8]| Txn {
            conditions: Vec::new(),
            writes: vec![Write::Put {
                key: key.clone(),
                value: value.to_vec(),
                lease: None,
            }],
        };
        let new = said(Some("20M"), None, None);
        store.commit(&write(br#"{"version":2}"#)).await.unwrap();
        let error = held(&*store, &key, &new).await.unwrap_err();
        assert!(error.message.ends_with("; it is left alone"), "{error:?}");
        store.commit(&write(b"{")).await.unwrap();
        assert_eq!(held(&*store, &key, &new).await, Ok(new));
    }
}
