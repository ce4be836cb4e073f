//! From what is asked for and said to what the kernel keeps.

use super::Turn;
use crate::{
    rates::{
        Beginning, Message, RateRecord,
        plane::{
            Kernel as _,
            fake::{Container, Fake},
        },
    },
    registry::{Filed as _, Registry},
    worker::Turn as _,
};
use fairway_api::{
    ErrorBody,
    admin::Direction,
    endpoint::{AskedRate, Shaped, Workload},
};
use fairway_ipam::AttachmentId;
use fairway_kv::{Change, Entry, ROOT, Revision, Update};
use fairway_netlink::{Event, Link};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

type Told = Arc<Mutex<Vec<BTreeSet<AttachmentId>>>>;

struct Bed {
    fake: Fake,
    turn: Turn<Fake>,
    /// What policy was told.
    told: Told,
    folder: TempDir,
}

impl Bed {
    fn new(fake: Fake) -> Bed {
        Bed::begin(fake, tempfile::tempdir().unwrap(), BTreeSet::new())
    }

    /// A daemon in whose folder there may be something.
    fn begin(fake: Fake, folder: TempDir, former: BTreeSet<AttachmentId>) -> Bed {
        let told = Told::default();
        let telling = told.clone();
        let beginning = Beginning {
            state_dir: folder.path().to_owned(),
            former,
            tell: Box::new(move |shaped| telling.lock().unwrap().push(shaped)),
        };
        Bed {
            turn: Turn::new(beginning, fake.clone()).unwrap(),
            fake,
            told,
            folder,
        }
    }

    /// The daemon is killed, and another begins.
    fn restart(self) -> Bed {
        self.fake.asked();
        let former = self.turn.plane.shaped();
        Bed::begin(self.fake, self.folder, former)
    }

    /// A turn; what was asked of the kernel.
    fn step(&mut self) -> Vec<String> {
        self.turn.step();
        self.fake.asked()
    }

    fn later(&mut self, seconds: u64) -> Vec<String> {
        self.fake.later(Duration::from_secs(seconds));
        self.step()
    }

    /// ADD.
    fn shape(&mut self, record: RateRecord) -> Result<Shaped, ErrorBody> {
        let (to, mut answer) = oneshot::channel();
        self.turn.message(Message::Shape(Box::new(record), to));
        self.turn.step();
        answer.try_recv().expect("an answer")
    }

    /// CHECK.
    fn verify(&mut self, container: &Container) -> Result<(), ErrorBody> {
        let (to, mut answer) = oneshot::channel();
        let message = Message::Verify(container.attachment.clone(), to);
        self.turn.message(message);
        answer.try_recv().expect("an answer")
    }

    /// The whole of what the store holds.
    fn store(&mut self, entries: &[Entry]) -> Vec<String> {
        self.turn.message(Message::Store(Update::Reset {
            revision: Revision(1),
            entries: entries.to_vec(),
        }));
        self.step()
    }

    fn change(&mut self, change: Change) -> Vec<String> {
        self.turn.message(Message::Store(Update::Changes {
            revision: Revision(2),
            changes: vec![change],
        }));
        self.step()
    }

    fn known(&self) -> Vec<AttachmentId> {
        let registry = Registry::<RateRecord>::open(self.folder.path()).unwrap();
        registry.all().map(RateRecord::attachment).collect()
    }

    /// Told last.
    fn shaped(&self) -> Option<BTreeSet<AttachmentId>> {
        self.told.lock().unwrap().last().cloned()
    }
}

