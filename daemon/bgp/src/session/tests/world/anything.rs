//! Inputs in any order, also those that no neighbour and no speaker would come up with.

use super::*;
use crate::message::OpenError;

fn message(dice: &mut Dice, open: &Open) -> Message {
    let family = dice.pick(&Family::ALL);
    let kinds = [RefreshKind::Wanted, RefreshKind::Begin, RefreshKind::End];
    match dice.below(10) {
        0..=2 => Message::Open(open.clone()),
        3..=5 => Message::Keepalive,
        6 => Message::Update(node::announce(dice.below(12) as u32)),
        7 => end_of_rib(family),
        8 => refresh(family, dice.pick(&kinds)),
        _ => Message::Notification(said(dice.pick(&[
            Reason::HoldTimer,
            Reason::Cease(Cease::Collision),
            Reason::Cease(Cease::HardReset),
            Reason::Unknown(99, 99),
        ]))),
    }
}

/// What a neighbour and a speaker would do next.
fn usual(open: &Open, node: &mut Node) -> Input {
    let session = &node.session;
    let furthest = session.links.iter().max_by_key(|link| link.state());
    match (
        furthest.map(|link| (link.id, link.state())),
        session.attempt,
    ) {
        (Some((id, State::OpenSent)), _) => Input::Received(id, Message::Open(open.clone())),
        (Some((id, _)), _) => Input::Received(id, Message::Keepalive),
        (None, Some(attempt)) => {
            node.opened(attempt.id);
            Input::Connected(attempt.id)
        }
        (None, None) => Input::Start { restarted: None },
    }
}

fn input(dice: &mut Dice, open: &Open, node: &mut Node) -> Input {
    if dice.one_in(2) {
        return usual(open, node);
    }
    let number = node.session.attempts.saturating_sub(dice.below(2) as u32);
    let theirs = Connection::Theirs(dice.below(4) as u32);
    let id = dice.pick(&[Connection::Ours(number), theirs]);
    let family = dice.pick(&Family::ALL);
    match dice.below(24) {
        0 => Input::Start {
            restarted: dice.pick(&[None, Some(Families::NONE)]),
        },
        1 => Input::Stop {
            reason: dice.pick(&[Cease::Shutdown, Cease::Reset]),
            text: Text::none(),
        },
        2..=5 => {
            node.opened(id);
            Input::Connected(id)
        }
        6 => Input::ConnectFailed(id, String::new()),
        7 => {
            node.closed(id);
            Input::Closed(id, String::new())
        }
        8..=14 => Input::Received(id, message(dice, open)),
        15 => Input::Malformed(id, said(Reason::Open(OpenError::Unspecific))),
        16 => Input::Tell(node::announce(0)),
        17 => Input::Told(family),
        18 => Input::Refresh(family),
        19 => Input::Prefixes(family, dice.below(20) as u32),
        20 => dice.pick(&[Input::Blocked, Input::Flowing])(id),
        21 => Input::Wrote(id, 1),
        _ => Input::Tick,
    }
}

#[test]
fn nothing_that_can_be_said_breaks_a_session() {
    let mut ups = 0;
    for seed in 0..300 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let mut settings = both_families(graceful(here()));
        settings.passive = dice.one_in(4);
        settings.families[0].limit = Some(config::Limit {
            prefixes: 10,
            warn_at: 50,
            over: dice.pick(&[
                config::Over::Warn,
                config::Over::Down { again: None },
                config::Over::Down {
                    again: Some(secs(30)),
                },
            ]),
        });
        let open = open_of(&both_families(graceful(there())));
        let mut node = Node::new(settings, seed);
        let mut now = Time::after(secs(5));
        for _ in 0..2000 {
            let input = input(&mut dice, &open, &mut node);
            now = match (dice.below(8), node.session.deadline()) {
                (0, Some(next)) => now.max(next),
                (1, _) => now + dice.millis(20_000),
                _ => now,
            };
            // Whoever feeds a session looks at the time before it sleeps.
            node.handle(now, input);
            node.handle(now, Input::Tick);
        }
        ups += node.session.status().counters.ups;
    }
    assert!(ups > 10_000, "{ups}");
}
