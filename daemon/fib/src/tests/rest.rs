//! What comes out of the overlay for nobody.

use super::bed::{host, settings};
use crate::{Fib, Settings, names};
use fairway_netlink::{Netlink, fake::Recorder};

/// Priorities of the rules that drop what comes out of the overlay for nobody, one a family.
fn rest(host: &mut Recorder) -> usize {
    let rules = host.rules(None).unwrap();
    let rest = rules.iter().filter(|r| r.priority == names::OVERLAY_REST);
    rest.count()
}

#[test]
fn what_is_for_nobody_is_dropped_by_a_rule_unless_others_do_it() {
    let mut host = host();
    let mut fib = Fib::new(host.clone());
    fib.configure(settings());
    fib.guarded(true);
    fib.sync();
    assert_eq!((rest(&mut host), fib.drops_the_rest()), (0, false));
    fib.guarded(false);
    assert!(fib.is_due() && !fib.drops_the_rest());
    fib.sync();
    assert_eq!((rest(&mut host), fib.drops_the_rest()), (2, true));
    let before = host.snapshot();
    // What was there stays until the whole picture is there.
    fib.guarded(true);
    fib.sync();
    assert_eq!(host.snapshot(), before);
    fib.complete();
    fib.sync();
    assert_eq!((rest(&mut host), fib.drops_the_rest()), (0, false));
    // Said again, nothing has to be done.
    fib.guarded(true);
    assert!(!fib.is_due());
    // Without networks nothing comes.
    fib.guarded(false);
    fib.configure(Settings::default());
    assert!(fib.drops_the_rest());
    fib.sync();
    assert_eq!(rest(&mut host), 0);
}