/// What a plugin asks for: what the container gets, what it sends, in Mbit/s.
fn record(container: &Container, gets: u64, sends: u64) -> RateRecord {
    let ways = [(Direction::Ingress, gets), (Direction::Egress, sends)];
    let asked = |(direction, mbit): (Direction, u64)| AskedRate {
        direction,
        bits: mbit * 1_000_000,
        burst: None,
        field: "rate".to_owned(),
    };
    let asked = ways.into_iter().filter(|way| way.1 > 0).map(asked);
    RateRecord {
        network: container.attachment.network.clone(),
        container: container.attachment.container.clone(),
        ifname: container.attachment.ifname.clone(),
        netns: container.netns.clone(),
        index: container.index[0],
        link: container.link.clone(),
        workload: Workload {
            namespace: Some("web".to_owned()),
            pod: Some(container.attachment.container.clone()),
            ..Workload::default()
        },
        tenant: None,
        asked: [("bandwidth".to_owned(), asked.collect())].into(),
    }
}

fn only(container: &Container) -> Option<BTreeSet<AttachmentId>> {
    Some([container.attachment.clone()].into())
}

/// A `RateLimit` for what containers of a namespace get together.
fn limit(name: &str, rate: &str) -> Entry {
    let object = format!(
        r#"{{"apiVersion":"fairway.network/v1alpha1","kind":"RateLimit","metadata":{{"name":"{name}"}},"spec":{{"per":"Namespace","ingress":{{"rate":"{rate}"}}}}}}"#
    );
    Entry {
        key: format!("{ROOT}ratelimits/{name}"),
        value: format!(r#"{{"version":1,"object":{object}}}"#).into_bytes(),
        created: Revision(1),
        modified: Revision(1),
    }
}

fn deleted(name: &str) -> Change {
    Change::Deleted {
        key: format!("{ROOT}ratelimits/{name}"),
        revision: Revision(2),
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_a_container_asks_for_is_kept_when_it_is_answered() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.step();
    bed.shape(record(&a, 10, 0)).unwrap();
    let there = ["3 fq", r#"3 out ["10000k"] departs"#];
    assert_eq!(bed.fake.in_force(), there);
    assert_eq!(bed.shaped(), only(&a));
    assert_eq!(bed.known(), std::slice::from_ref(&a.attachment));
    assert!(bed.verify(&a).is_ok());
    // Asked again, it is the same.
    bed.fake.asked();
    bed.shape(record(&a, 10, 0)).unwrap();
    assert_eq!(bed.fake.asked(), NOTHING);
    assert_eq!(bed.later(0), NOTHING);
    assert_eq!(bed.told.lock().unwrap().len(), 1);
    // And changes while the container runs.
    bed.shape(record(&a, 20, 0)).unwrap();
    assert_eq!(bed.fake.asked(), ["limit 1: 20000k", "slot 1: [1] departs"]);
}

#[test]
fn a_request_that_fails_has_not_been_made() {
    for unfair in [false, true] {
        // Until nothing is left to be refused.
        let mut failed = 0;
        for nth in 0.. {
            let fake = if unfair { Fake::unfair() } else { Fake::new() };
            let (a, mut bed) = (fake.container("a"), Bed::new(fake));
            bed.store(&[]);
            bed.fake.refuse_link(nth);
            let Err(error) = bed.shape(record(&a, 10, 20)) else {
                break;
            };
            failed += 1;
            assert!(error.message.contains("rates of net/a/eth0"), "{error:?}");
            assert!(bed.known().is_empty());
            assert!(bed.verify(&a).is_err());
            bed.later(9);
            bed.later(10);
            assert_eq!(bed.fake.in_force(), NOTHING, "{nth}");
            assert_eq!(bed.shaped().unwrap_or_default(), BTreeSet::new());
            assert_eq!(bed.turn.problems(), NOTHING);
            // The next one can be had.
            bed.shape(record(&a, 10, 20)).unwrap();
        }
        assert!(failed > 4, "{failed}");
    }
}

#[test]
fn a_change_that_fails_leaves_what_was() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.store(&[]);
    bed.shape(record(&a, 10, 0)).unwrap();
    let there = bed.fake.in_force();
    bed.fake.refuse(0);
    bed.shape(record(&a, 20, 0)).unwrap_err();
    bed.later(60);
    assert_eq!(bed.fake.in_force(), there);
    assert!(bed.verify(&a).is_ok());
    assert_eq!(bed.turn.problems(), NOTHING);
}

#[test]
fn objects_come_change_and_go() {
    let fake = Fake::new();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    bed.shape(record(&a, 10, 0)).unwrap();
    bed.shape(record(&b, 0, 0)).unwrap();
    let asked = bed.store(&[limit("all", "50M")]);
    assert!(
        asked.contains(&"limit 2 begins: 50000k".to_owned()),
        "{asked:?}"
    );
    let there = bed.fake.in_force();
    assert!(
        there.contains(&r#"3 out ["10000k", "50000k"] departs"#.to_owned()),
        "{there:?}"
    );
    assert!(
        there.contains(&r#"5 out ["50000k"] departs"#.to_owned()),
        "{there:?}"
    );
    let both = [&a, &b].map(|one| one.attachment.clone());
    assert_eq!(bed.shaped(), Some(both.into()));
    // The list is read anew.
    assert_eq!(bed.store(&[limit("all", "50M")]), NOTHING);
    let asked = bed.change(Change::Put(limit("all", "60M")));
    assert_eq!(
        asked,
        [
            "limit 2: 60000k",
            "slot 1: [1, 2] departs",
            "slot 2: [2] departs",
        ]
    );
    // The least of two holds.
    let asked = bed.change(Change::Put(limit("less", "5M")));
    assert_eq!(asked.first().unwrap(), "limit 2: 5000k");
    bed.change(deleted("less"));
    bed.change(deleted("all"));
    bed.later(9);
    assert_eq!(bed.fake.in_force(), ["3 fq", r#"3 out ["10000k"] departs"#]);
    assert_eq!(bed.shaped(), only(&a));
    assert_eq!(bed.later(60), NOTHING);
}

#[test]
fn an_object_that_is_refused_by_the_kernel_holds_a_while_later() {
    let fake = Fake::unfair();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.store(&[]);
    bed.shape(record(&a, 10, 0)).unwrap();
    bed.fake.refuse_link(0);
    bed.change(Change::Put(limit("all", "5M")));
    let problems = bed.turn.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(bed.verify(&a).is_ok(), "CHECK puts right what it finds");
    assert_eq!(bed.turn.problems(), NOTHING);
    bed.fake.refuse_link(0);
    bed.change(Change::Put(limit("all", "4M")));
    assert_eq!(bed.later(1), NOTHING);
    let at = bed.turn.deadline().unwrap();
    assert_eq!(at - bed.turn.plane.kernel().now(), Duration::from_secs(3));
    bed.later(3);
    assert_eq!(bed.turn.problems(), NOTHING);
    let there = bed.fake.in_force();
    assert!(there[0].contains(" 4000k"), "{there:?}");
}

#[test]
fn a_container_whose_link_goes_is_forgotten() {
    let fake = Fake::new();
    let containers = ["a", "b"].map(|name| fake.container(name));
    let mut bed = Bed::new(fake);
    bed.store(&[]);
    for container in &containers {
        bed.shape(record(container, 10, 10)).unwrap();
    }
    let [a, b] = &containers;
    bed.fake.remove(a);
    let link = Link::new(a.index[0], a.link.as_str());
    bed.turn.event(&Event::LinkGone(link));
    assert_eq!(bed.step(), NOTHING);
    assert_eq!(bed.known(), std::slice::from_ref(&b.attachment));
    assert_eq!(bed.shaped(), only(b));
    assert!(bed.verify(a).is_err());
    // While nobody listened.
    bed.fake.remove(b);
    bed.turn.event(&Event::ListAnew);
    assert_eq!(bed.step(), NOTHING);
    assert!(bed.known().is_empty());
    assert_eq!(bed.shaped(), Some(BTreeSet::new()));
    assert_eq!(bed.turn.deadline(), None);
}

#[test]
fn the_next_daemon_waits_for_the_picture_and_takes_over() {
    let fake = Fake::new();
    let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
    bed.store(&[limit("all", "50M")]);
    bed.shape(record(&a, 10, 0)).unwrap();
    bed.shape(record(&b, 0, 0)).unwrap();
    let there = bed.fake.in_force();
    let mut bed = bed.restart();
    // What was there holds, and is told as kept.
    assert_eq!(bed.step(), ["load"]);
    assert!(bed.verify(&a).is_ok());
    assert_eq!((bed.fake.in_force(), bed.shaped()), (there.clone(), None));
    // Who comes meanwhile has what it asks for.
    let c = bed.fake.container("c");
    bed.shape(record(&c, 30, 0)).unwrap();
    let now = bed.fake.in_force();
    assert!(
        now.contains(&r#"7 out ["30000k"] departs"#.to_owned()),
        "{now:?}"
    );
    assert!(there.iter().all(|one| now.contains(one)), "{now:?}");
    let all = [&a, &b, &c].map(|one| one.attachment.clone());
    assert_eq!(bed.shaped(), Some(all.into()));
    // Meanwhile the object has gone.
    let asked = bed.store(&[]);
    assert!(
        asked.contains(&"attach 3 out: slot 2".to_owned()),
        "{asked:?}"
    );
    // With the next look what is not wanted any more goes.
    bed.turn.doubt();
    let asked = bed.step();
    assert!(asked.contains(&"detach 5 out".to_owned()), "{asked:?}");
    assert_eq!(
        bed.fake.in_force(),
        [
            "3 fq",
            "7 fq",
            r#"3 out ["10000k"] departs"#,
            r#"7 out ["30000k"] departs"#,
        ]
    );
    let left = [&a, &c].map(|one| one.attachment.clone());
    assert_eq!(bed.shaped(), Some(left.into()));
    assert_eq!(bed.later(60), NOTHING);
}

#[test]
fn the_next_daemon_forgets_who_went_meanwhile() {
    let fake = Fake::new();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.store(&[]);
    bed.shape(record(&a, 10, 10)).unwrap();
    bed.fake.remove(&a);
    let mut bed = bed.restart();
    bed.store(&[]);
    assert!(bed.known().is_empty());
    assert_eq!(bed.shaped(), Some(BTreeSet::new()));
    assert_eq!(bed.turn.problems(), NOTHING);
}

#[test]
fn where_nothing_is_new_nothing_is_asked() {
    let fake = Fake::unfair();
    let (a, mut bed) = (fake.container("a"), Bed::new(fake));
    bed.store(&[limit("all", "50M")]);
    bed.shape(record(&a, 10, 20)).unwrap();
    let there = bed.fake.in_force();
    bed.fake.asked();
    assert_eq!(bed.step(), NOTHING);
    assert_eq!(bed.later(3_600), NOTHING);
    // Every minute it is looked at: nothing changes but slots that are written as they are.
    bed.turn.doubt();
    let asked = bed.step();
    assert!(
        asked.iter().all(|one| one.starts_with("slot ")),
        "{asked:?}"
    );
    assert_eq!(bed.fake.in_force(), there);
}

#[test]
fn who_comes_to_a_namespace_is_nothing_to_the_others() {
    for fake in [Fake::new(), Fake::unfair()] {
        let (a, b, mut bed) = (fake.container("a"), fake.container("b"), Bed::new(fake));
        bed.store(&[limit("all", "50M")]);
        bed.shape(record(&a, 10, 0)).unwrap();
        bed.shape(record(&b, 10, 0)).unwrap();
        let c = bed.fake.container("c");
        bed.shape(record(&c, 10, 0)).unwrap();
        let asked = bed.fake.asked();
        assert_eq!(asked.last().unwrap(), "attach 7 out: slot 3");
        let others = ["slot 1", "slot 2", "queues of 3", "queues of 5"];
        let others = |one: &String| others.iter().any(|other| one.starts_with(other));
        assert!(!asked.iter().any(others), "{asked:?}");
    }
}
