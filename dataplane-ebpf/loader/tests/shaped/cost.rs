//! What the way out by a link's end costs.

use std::time::Instant;

use fairway_lab::traffic::Kind;

use crate::bed::{Bed, talk};

#[test]
#[ignore = "it measures"]
fn what_the_links_way_out_costs() {
    const TIMES: u32 = 50_000;
    let mut bed = Bed::new();
    for _ in 0..3 {
        for limited in [false, true] {
            bed.limited(limited);
            let ends = bed.connect(false);
            let begun = Instant::now();
            (0..TIMES).for_each(|_| talk(&ends));
            let each = begun.elapsed().as_nanos() / u128::from(TIMES);
            let stream = bed.load(Kind::Tcp("cubic"), 1, 3).run().unwrap().whole() / 1e9;
            println!("limited: {limited}: there and back {each} ns, a stream {stream:.1} Gbit/s");
        }
    }
}
