//! Who is dead: decided from what was seen, without looking.

use fairway_ipam::{AttachmentId, Lease};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// How it stands with the namespace that was recorded for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetnsState {
    /// It is there.
    There,
    /// Nothing is at its path, or another one.
    Gone,
    /// None was recorded, or it cannot be looked at.
    Unknown,
}

/// What was seen at one look.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Of each lease that was asked about. Not in here: unknown.
    pub netns: HashMap<AttachmentId, NetnsState>,
    /// Aliases of the host's links.
    pub aliases: HashSet<String>,
}

impl Seen {
    /// Its namespace is gone from where it was, and no link of the host is its own: at this one look.
    pub fn is_gone(&self, lease: &Lease) -> bool {
        let netns = self.netns.get(&lease.attachment);
        netns == Some(&NetnsState::Gone)
            && !self
                .aliases
                .contains(&crate::alias::alias(&lease.attachment))
    }
}

#[derive(Debug, Clone, Copy)]
struct Suspicion {
    seq: u64,
    since: Instant,
}

/// Remembers what was seen before.
#[derive(Debug, Default)]
pub struct Judge {
    former: u64,
    suspicions: HashMap<AttachmentId, Suspicion>,
    linked: HashMap<AttachmentId, u64>,
}

impl Judge {
    /// One that has seen nothing. `former`: attachments up to this sequence number were made before the
    /// machine was booted.
    pub fn new(former: u64) -> Judge {
        Judge {
            former,
            ..Judge::default()
        }
    }

    /// Takes a look at `now`, and says who is dead, with the sequence number of the first look that showed
    /// it: those who were suspected at a look at least `grace` ago, and at each since.
    pub fn judge(
        &mut self,
        leases: &[Lease],
        seen: &Seen,
        now: Instant,
        grace: Duration,
    ) -> Vec<(AttachmentId, u64)> {
        let mut suspicions = HashMap::new();
        let mut linked = HashMap::new();
        let mut dead = Vec::new();
        for lease in leases {
            let id = &lease.attachment;
            let has_link = seen.aliases.contains(&crate::alias::alias(id));
            let had_link = self.linked.get(id) == Some(&lease.seq);
            if has_link || had_link {
                linked.insert(id.clone(), lease.seq);
            }
            let netns = seen.netns.get(id).copied();
            let gone = match netns.unwrap_or(NetnsState::Unknown) {
                NetnsState::There => false,
                NetnsState::Gone => true,
                // A pair's end goes with its other end, so a link that was seen and is gone says enough.
                NetnsState::Unknown => lease.seq <= self.former || had_link,
            };
            if has_link || !gone {
                continue;
            }
            let before = self.suspicions.get(id).filter(|one| one.seq == lease.seq);
            let suspicion = before.copied().unwrap_or(Suspicion {
                seq: lease.seq,
                since: now,
            });
            if before.is_some() && now.saturating_duration_since(suspicion.since) >= grace {
                dead.push((id.clone(), suspicion.seq));
            }
            // Kept until the lease is gone: freeing may fail.
            suspicions.insert(id.clone(), suspicion);
        }
        self.suspicions = suspicions;
        self.linked = linked;
        dead
    }

