//! The same seed is the same run.

use fairway_sim::{Profile, Run};

#[test]
fn a_seed_is_a_run() {
    for profile in Profile::all()
        .into_iter()
        .filter(|profile| profile.name != "thousands-of-nodes")
    {
        let run = Run::new(7, 6_000, profile.clone());
        let ((first, lines), (second, again)) = (run.traced(), run.traced());
        assert_eq!(first.is_ok(), second.is_ok());
        assert!(
            lines == again,
            "profile {}: two runs of one seed differ",
            profile.name
        );
        assert!(lines.len() > 6_000);
        let (_, other) = Run::new(8, 6_000, profile).traced();
        assert!(lines != other, "two seeds are one run");
    }
}

/// Runs that found a fault once: profile, seed, steps.
const FOUND: &[(&str, u64, u64)] = &[
    // A claim had ended, the block's record still said that it has its address, and the journal was lost: the
    // container that had been given the address since was forgotten.
    ("partition-heavy", 32_089_801_968_774, 10_000),
    // The last block of a pool was being given back by the node that was asked for an address of it.
    ("tiny-pools", 3_461_766_788_078, 15_000),
    // A clock that was ahead wrote when a claim ended, which then stayed for as long as the clock was wrong.
    ("sticky-heavy", 3_461_766_788_061, 15_000),
    // A journal was lost, and a container came again with other addresses before this node had its former blocks back.
    ("partition-heavy", 3_461_766_788_044, 15_000),
    // A pool had lost its prefixes of one family: the judge asked for both.
    ("operators", 3_461_766_788_016, 15_000),
    // A claim of two families, whose transaction was carried out unheard: one address was free at once, since it was
    // held against the record of the other family's block.
    ("sticky-heavy", 122_341_649, 15_000),
    // A journal was lost, and a container was released before its former block was taken over: the record had it
    // live again, for ever.
    ("partition-heavy", 98_965_431_013, 15_000),
    // Journals were lost, and what they said let one container hold two claims; its DEL ended one of them.
    ("partition-heavy", 122_341_562, 15_000),
    // A journal was lost, and a container that the kernel showed was given addresses on top.
    ("partition-heavy", 122_341_764, 15_000),
    // The same with a claim that was removed meanwhile: the judge asked for what nobody could know.
    ("crash-heavy", 122_341_635, 15_000),
];

#[test]
fn what_was_found_once_is_not_found_again() {
    for &(profile, seed, steps) in FOUND {
        let profile = Profile::named(profile).expect("a profile");
        if let Err(failure) = Run::new(seed, steps, profile).go() {
            panic!("seed {seed}:\n{failure}");
        }
    }
}
