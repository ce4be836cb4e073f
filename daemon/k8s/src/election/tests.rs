use super::*;
use proptest::{collection::vec, prelude::*};

const SECOND: Duration = Duration::from_secs(1);

fn lease(holder: &str, version: u32) -> Lease {
    Lease {
        holder: holder.to_owned(),
        version: version.to_string(),
        lasts: 15 * SECOND,
    }
}

fn candidate(name: &str) -> Election {
    Election::new(name.to_owned(), Timing::default())
}

#[test]
fn a_lease_is_over_when_it_was_seen_unchanged_for_as_long_as_it_lasts() {
    let mut b = candidate("b");
    // That it is old already is not known.
    assert!(matches!(
        b.look(100 * SECOND, Some(&lease("a", 1)), 0.0),
        Step::Wait(_)
    ));
    assert!(
        matches!(b.look(114 * SECOND, Some(&lease("a", 1)), 0.0), Step::Wait(left) if left == SECOND)
    );
    // It was renewed.
    assert!(matches!(
        b.look(115 * SECOND, Some(&lease("a", 2)), 0.0),
        Step::Wait(_)
    ));
    assert_eq!(b.look(130 * SECOND, Some(&lease("a", 2)), 0.0), Step::Take);
    // One that lasts longer, by its holder's word.
    let long = Lease {
        lasts: 60 * SECOND,
        ..lease("a", 3)
    };
    b.look(200 * SECOND, Some(&long), 0.0);
    assert!(matches!(
        b.look(230 * SECOND, Some(&long), 0.0),
        Step::Wait(_)
    ));
    assert_eq!(b.look(260 * SECOND, Some(&long), 0.0), Step::Take);
}

#[test]
fn who_gave_it_back_is_not_waited_for() {
    let mut b = candidate("b");
    assert_eq!(b.look(SECOND, Some(&lease("", 4)), 0.5), Step::Take);
    assert_eq!(b.look(SECOND, None, 0.5), Step::Create);
}

#[test]
fn who_cannot_renew_leads_no_more_before_others_may() {
    let mut a = candidate("a");
    assert_eq!(a.look(SECOND, Some(&lease("a", 1)), 0.0), Step::Renew);
    assert!(!a.leads(SECOND), "what was before a restart does not count");
    a.wrote(SECOND, "2".to_owned());
    assert!(a.leads(10 * SECOND) && !a.leads(11 * SECOND));
    // Another has it: at once.
    a.wrote(20 * SECOND, "3".to_owned());
    a.look(21 * SECOND, Some(&lease("b", 4)), 0.0);
    assert!(!a.leads(21 * SECOND));
    let timing = Timing::default();
    assert!(timing.renew_within < timing.lease && timing.every * 2 < timing.renew_within);
}

/// One thing that happens, to one of three candidates.
#[derive(Debug, Clone)]
struct Beat {
    who: usize,
    /// Time that passes before it, in tenths of a second.
    after: u64,
    /// The answer to its write is lost, or it is cut off.
    fate: u8,
    /// Time that its write takes to get there.
    late: u64,
}

fn beats() -> impl Strategy<Value = Vec<Beat>> {
    let beat = (0..3usize, 0..60u64, 0..5u8, 0..40u64);
    vec(
        beat.prop_map(|(who, after, fate, late)| Beat {
            who,
            after,
            fate,
            late,
        }),
        1..200,
    )
}

proptest! {
    /// Each candidate's clock began at another time; writes are late, lost or refused; never do two lead.
    #[test]
    fn never_do_two_lead(beats in beats(), starts in vec(0..10_000u64, 3)) {
        let mut all: Vec<Election> = ["a", "b", "c"].into_iter().map(candidate).collect();
        let own = |who: usize, now: u64| Duration::from_millis((now + starts[who]) * 100);
        let (mut server, mut version, mut now): (Option<Lease>, u32, u64) = (None, 0, 0);
        for beat in beats {
            now += beat.after;
            let Beat { who, fate, late, .. } = beat;
            if fate == 0 {
                continue;
            }
            let step = all[who].look(own(who, now), server.as_ref(), 0.5);
            if !matches!(step, Step::Wait(_)) {
                let based = server.as_ref().map(|lease| lease.version.clone());
                let sent = own(who, now);
                now += late;
                // Nobody else writes in between here; a write on what has changed is refused by its version.
                if based == server.as_ref().map(|lease| lease.version.clone()) {
                    version += 1;
                    let name = ["a", "b", "c"][who];
                    server = Some(lease(name, version));
                    if fate != 1 {
                        all[who].wrote(sent, version.to_string());
                    }
                }
            }
            let lead: Vec<usize> = (0..3).filter(|who| all[*who].leads(own(*who, now))).collect();
            prop_assert!(lead.len() <= 1, "{lead:?} lead at {now}");
        }
    }
}
