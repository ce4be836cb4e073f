//! Policy and rates: what the daemon is asked, when, and what becomes of an ADD where it refuses.

use super::*;
use fairway_api::{
    admin::Direction,
    endpoint::{Guard, Guarded, Open, Shape, Shaped, VerifyRates},
};

/// In which order it is asked, and whether the host's end is up.
const ALL: [(&str, bool); 3] = [("guard", false), ("shape", true), ("open", true)];

/// A daemon that guards, shapes and opens, or refuses one of them; what it was asked, and whether the host's end was
/// up.
pub(super) struct Enforcer {
    host: fake::Recorder,
    enforced: bool,
    refuses: Option<&'static str>,
    asked: RefCell<Vec<(&'static str, bool)>>,
    opened: RefCell<Option<Open>>,
    shaped: RefCell<Option<Shape>>,
    older: bool,
}

impl Enforcer {
    pub(super) fn new(bed: &Bed) -> Self {
        Enforcer {
            host: bed.host.clone(),
            enforced: true,
            refuses: None,
            asked: RefCell::default(),
            opened: RefCell::default(),
            shaped: RefCell::default(),
            older: false,
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

impl Keep for Enforcer {
    fn shape(&self, shape: Shape) -> Result<Option<Shaped>, Failure> {
        let inside = self.host.snapshot().links;
        let mut inside = inside.iter().filter(|(_, link)| link.name == "eth0");
        assert!(
            inside.all(|(_, link)| !link.up),
            "no packet passes unlimited"
        );
        *self.shaped.borrow_mut() = Some(shape);
        self.hear("shape")?;
        let warnings = Vec::new();
        Ok((!self.older).then_some(Shaped { warnings }))
    }

    fn shaped(&self, _: VerifyRates) -> Result<bool, Failure> {
        Ok(!self.older)
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
        assert_eq!(by.asked.take(), ALL);
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
        assert_eq!(by.asked.take(), ALL);
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
fn outside_of_policy_rates_are_kept_all_the_same() {
    with_settings(|| {
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        bed.add_by(&json!({"policy": false}), || Ok(()), &by)
            .unwrap();
        assert_eq!(by.asked.take(), [("shape", true)]);
        assert!(bed.pair_is_up());
    });
}

#[test]
fn a_policy_that_is_not_put_in_place_undoes_all() {
    with_settings(|| {
        for refuses in ["guard", "shape", "open"] {
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

#[test]
fn rates_are_asked_for_also_where_there_are_none() {
    with_settings(|| {
        let mut bed = Bed::new();
        let by = Enforcer::new(&bed);
        bed.add_by(&json!({}), || Ok(()), &by).unwrap();
        let shape = by.shaped.take().unwrap();
        assert_eq!((shape.by.as_str(), shape.rates.len()), ("vxlan", 0));
        assert_eq!(shape.network.as_deref(), Some("apps"));
        let host = bed.host.snapshot();
        assert!(host.links.iter().any(|(_, link)| link.name == shape.link));

        // A daemon that is older than its plugins keeps none, and the kernel has to.
        let asked = json!({"bandwidth": {"egressRate": 10_000_000}});
        for older in [false, true] {
            let mut bed = Bed::new();
            let mut by = Enforcer::new(&bed);
            by.older = older;
            bed.add_by(&asked, || Ok(()), &by).unwrap();
            let rates = by.shaped.take().unwrap().rates;
            assert_eq!((rates.len(), rates[0].bits), (1, 10_000_000));
            assert_eq!(rates[0].direction, Direction::Egress);
            let limited = bed.host.snapshot().queues.len();
            assert_eq!(limited, usize::from(older));
        }
    });
}
