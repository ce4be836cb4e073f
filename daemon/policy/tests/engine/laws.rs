//! What holds in every world and at every moment.

use crate::worlds::{input, packets, remotes, undo};
use fairway_policy::{
    Decided, Engine, Image, Limits, Party,
    input::{Change, Direction, EndpointId, Input, Packet},
    oracle::{Verdict, World},
};
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeMap, net::IpAddr};

const ROOM: Limits = Limits {
    addresses: 1000,
    prefixes: 1000,
    sets: 1000,
    peers: 10_000,
    ports: 100_000,
};

type Question = (EndpointId, Direction, IpAddr, Packet);

fn questions(image: &Image) -> Vec<Question> {
    let mut all = Vec::new();
    for endpoint in image.endpoints() {
        for direction in Direction::BOTH {
            for remote in remotes() {
                for packet in packets() {
                    all.push((endpoint.clone(), direction, remote, packet));
                }
            }
        }
    }
    all
}

fn ask(image: &Image, (endpoint, direction, remote, packet): &Question) -> Option<Verdict> {
    let verdict = image.verdict(endpoint, *direction, *remote, packet.protocol, packet.port)?;
    Some(Verdict {
        allowed: verdict.allowed,
        audited: verdict.audited.is_some(),
    })
}

fn answers(image: &Image) -> BTreeMap<Question, Option<Verdict>> {
    let all = questions(image).into_iter();
    all.map(|question| {
        let verdict = ask(image, &question);
        (question, verdict)
    })
    .collect()
}

fn apply(image: &mut Image, changes: &[Change]) {
    for (at, change) in changes.iter().enumerate() {
        let applied = image.apply(change);
        assert_eq!(applied, Ok(()), "{at}: {change:?}\n{changes:#?}");
    }
}

/// The image says what the evaluator says.
fn agree(image: &Image, world: &World) {
    for question in questions(image) {
        let (endpoint, direction, remote, packet) = &question;
        let expected = world.judge(endpoint, *direction, *remote, *packet);
        assert_eq!(ask(image, &question), expected, "{question:?}\n{world:#?}");
    }
}

/// What is explained is what is done, by the same rule.
fn explained(engine: &Engine, image: &Image, world: &World) {
    for question in questions(image).into_iter().step_by(7) {
        let (endpoint, direction, remote, packet) = &question;
        // An address of which the endpoint is known to be the one that answers for it.
        let own = world.addresses(endpoint).into_iter().find(|own| {
            own.is_ipv4() == remote.is_ipv4() && world.endpoint_at(*own).as_ref() == Some(endpoint)
        });
        let Some(own) = own else { continue };
        let (from, to) = match direction {
            Direction::Egress => (own, *remote),
            Direction::Ingress => (*remote, own),
        };
        let explanation = engine
            .explain(&Party::Address(from), &Party::Address(to), *packet)
            .expect("addresses need nobody who has them");
        let said = explanation.judgement(*direction);
        let done = image
            .verdict(endpoint, *direction, *remote, packet.protocol, packet.port)
            .expect("it is asked of endpoints that are there");
        assert_eq!(said.allowed, done.allowed, "{question:?}\n{explanation:#?}");
        let by = said.by.as_ref().map_or(0, Decided::number);
        assert_eq!(by, done.rule, "{question:?}\n{explanation:#?}");
        let audited = said.audited.as_ref().map(Decided::number);
        assert_eq!(audited, done.audited, "{question:?}\n{explanation:#?}");
        if let Some(rule) = engine.rule(by) {
            let policy = match said.by.clone() {
                Some(Decided::Rule { policy, .. }) => policy,
                Some(Decided::NotAllowed { policies, .. }) => policies.into_iter().next(),
                Some(Decided::Nothing) | None => None,
            };
            assert_eq!(rule.policy, policy);
        } else {
            assert_eq!(by, 0);
        }
    }
    for row in engine.policies() {
        assert_eq!(
            (row.here, row.everywhere),
            world.selected(&row.policy),
            "{row:?}"
        );
    }
}

fn rebuilt(engine: &Engine) -> Image {
    let mut image = Image::default();
    apply(&mut image, &engine.snapshot());
    image
}