    /// How many are suspected.
    pub fn suspects(&self) -> usize {
        self.suspicions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_ipam::{Netns, UnixSeconds};

    const GRACE: Duration = Duration::from_secs(10);

    fn lease(name: &str, seq: u64) -> Lease {
        Lease {
            attachment: AttachmentId {
                network: "net".into(),
                container: name.into(),
                ifname: "eth0".into(),
            },
            netns: Some(Netns {
                path: "/run/netns/x".into(),
                device: 4,
                inode: 1,
            }),
            addresses: Vec::new(),
            claim: None,
            label: None,
            seq,
            since: UnixSeconds(0),
            cut_off: false,
        }
    }

    fn seen(state: NetnsState, aliases: &[&str]) -> Seen {
        let id = |name: &str| lease(name, 0).attachment;
        Seen {
            netns: ["a", "b"].map(|name| (id(name), state)).into(),
            aliases: aliases
                .iter()
                .map(|name| format!("fairway:net/{name}/eth0"))
                .collect(),
        }
    }

    /// What three looks say: at 0 s, 9 s and 10 s.
    fn looks(judge: &mut Judge, leases: &[Lease], seen: &Seen) -> Vec<Vec<u64>> {
        let start = Instant::now();
        let look = |seconds| {
            let now = start + Duration::from_secs(seconds);
            let dead = judge.judge(leases, seen, now, GRACE);
            dead.into_iter().map(|(_, seq)| seq).collect()
        };
        [0, 9, 10].map(look).into()
    }

    #[test]
    fn gone_twice_with_a_grace_period_between_is_dead() {
        let gone = seen(NetnsState::Gone, &[]);
        let dead = looks(&mut Judge::new(0), &[lease("a", 7)], &gone);
        assert_eq!(dead, [vec![], vec![], vec![7]]);
        let no_grace = Judge::new(0).judge(&[lease("a", 7)], &gone, Instant::now(), Duration::ZERO);
        assert!(no_grace.is_empty(), "one look is never enough");
    }

    #[test]
    fn a_namespace_a_link_or_ignorance_keeps_it_alive() {
        for seen in [
            seen(NetnsState::There, &[]),
            seen(NetnsState::Gone, &["a"]),
            seen(NetnsState::Unknown, &[]),
            Seen::default(),
        ] {
            let dead = looks(&mut Judge::new(0), &[lease("a", 7)], &seen);
            assert_eq!(dead, [[0; 0], [], []], "{seen:?}");
        }
    }

    #[test]
    fn a_look_that_shows_it_alive_ends_the_suspicion() {
        let mut judge = Judge::new(0);
        let start = Instant::now();
        let leases = [lease("a", 7)];
        let mut look = |seconds, seen: &Seen| {
            let now = start + Duration::from_secs(seconds);
            judge.judge(&leases, seen, now, GRACE).len()
        };
        let gone = seen(NetnsState::Gone, &[]);
        assert_eq!(look(0, &gone), 0);
        assert_eq!(look(5, &seen(NetnsState::Gone, &["a"])), 0);
        assert_eq!(look(11, &gone), 0);
        assert_eq!(look(20, &gone), 0);
        assert_eq!(look(21, &gone), 1);
        assert_eq!(look(22, &gone), 1, "until it is freed");
    }

    #[test]
    fn what_was_given_anew_is_suspected_anew() {
        let mut judge = Judge::new(0);
        let start = Instant::now();
        let gone = seen(NetnsState::Gone, &[]);
        let mut look = |seconds, seq| {
            let now = start + Duration::from_secs(seconds);
            judge.judge(&[lease("a", seq)], &gone, now, GRACE)
        };
        assert!(look(0, 7).is_empty());
        assert!(look(11, 8).is_empty());
        assert_eq!(look(21, 8)[0].1, 8);
    }

    #[test]
    fn after_a_reboot_who_is_not_seen_is_gone() {
        let mut leases = [lease("a", 5), lease("b", 6)];
        for lease in &mut leases {
            lease.netns = None;
        }
        let unknown = seen(NetnsState::Unknown, &[]);
        let dead = looks(&mut Judge::new(5), &leases, &unknown);
        assert_eq!(dead, [vec![], vec![], vec![5]], "the younger one may live");
        let dead = looks(
            &mut Judge::new(5),
            &leases,
            &seen(NetnsState::Unknown, &["a"]),
        );
        assert_eq!(dead, [[0; 0], [], []]);
        let dead = looks(&mut Judge::new(5), &leases, &seen(NetnsState::There, &[]));
        assert_eq!(dead, [[0; 0], [], []]);
    }

    #[test]
    fn a_link_that_was_seen_and_is_gone_says_enough() {
        let mut judge = Judge::new(0);
        let leases = [lease("a", 5)];
        let linked = seen(NetnsState::Unknown, &["a"]);
        assert!(
            judge
                .judge(&leases, &linked, Instant::now(), GRACE)
                .is_empty()
        );
        let dead = looks(&mut judge, &leases, &seen(NetnsState::Unknown, &[]));
        assert_eq!(dead, [vec![], vec![], vec![5]]);
        let mut judge = Judge::new(0);
        judge.judge(&[lease("a", 4)], &linked, Instant::now(), GRACE);
        let dead = looks(&mut judge, &leases, &seen(NetnsState::Unknown, &[]));
        assert_eq!(dead, [[0; 0], [], []], "that was another container's");
    }
}
