//! Pools as they are written: one that is taken adds up, and is the same after store and change.
#![no_main]

use fairway_ipam::{Cidr, InUse, Pool, PoolChange, PoolName, PoolSpec, record::Record};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

struct Nobody;

impl InUse for Nobody {
    fn prefix(&self, _: Cidr) -> Option<String> {
        None
    }
    fn address(&self, _: IpAddr) -> Option<String> {
        None
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(spec) = serde_json::from_slice::<PoolSpec>(data) else {
        return;
    };
    assert_eq!(PoolSpec::decode(&spec.encode()).as_ref(), Ok(&spec));
    let name = PoolName::new("web").expect("a name");
    let Ok(pool) = Pool::new(name, spec) else {
        return;
    };
    let mut size: u128 = 0;
    for range in &pool.ranges {
        let whole = range.gives_in(range.cidr);
        assert!(whole > 0 && whole <= range.cidr.size());
        size = size.saturating_add(whole);
        assert!(range.gateway.is_none_or(|gateway| !range.gives(gateway)));
        assert!(range.blocks() > 0);
        for index in [0, range.blocks() / 2, range.blocks() - 1] {
            let block = range.cidr.part(range.block, index).expect("a block");
            assert_eq!(range.block_of(block.last()), Some(block));
            assert_eq!(pool.range_of_block(block), Some(range));
            let given = (0..block.size()).filter_map(|index| block.nth(index));
            let given = given.filter(|ip| range.gives(*ip)).count() as u128;
            assert_eq!(range.gives_in(block), given);
        }
    }
    assert_eq!(pool.size(), size);
    assert!(pool.must_not_overlap([&pool]).is_ok());
    assert_eq!(
        pool.changed(&PoolChange::default(), &Nobody).as_ref(),
        Ok(&pool)
    );
});