/// Does this input change who is at both ends?
fn both_ends(input: &Input, world: &World, (endpoint, _, remote, _): &Question) -> bool {
    match input {
        Input::Endpoint(it) => {
            let own = [world.addresses(&it.id), it.addresses.clone()].concat();
            it.id == *endpoint && own.contains(remote)
        }
        Input::EndpointGone(id) => id == endpoint,
        Input::Object(fairway_policy::spec::Object::Pod(pod)) => {
            let of = world.of_pod(&pod.namespace, &pod.name);
            of.contains(endpoint) && of.iter().any(|id| world.addresses(id).contains(remote))
        }
        Input::ObjectGone(name) => {
            let of = world.of_pod(&name.namespace, &name.name);
            of.contains(endpoint) && of.iter().any(|id| world.addresses(id).contains(remote))
        }
        _ => false,
    }
}

/// Fewer worlds than usual, as each is asked thousands of questions; `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig {
            cases: 64,
            ..config
        },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn decides_as_the_evaluator_does(batches in vec(vec(input(), 1..6), 1..12)) {
        let (mut engine, mut image, mut world) = (Engine::new(ROOM), Image::default(), World::default());
        for batch in &batches {
            for input in batch {
                world.apply(input);
                engine.handle(input.clone());
            }
            apply(&mut image, &engine.changes().unwrap());
            agree(&image, &world);
            explained(&engine, &image, &world);
            prop_assert_eq!(&rebuilt(&engine), &image);
            prop_assert_eq!(engine.changes().unwrap(), vec![]);
        }
        for input in undo(&batches.concat()) {
            engine.handle(input);
        }
        apply(&mut image, &engine.changes().unwrap());
        prop_assert!(image.is_empty(), "{:#?}", image);
    }

    #[test]
    fn no_moment_shows_half_of_a_change(inputs in vec(input(), 1..24)) {
        let (mut engine, mut image, mut world) = (Engine::new(ROOM), Image::default(), World::default());
        for input in &inputs {
            let before_world = world.clone();
            world.apply(input);
            engine.handle(input.clone());
            let changes = engine.changes().unwrap();
            let before = answers(&image);
            let mut end = image.clone();
            apply(&mut end, &changes);
            let after = answers(&end);
            for (at, change) in changes.iter().enumerate() {
                image.apply(change).unwrap();
                for (question, old) in &before {
                    let Some(new) = after.get(question) else { continue };
                    if both_ends(input, &before_world, question) {
                        continue;
                    }
                    let now = ask(&image, question).map(|verdict| verdict.allowed);
                    let (old, new) = (old.map(|it| it.allowed), new.map(|it| it.allowed));
                    prop_assert!(
                        now == old || now == new,
                        "{:?}: {:?} while {:?} becomes {:?}, at {} of {:#?}\n{:?}\n{:#?}",
                        question, now, old, new, at, changes, input, before_world
                    );
                }
            }
        }
    }

    #[test]
    fn never_more_than_fits(
        batches in vec(vec(input(), 1..5), 1..14),
        addresses in 2usize..10,
        prefixes in 1usize..8,
        sets in 1usize..8,
        peers in 2usize..24,
        ports in 4usize..60,
    ) {
        let limits = Limits { addresses, prefixes, sets, peers, ports };
        let (mut engine, mut image) = (Engine::new(limits), Image::default());
        let (mut free, mut wanted) = (Engine::new(ROOM), Image::default());
        let mut world = World::default();
        for batch in &batches {
            for input in batch {
                world.apply(input);
                engine.handle(input.clone());
                free.handle(input.clone());
            }
            apply(&mut wanted, &free.changes().unwrap());
            match engine.changes() {
                Ok(changes) => {
                    for change in &changes {
                        image.apply(change).unwrap();
                        within(&image, &limits)?;
                    }
                    agree(&image, &world);
                }
                Err(overflow) => {
                    prop_assert!(overflow.wanted > overflow.limit);
                    let needs = wanted.sizes();
                    let more = [
                        needs.addresses > addresses,
                        needs.prefixes > prefixes,
                        needs.sets > sets,
                        needs.peers > peers,
                        needs.ports > ports,
                    ];
                    prop_assert!(more.contains(&true), "{:?} though it would fit: {:?}", overflow, needs);
                }
            }
            prop_assert_eq!(&rebuilt(&engine), &image);
        }
        for input in undo(&batches.concat()) {
            engine.handle(input);
        }
        apply(&mut image, &engine.changes().unwrap());
        prop_assert!(image.is_empty(), "{:#?}", image);
    }
}

fn within(image: &Image, limits: &Limits) -> Result<(), TestCaseError> {
    let sizes = image.sizes();
    prop_assert!(
        sizes.addresses <= limits.addresses
            && sizes.prefixes <= limits.prefixes
            && sizes.sets <= limits.sets
            && sizes.peers <= limits.peers
            && sizes.ports <= limits.ports,
        "{:?} where {:?} fit",
        sizes,
        limits
    );
    Ok(())
}
