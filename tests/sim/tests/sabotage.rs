//! The judge is judged: each way to break an agent or its driver is seen, and seen as what it is.

#![expect(
    clippy::print_stdout,
    reason = "a test says what it ran, and fails by a panic"
)]
use fairway_sim::{Profile, Run, Sabotage};

/// Steps within which each of them is caught, all tries together.
const WITHIN: u64 = 300_000;

/// Runs seeds of a profile until one fails as what is expected. What else follows from the same break may
/// be seen first, and depends on the seed.
fn seen(sabotage: Sabotage, profile: &str, kinds: &[&str]) {
    let named = Profile::named(profile).expect("a profile");
    let (mut steps, mut others) = (0, Vec::new());
    for seed in 1.. {
        let run = Run {
            sabotage: Some(sabotage),
            ..Run::new(seed, 15_000, named.clone())
        };
        match run.quick() {
            Ok(report) => steps += report.steps,
            Err(failure) => {
                let kind = failure.violation.kind();
                println!(
                    "{sabotage:?}: seed {seed}, step {}: {}",
                    failure.step, failure.violation
                );
                if kinds.contains(&kind) {
                    return;
                }
                others.push(kind);
                steps += failure.step;
            }
        }
        assert!(
            steps <= WITHIN,
            "{sabotage:?} in {profile}: not seen as one of {kinds:?}, but as {others:?}"
        );
    }
}

macro_rules! sabotages {
    ($($name:ident: $sabotage:ident in $profile:literal is $($kind:literal)|+;)*) => {
        $(
            #[test]
            fn $name() {
                seen(Sabotage::$sabotage, $profile, &[$($kind),+]);
            }
        )*

        #[test]
        fn none_is_left_out() {
            let tested = [$(Sabotage::$sabotage),*];
            for sabotage in Sabotage::ALL {
                assert!(tested.contains(&sabotage), "{sabotage:?} has no test");
            }
        }
    };
}

sabotages! {
    a_journal_that_forgets: ForgetsJournal in "crash-heavy" is "cooldown" | "forgotten" | "journal" | "duplicate" | "no-title" | "balance";
    an_answer_before_it_is_durable: AnswersBeforeDurable in "crash-heavy" is "cooldown" | "forgotten" | "duplicate";
    no_cooldown: NoCooldown in "calm" is "cooldown";
    transactions_without_conditions: BlindWrites in "calm" is "block" | "claim" | "duplicate" | "stolen" | "no-title";
    a_sweep_without_numbers: GoneIsRelease in "crash-heavy" is "forgotten" | "answer" | "stolen";
    gc_of_the_young: CollectsTheYoung in "calm" is "forgotten" | "answer" | "stolen";
    del_that_frees_nothing: DropsRelease in "calm" is "balance";
    answers_that_never_come: Mute in "calm" is "unanswered";
    answers_that_come_twice: Stutters in "calm" is "answer";
    epochs_that_do_not_go_up: OldEpoch in "calm" is "block" | "cut-for-nothing";
    nobody_looks_at_the_kernel: NoSightings in "partition-heavy" is "forgotten" | "duplicate" | "balance" | "cooldown" | "answer" | "stolen";
    nobody_is_cut_off: NeverCutsOff in "operators" is "not-cut-off" | "duplicate";
    explicit_addresses_as_wishes: IgnoresExplicit in "calm" is "explicit";
    claims_that_move: MovesClaims in "sticky-heavy" is "claim" | "sticky" | "no-title" | "duplicate";
    a_watch_that_leaves_things_out: DeafWatch in "operators" is "not-cut-off" | "balance" | "duplicate" | "no-title";
    workloads_are_not_known: NotSticky in "sticky-heavy" is "sticky";
}
