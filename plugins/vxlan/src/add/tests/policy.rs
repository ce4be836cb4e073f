//! Policy: what the daemon is asked, when, and what becomes of an ADD where it refuses.

use super::*;
use fairway_api::endpoint::{Guard, Guarded, Open};

/// A daemon that guards and opens, or refuses one of both; what it was asked, and whether the host's end was up.
pub(super) struct Enforcer {
    host: fake::Recorder,
    enforced: bool,
    refuses: Option<&'static str>,
    asked: RefCell<Vec<(&'static str, bool)>>,
    opened: RefCell<Option<Open>>,
}

impl Enforcer {
    pub(super) fn new(bed: &Bed) -> Self {
        Enforcer {
            host: bed.host.clone(),
            enforced: true,
            refuses: None,
            asked: RefCell::default(),
            opened: RefCell::default(),
        }
    }

    fn hear(&self, what: &'static str) -> Result<(), Failure> {
        let links = self.host.snapshot().links;
        let own = links.iter().find(|(_, link)| link.name.starts_with("fw"));
        let (_, link) = own.unwrap();
        assert!(Owner::marks(link), "the daemon finds it by its alias");
        self.asked.borrow_mut().push((what, link.up));
        match self.refuses == Some(what) {
            true => Err(Failure::new(Code::TRY_AGAIN, "no fairwayd")),
            false => Ok(()),
        }
    }
}

impl Enforce for Enforcer {
    fn guard(&self, guard: Guard) -> Result<Guarded, Failure> {
        assert_eq!(guard.attachment.container, "c1");
        self.hear("guard")?;
        Ok(Guarded {
            enforced: self.enforced,
        })
    }

    fn open(&self, open: Open) -> Result<(), Failure> {
        *self.opened.borrow_mut() = Some(open);
        self.hear("open")
    }
}

#[test]
fn nothing_passes_before_the_policy_is_in_place() {
    with_settings(|| {
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        let extra =
            json!({"args": {"cni": {"labels": {"app": "web", "fairway.network/pool": "db"}}}});
        let result = bed.add_by(&extra, || Ok(()), &by).unwrap();
        assert_eq!(by.asked.take(), [("guard", false), ("open", true)]);
        let open = by.opened.take().unwrap();
        assert_eq!(Some(open.mac), result.interfaces[1].mac);
        assert_eq!(open.addresses.len(), 2);
        assert_eq!(
            (open.cluster, open.network.as_deref()),
            (true, Some("apps"))
        );
        assert_eq!(open.workload.labels.len(), 1);
    });
}

#[test]
fn a_node_that_enforces_nothing_hears_of_it_all_the_same() {
    with_settings(|| {
        let mut bed = Bed::new();
        let mut by = Enforcer::new(&bed);
        by.enforced = false;
        bed.add_by(&json!({}), || Ok(()), &by).unwrap();
        assert_eq!(by.asked.take(), [("guard", false), ("open", true)]);
        assert!(bed.pair_is_up());

        // It must refuse, where policy is required; one that does not is not believed.
        let mut bed = Bed::new();
        let before = bed.host.snapshot();
        by = Enforcer::new(&bed);
        by.enforced = false;
        let failure = bed.add_by(&json!({"policy": true}), || Ok(()), &by);
        assert!(failure.unwrap_err().msg.starts_with("policy: required"));
        assert_eq!((bed.host.snapshot(), bed.given()), (before, 0));
    });
}

#[test]
fn outside_of_policy_nobody_is_asked() {
    with_settings(|| {
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        bed.add_by(&json!({"policy": false}), || Ok(()), &by)
            .unwrap();
        assert!(by.asked.take().is_empty());
        assert!(bed.pair_is_up());
    });
}

#[test]
fn a_policy_that_is_not_put_in_place_undoes_all() {
    with_settings(|| {
        for refuses in ["guard", "open"] {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            let mut by = Enforcer::new(&bed);
            by.refuses = Some(refuses);
            let failure = bed.add_by(&json!({}), || Ok(()), &by).unwrap_err();
            assert_eq!(
                (failure.code, failure.details),
                (Code::TRY_AGAIN, String::new())
            );
            assert_eq!(bed.host.snapshot(), before, "{refuses}");
            assert_eq!((bed.given(), bed.reached.take().len()), (0, 0));
        }
    });
}
