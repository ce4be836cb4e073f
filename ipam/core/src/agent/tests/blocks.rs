//! What is kept of the blocks fits them, whatever was done to them.

use crate::{
    Cidr, Family, Millis, Pool, PoolName, PoolSpec,
    agent::{
        block::{Block, Phase, Slot, Used},
        blocks::Blocks,
    },
};
use fairway_kv::Revision;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(u8, Phase),
    Remove(u8),
    Phase(u8, Phase),
    Use(u8, u8),
    Free(u8, u8),
    Tell(u8, Option<u64>),
    Find,
    Recount,
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        4 => Just(Phase::Ready),
        1 => Just(Phase::From(Revision(7))),
        1 => Just(Phase::Giving),
        1 => Just(Phase::Lost),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (block, index) = (0_u8..4, 0_u8..4);
    prop_oneof![
        (block.clone(), phase()).prop_map(|(block, phase)| Step::Insert(block, phase)),
        block.clone().prop_map(Step::Remove),
        (block.clone(), phase()).prop_map(|(block, phase)| Step::Phase(block, phase)),
        (block.clone(), index.clone()).prop_map(|(block, index)| Step::Use(block, index)),
        (block.clone(), index).prop_map(|(block, index)| Step::Free(block, index)),
        (block, prop::option::of(0_u64..100)).prop_map(|(block, at)| Step::Tell(block, at)),
        Just(Step::Find),
        Just(Step::Recount),
    ]
}

fn pool() -> Pool {
    let spec = serde_json::json!({ "ranges": [{ "cidr": "10.0.0.0/28", "block": 30 }] });
    let spec: PoolSpec = serde_json::from_value(spec).expect("a spec");
    Pool::new("p".parse().expect("a name"), spec).expect("a pool")
}

fn cidr(block: u8) -> Cidr {
    format!("10.0.0.{}/30", block * 4)
        .parse()
        .expect("a prefix")
}

fn carry_out(blocks: &mut Blocks, pool: &Pool, step: &Step) {
    let name: PoolName = pool.name.clone();
    match *step {
        Step::Insert(at, phase) => {
            blocks.insert(Block::new(name, cidr(at), 1, phase, Millis(0)));
        }
        Step::Remove(at) => drop(blocks.remove(cidr(at))),
        Step::Phase(at, phase) => blocks.set_phase(cidr(at), 2, phase),
        Step::Use(at, index) => {
            let ip = cidr(at).nth(u128::from(index)).expect("an address");
            let until = Millis(9);
            let slot = Slot {
                seq: 1,
                used: Used::Cooling { until },
            };
            blocks.put(cidr(at), ip, Some(slot));
            blocks.touch(cidr(at), Millis(1), Millis(50));
        }
        Step::Free(at, index) => {
            let ip = cidr(at).nth(u128::from(index)).expect("an address");
            blocks.put(cidr(at), ip, None);
        }
        Step::Tell(at, when) => blocks.tell(cidr(at), when.map(Millis)),
        Step::Find => drop(blocks.find(pool, Family::V4)),
        Step::Recount => drop(blocks.recount(&name)),
    }
}

/// What a walk through all blocks says.
fn walk(blocks: &Blocks, pool: &Pool) -> (u32, bool, Vec<Cidr>, Option<Millis>) {
    let opens = |phase| matches!(phase, Phase::Ready | Phase::From(_));
    let free = |block: &Block| block.clone().free(pool);
    let open: Vec<_> = blocks.iter().filter(|block| opens(block.phase)).collect();
    let all = open.iter().map(|block| free(block)).sum();
    let mut ready = open.iter().filter(|block| block.phase == Phase::Ready);
    let any = ready.any(|block| free(block) > 0);
    let waiting = blocks.iter();
    let waiting = waiting.filter(|block| matches!(block.phase, Phase::From(_)));
    let due = open.iter().filter_map(|block| block.dirty).min();
    (all, any, waiting.map(|block| block.cidr).collect(), due)
}

proptest! {
    #[test]
    fn what_is_kept_of_the_blocks_is_what_a_walk_finds(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let (pool, mut blocks) = (pool(), Blocks::default());
        for step in &steps {
            carry_out(&mut blocks, &pool, step);
            let (free, any, waiting, due) = walk(&blocks, &pool);
            prop_assert_eq!(blocks.free(&pool, Family::V4, u32::MAX, |_| true), free);
            prop_assert_eq!(blocks.waiting().map(|block| block.cidr).collect::<Vec<_>>(), waiting);
            prop_assert_eq!(blocks.next_due(), due);
            let all_due = blocks.due(Millis(1_000));
            prop_assert_eq!(all_due.is_empty(), due.is_none());
            let found = blocks.find(&pool, Family::V4);
            prop_assert_eq!(found.is_some(), any);
            if let Some(ip) = found {
                let block = blocks.holding(ip).expect("its block");
                prop_assert!(block.phase == Phase::Ready && !block.slots.contains_key(&ip));
            }
        }
    }
}
