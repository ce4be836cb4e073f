//! One suite, run against a file and against real etcd; then what is peculiar to each.

#![expect(clippy::panic, reason = "a test fails by it")]

mod adversity;
mod bed;
mod busy;
mod certificates;
mod healing;
mod later;
mod proxy;
mod redb_file;
mod refusals;
mod suite;
mod tampered;

use bed::{Bed, Etcd, File, Secure};

/// Every test of the suite, for one kind of store.
macro_rules! suite {
    ($kind:ident, $bed:ty: $($module:ident :: $test:ident),* $(,)?) => {
        mod $kind {
            $(
                #[test]
                fn $test() {
                    super::bed::run(async {
                        let bed = <$bed as super::Bed>::start();
                        super::$module::$test(&bed).await;
                    });
                }
            )*
        }
    };
}

macro_rules! both {
    ($($module:ident :: $test:ident),* $(,)?) => {
        suite!(file, super::File: $($module::$test),*);
        suite!(etcd, super::Etcd: $($module::$test),*);
    };
}

both! {
    suite::conditions_are_judged_and_what_was_found_is_told,
    suite::a_transaction_is_all_or_nothing,
    suite::of_many_who_compare_one_wins,
    suite::counting_together_loses_nothing,
    suite::a_range_is_one_revision_and_in_order,
    suite::a_range_of_many_keys_is_whole_while_others_write,
    suite::a_prefix_is_not_a_path,
    suite::large_values_come_back_and_too_large_ones_are_refused,
    suite::transactions_that_make_no_sense_are_refused,
    suite::reading_and_writing_nothing_make_no_revision,
    later::a_watch_tells_all_in_order_and_revisions_whole,
    later::a_watch_resumes_after_any_revision,
    later::a_watch_shows_only_its_prefix,
    later::compacted_history_is_an_error,
    later::a_watch_from_the_future_is_an_error,
    later::a_lease_takes_its_keys_along,
    later::a_lease_that_is_kept_alive_stays,
    later::a_lease_that_is_gone_is_told,
    later::what_was_acknowledged_is_there_after_a_restart,
    later::leases_end_after_a_restart,
    healing::a_mirror_equals_the_store,
    healing::a_mirror_lists_anew_when_its_past_is_compacted,
    healing::presence_is_kept_and_goes_with_its_keeper,
    healing::presence_yields_to_who_was_first,
    healing::presence_comes_back_when_its_lease_or_key_is_gone,
    healing::presence_takes_one_lease_through_doubts,
    healing::presence_takes_over_what_it_left_itself,
}

suite! {
    secure, super::Secure:
    suite::conditions_are_judged_and_what_was_found_is_told,
    suite::of_many_who_compare_one_wins,
    suite::a_range_of_many_keys_is_whole_while_others_write,
    later::a_watch_tells_all_in_order_and_revisions_whole,
    later::compacted_history_is_an_error,
    later::a_lease_that_is_gone_is_told,
    later::what_was_acknowledged_is_there_after_a_restart,
    healing::a_mirror_equals_the_store,
    healing::presence_comes_back_when_its_lease_or_key_is_gone,
}
