//! Whatever is said in whatever order, what holds is what a slow and simple reading of all of it says.

use crate::fixture::{allowance, endpoint, limit as object, wish};
use fairway_policy::spec::{Operator, Requirement, Selector};
use fairway_rates::{
    Allowance, Asked, Direction, Endpoint, EndpointId, Engine, Input, Number, Override, Picture,
    RateLimit, Scope, Wish,
};
use proptest::{collection::vec, option, prelude::*, sample::select, sample::subsequence};
use std::collections::{BTreeMap, BTreeSet};

const NAMESPACES: [&str; 3] = ["web", "shop", "bank"];
const NETWORKS: [&str; 2] = ["blue", "red"];
const WISHES: [&str; 9] = [
    "", "1M", "1M 2000b", "1M 9000b", "2M 3000b", "5M 10p", "20p", "30d", "5p 7d",
];

fn wishes() -> impl Strategy<Value = Wish> {
    select(&WISHES[..]).prop_map(wish)
}

fn names(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let some = subsequence(of, 0..=of.len());
    some.prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn workload() -> impl Strategy<Value = (&'static str, String)> {
    (select(&NAMESPACES[..]), 0..3_u8).prop_map(|(namespace, pod)| (namespace, format!("p{pod}")))
}

fn limit() -> impl Strategy<Value = RateLimit> {
    let per = select(vec![Scope::Container, Scope::Namespace, Scope::Network]);
    let lists = (names(&NAMESPACES), names(&NETWORKS));
    let ways = (option::of(wishes()), option::of(wishes()));
    (0..6_u8, per, lists, any::<bool>(), ways).prop_map(|(name, per, lists, labels, ways)| {
        let requirement = Requirement {
            key: "app".into(),
            operator: Operator::Exists,
        };
        RateLimit {
            name: format!("l{name}"),
            per,
            namespaces: lists.0,
            networks: lists.1,
            pods: Selector {
                requirements: vec![requirement; usize::from(labels && per == Scope::Container)],
            },
            ingress: ways.0,
            egress: ways.1,
        }
    })
}

fn container() -> impl Strategy<Value = Endpoint> {
    let direction = select(Direction::BOTH.to_vec());
    let asked = (direction, select(&WISHES[..])).prop_map(|(direction, text)| Asked {
        direction,
        allowance: allowance(text),
        field: "asked".into(),
    });
    let network = option::of(select(&NETWORKS[..]));
    let rest = (network, any::<bool>(), vec(asked, 0..3));
    (workload(), rest).prop_map(|((namespace, pod), (network, label, asked))| {
        let mut one = endpoint(&format!("{namespace}/{pod}"), "");
        one.network = network.map(str::to_owned);
        one.asked = asked;
        // By its title a container is known here, so one that has no name never has one.
        if pod == "p2" {
            one.pod = None;
        }
        if label {
            one.labels.insert("app".into(), "front".into());
        }
        one
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    let word = (option::of(wishes()), option::of(wishes()));
    let word = word.prop_map(|(ingress, egress)| Override {
        ingress,
        egress,
        reason: None,
    });
    prop_oneof![
        4 => limit().prop_map(Input::RateLimit),
        1 => (0..6_u8).prop_map(|name| Input::RateLimitGone(format!("l{name}"))),
        2 => (workload(), word).prop_map(|((n, p), word)| Input::Override(n.into(), p, word)),
        1 => workload().prop_map(|(n, p)| Input::OverrideGone(n.into(), p)),
        4 => container().prop_map(Input::Endpoint),
        2 => container().prop_map(|one| Input::EndpointGone(one.id)),
    ]
}

/// What is learned between two pictures: anything, or of containers alone.
fn learned() -> impl Strategy<Value = Vec<Input>> {
    let containers = prop_oneof![
        2 => container().prop_map(Input::Endpoint),
        1 => container().prop_map(|one| Input::EndpointGone(one.id)),
    ];
    prop_oneof![1 => vec(inputs(), 1..6), 2 => vec(containers, 1..3)]
}

/// All that was said last, read without any thrift.
#[derive(Default)]
struct Naive {
    limits: BTreeMap<String, RateLimit>,
    words: BTreeMap<(String, String), Override>,
    endpoints: BTreeMap<EndpointId, Endpoint>,
}

type Limits = BTreeMap<(Scope, String, Direction), Allowance>;

impl Naive {
    fn take(&mut self, input: Input) {
        match input {
            Input::RateLimit(limit) => drop(self.limits.insert(limit.name.clone(), limit)),
            Input::RateLimitGone(name) => drop(self.limits.remove(&name)),
            Input::Override(n, p, word) => drop(self.words.insert((n, p), word)),
            Input::OverrideGone(n, p) => drop(self.words.remove(&(n, p))),
            Input::Endpoint(one) => drop(self.endpoints.insert(one.id.clone(), one)),
            Input::EndpointGone(id) => drop(self.endpoints.remove(&id)),
        }
    }

    /// What objects with a scope say of an endpoint, by their names.
    fn said(&self, per: Scope, of: &Endpoint, direction: Direction) -> Vec<Wish> {
        let in_list = |list: &Vec<String>, name: Option<&String>| {
            list.is_empty() || list.iter().any(|other| Some(other) == name)
        };
        let fit = self.limits.values().filter(|limit| {
            limit.per == per
                && in_list(&limit.namespaces, Some(&of.namespace))
                && in_list(&limit.networks, of.network.as_ref())
                && limit.pods.fits(&of.labels)
                && (per != Scope::Network || of.network.is_some())
        });
        let wish = |limit: &RateLimit| match direction {
            Direction::Ingress => limit.ingress,
            Direction::Egress => limit.egress,
        };
        fit.filter_map(wish).collect()
    }

    fn word(&self, of: &Endpoint, direction: Direction) -> Option<Wish> {
        let word = self.words.get(&(of.namespace.clone(), of.pod.clone()?))?;
        match direction {
            Direction::Ingress => word.ingress,
            Direction::Egress => word.egress,
        }
    }

    fn limits(&self) -> Limits {
        let mut all = Limits::new();
        for one in self.endpoints.values() {
            for direction in Direction::BOTH {
                let mut own = match self.word(one, direction) {
                    Some(wish) => vec![wish.allowance],
                    None => {
                        let asked = one.asked.iter().filter(|a| a.direction == direction);
                        asked.map(|a| a.allowance).collect()
                    }
                };
                let said = |per| {
                    self.said(per, one, direction)
                        .into_iter()
                        .map(|w| w.allowance)
                };
                own.extend(said(Scope::Container));
                let title = match &one.pod {
                    Some(pod) => format!("{}/{pod} eth0", one.namespace),
                    None => format!("{} eth0", one.id.container),
                };
                let network = one.network.clone().unwrap_or_default();
                for (per, of, said) in [
                    (Scope::Container, title, own),
                    (
                        Scope::Namespace,
                        one.namespace.clone(),
                        said(Scope::Namespace).collect(),
                    ),
                    (Scope::Network, network, said(Scope::Network).collect()),
                ] {
                    for allowance in said.into_iter().filter(|a| !a.is_none()) {
                        let limit = all.entry((per, of.clone(), direction)).or_default();
                        *limit = limit.and(allowance);
                    }
                }
            }
        }
        all
    }

    fn dscp(&self, one: &Endpoint, direction: Direction) -> Option<u8> {
        let word = self.word(one, direction).and_then(|wish| wish.dscp);
        let scopes = [Scope::Container, Scope::Namespace, Scope::Network];
        let said = scopes
            .into_iter()
            .flat_map(|per| self.said(per, one, direction));
        word.or_else(|| said.filter_map(|wish| wish.dscp).next())
    }
}

/// Who has a number.
type Holder = (Scope, String, Direction);

fn numbers(picture: &Picture) -> BTreeMap<Number, Holder> {
    let holder = |held: &fairway_rates::Held| (held.scope, held.of.clone(), held.direction);
    let limits = picture.limits.iter();
    limits
        .map(|(number, held)| (*number, holder(held)))
        .collect()
}

fn judge(picture: &Picture, naive: &Naive) {
    let held = picture.limits.values();
    let held: Limits = held
        .map(|held| {
            (
                (held.scope, held.of.clone(), held.direction),
                held.allowance,
            )
        })
        .collect();
    assert_eq!(
        held.len(),
        picture.limits.len(),
        "each limit has one number"
    );
    assert_eq!(held, naive.limits());
    assert!(picture.overflow.is_empty());
    for one in naive.endpoints.values() {
        for direction in Direction::BOTH {
            let way = picture.ways.get(&(one.id.clone(), direction));
            assert_eq!(way.and_then(|way| way.dscp), naive.dscp(one, direction));
            let scopes = [Scope::Container, Scope::Namespace, Scope::Network];
            for (n, per) in scopes.into_iter().enumerate() {
                let number = way.and_then(|way| way.limits[n]);
                let under = match per {
                    Scope::Container => held.keys().any(|(scope, of, way)| {
                        (*scope, *way) == (per, direction) && *of == one.title()
                    }),
                    _ => {
                        let said = naive.said(per, one, direction);
                        said.iter().any(|wish| !wish.allowance.is_none())
                    }
                };
                assert_eq!(number.is_some(), under, "{per} of {}", one.title());
                let of = match per {
                    Scope::Container => one.title(),
                    Scope::Namespace => one.namespace.clone(),
                    Scope::Network => one.network.clone().unwrap_or_default(),
                };
                if let Some(number) = number {
                    let held = &picture.limits[&number];
                    assert_eq!(
                        (held.scope, &held.of, held.direction),
                        (per, &of, direction)
                    );
                }
            }
        }
    }
    let known = |(id, _): &(EndpointId, Direction)| naive.endpoints.contains_key(id);
    assert!(picture.ways.keys().all(known));
}

proptest! {
    #[test]
    fn what_holds_is_what_is_said(world in vec(vec(inputs(), 1..6), 1..20)) {
        let (mut engine, mut naive) = (Engine::default(), Naive::default());
        let mut before: BTreeMap<Number, Holder> = BTreeMap::new();
        // What history makes of nothing is what holds.
        let mut told: BTreeMap<Holder, String> = BTreeMap::new();
        for (at, inputs) in world.into_iter().enumerate() {
            for input in inputs {
                engine.take(input.clone());
                naive.take(input);
            }
            let picture = engine.picture(at as u64).clone();
            judge(&picture, &naive);
            let now = numbers(&picture);
            let holders: BTreeSet<&Holder> = before.values().collect();
            for (number, holder) in &now {
                match before.get(number) {
                    Some(other) => prop_assert_eq!(other, holder, "a number is not another's at once"),
                    None => prop_assert!(!holders.contains(holder), "a limit keeps its number"),
                }
            }
            before = now;
            for changed in engine.history().filter(|changed| changed.at == at as u64) {
                let holder = (changed.scope, changed.of.clone(), changed.direction);
                let from = told.remove(&holder);
                prop_assert_eq!(&from, &changed.from);
                prop_assert_ne!(&from, &changed.to);
                told.extend(changed.to.clone().map(|to| (holder, to)));
            }
            let held = picture.limits.values().map(|held| {
                ((held.scope, held.of.clone(), held.direction), held.allowance.to_string())
            });
            prop_assert_eq!(&told, &held.collect::<BTreeMap<_, _>>());
        }
    }

    /// Where only containers come, change and go, the others are not judged anew: that must not be seen.
    #[test]
    fn what_is_judged_in_part_is_as_if_all_were(world in vec(learned(), 1..30)) {
        let (mut engine, mut whole) = (Engine::default(), Engine::default());
        for (at, inputs) in world.into_iter().enumerate() {
            for input in inputs {
                engine.take(input.clone());
                whole.take(input);
            }
            // An object that comes and goes: whatever was there may be another.
            whole.take(Input::RateLimit(object("none", Scope::Network, "1M")));
            whole.take(Input::RateLimitGone("none".into()));
            prop_assert_eq!(engine.picture(at as u64), whole.picture(at as u64));
            prop_assert!(engine.history().eq(whole.history()));
        }
    }
}
