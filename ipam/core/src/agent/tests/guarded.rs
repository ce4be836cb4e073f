//! Claims that are made for somebody, and only as long as what that one goes by stands in the store.

use super::super::{Action, Input, RequestId};
use super::world::{World, spec, wish};
use crate::{
    Answer, ClaimName, CreateClaim, Handover, PoolName, Refusal, Release, Request, keys::Key,
};
use fairway_kv::{Condition, Revision};
use std::net::IpAddr;

/// By which somebody says that the claim is theirs; none of the address logic's keys.
const WORD: &str = "/fairway/v1/meta/word";
const ID: RequestId = RequestId(1_000);

fn say(world: &mut World) -> Revision {
    world.put(WORD.to_owned(), b"x".to_vec());
    Revision(world.revision)
}

fn guarded(world: &World, ip: Option<IpAddr>, said: Revision) -> Request {
    Request::CreateClaim(Box::new(CreateClaim {
        pool: PoolName::new("p").unwrap(),
        name: ClaimName::new("db").unwrap(),
        addresses: ip.into_iter().collect(),
        release: Release::Never,
        handover: Handover::Strict,
        app: None,
        only_while: vec![Condition::Unchanged {
            key: WORD.to_owned(),
            modified: said,
        }],
        deadline: world.clock.now + 10_000,
    }))
}

fn made(world: &World) -> Option<Revision> {
    let key = Key::Claim(PoolName::new("p").unwrap(), ClaimName::new("db").unwrap());
    world.store.get(&key.path()).map(|entry| entry.created)
}

/// Two nodes, of which each has a block.
fn two() -> World {
    let mut world = World::new(2, spec(&["10.0.0.0/26"], 28, 124));
    world.add(0, wish("a")).unwrap();
    world.add(1, wish("b")).unwrap();
    world
}

/// Where the block of a node begins, and what its container has of it.
fn block(world: &World, node: usize) -> (u8, u8) {
    let leases = world.nodes[node].agent.leases();
    match leases[0].addresses[0] {
        IpAddr::V4(ip) => (ip.octets()[3] & 0xf0, ip.octets()[3]),
        IpAddr::V6(ip) => panic!("{ip}"),
    }
}

/// An address of the other node's block.
fn theirs(world: &World) -> IpAddr {
    let (first, taken) = block(world, 1);
    let free = [9, 10].map(|at| first + at).into_iter();
    let free = free.filter(|at| *at != taken).min();
    IpAddr::from([10, 0, 0, free.unwrap()])
}

#[test]
fn a_claim_comes_into_being_while_its_word_stands_or_not_at_all() {
    for (elsewhere, lost) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut met = [0, 0];
        for at in 0..12 {
            let what = format!("elsewhere: {elsewhere}, lost: {lost}, at {at}");
            let mut world = two();
            let ip = elsewhere.then(|| theirs(&world));
            let said = say(&mut world);
            world.run();
            let (clock, request) = (world.clock, guarded(&world, ip, said));
            world.nodes[0].feed(clock, Input::Request(ID, request));
            // What was carried out, the node does not hear of.
            if lost && let Some(Action::Commit(id, txn)) = world.nodes[0].todo.pop_front() {
                world.commit(&txn);
                let unknown = Input::Txn(id, super::super::Outcome::Unknown);
                world.nodes[0].feed(clock, unknown);
            }
            for _ in 0..at {
                world.step();
            }
            let changed = say(&mut world);
            world.pass(3_000);
            let answer = world.answer(ID);
            match made(&world) {
                Some(made) => {
                    assert!(
                        made < changed,
                        "{what}: made at {made}, changed at {changed}"
                    );
                    met[0] += 1;
                }
                None => {
                    let again = matches!(answer, Some(Err(Refusal::Again { .. })));
                    assert!(again, "{what}: {answer:?}");
                    met[1] += 1;
                }
            }
            assert!(answer.is_some(), "{what}: it waits for its end");
            // Nothing was left aside: whoever it is theirs now may have the very same.
            if made(&world).is_none() {
                let own = guarded(&world, ip, changed);
                assert!(
                    matches!(world.ask(0, own), Ok(Answer::Claimed(_))),
                    "{what}"
                );
            }
        }
        assert!(
            met[0] > 0 && (met[1] > 0 || lost),
            "{elsewhere} {lost}: {met:?}"
        );
    }
}

/// The store refuses what by all that is known it should take: that is no word that fell, and not asked for again at once.
#[test]
fn a_word_that_stands_is_not_blamed_for_a_mirror_that_lags() {
    let mut world = two();
    let said = say(&mut world);
    world.run();
    let (first, _) = block(&world, 0);
    let mut blocks = world.store.values_mut();
    let ours = format!("/10.0.0.{first}/28");
    let block = blocks.find(|entry| entry.key.ends_with(&ours)).unwrap();
    let right = block.modified;
    block.modified = Revision(right.0 - 1);
    let key = block.key.clone();
    let request = guarded(&world, None, said);
    let id = world.begin(0, request);
    world.pass(1_000);
    assert!(world.answer(id).is_none() && made(&world).is_none());
    world.store.get_mut(&key).unwrap().modified = right;
    world.pass(3_000);
    assert!(matches!(world.answer(id), Some(Ok(Answer::Claimed(_)))));
}
