//! Who has what by which right, and what becomes of it when a transaction ends that right.

use super::{
    Oracle, Standing, Title, Who,
    claims::granted,
    nobody,
    truth::{self, ClaimTruth},
};
use crate::{
    event::{Ms, NodeIx},
    violation::Violation,
};
use fairway_ipam::{NodeName, keys::Key};
use fairway_kv::Change;

impl Oracle {
    /// Who of a node lives by that title.
    pub(super) fn losers(&self, node: NodeIx, title: &Title) -> Vec<Who> {
        let lives = |who: &&Who| {
            let held = self.held.get(*who);
            who.0 == node
                && held.is_some_and(|held| held.addresses.iter().any(|(_, by)| by == title))
        };
        match title {
            Title::Block(_, cidr) => {
                let range = self.live.range(cidr.first()..=cidr.last());
                range
                    .flat_map(|(_, who)| who)
                    .filter(lives)
                    .cloned()
                    .collect()
            }
            Title::Claim(..) => {
                let of_node = self.held.range((node, nobody())..).map(|(who, _)| who);
                of_node
                    .take_while(|who| who.0 == node)
                    .filter(lives)
                    .cloned()
                    .collect()
            }
        }
    }

    /// Rights ended by force: what their holders had rests from now on as far as the store shows it, and
    /// what it never showed nobody can know of.
    pub(super) fn shake(&mut self, now: Ms, ended: truth::Ended, losers: &[Who]) {
        if let Title::Block(_, cidr) = &ended.title {
            let unknown: Vec<_> = self
                .used
                .range(cidr.first()..=cidr.last())
                .map(|(ip, _)| *ip)
                .filter(|ip| !ended.published.contains(ip))
                .collect();
            for ip in unknown {
                self.used.remove(&ip);
            }
        }
        for who in losers {
            let held = &self.held[who];
            for (ip, title) in held
                .addresses
                .iter()
                .filter(|(_, title)| *title == ended.title)
            {
                if ended.published.contains(ip) {
                    let key = self.user(who, title);
                    self.used.insert(*ip, (key, now));
                }
            }
        }
        self.shaken.extend_from_slice(losers);
    }

    /// An address that a claim was granted is nobody else's.
    pub(super) fn grants_hit_nobody(&self, changes: &[Change]) -> Result<(), Violation> {
        for change in changes {
            let Some(Key::Claim(pool, name)) = Key::parse(change.key()) else {
                continue;
            };
            let Some(claim) = self.truth.claim_named(&pool, &name) else {
                continue;
            };
            for ip in granted(claim) {
                for who in self.holders(ip) {
                    let own =
                        |title: &Title| matches!(title, Title::Claim(_, uid) if *uid == claim.uid);
                    let mut addresses = self.held[who].addresses.iter();
                    let title = addresses
                        .find(|(theirs, _)| *theirs == ip)
                        .map(|(_, title)| title);
                    if title.is_some_and(|title| {
                        !own(title) && self.standing(who, title) == Standing::Good
                    }) {
                        let (first, second) = (self.text(who), format!("claim {pool}/{name}"));
                        return Err(Violation::Duplicate { ip, first, second });
                    }
                }
            }
        }
        Ok(())
    }

    /// Whom an address rests for: a claim's incarnation, else the attachment.
    pub(super) fn user(&self, who: &Who, title: &Title) -> String {
        match title {
            Title::Claim(_, uid) => format!("claim {uid}"),
            Title::Block(..) => self.text(who),
        }
    }

    pub(super) fn standing(&self, who: &Who, title: &Title) -> Standing {
        let node = &self.names[who.0];
        let (since, to, is_own) = match title {
            Title::Block(pool, cidr) => match self.truth.blocks.get(&(pool.clone(), *cidr)) {
                None => (0, None, false),
                Some(truth) => {
                    let owner = truth.record.owner.as_ref().map(|owner| &owner.node);
                    (
                        truth.since,
                        owner.map(NodeName::to_string),
                        owner == Some(node),
                    )
                }
            },
            Title::Claim(_, uid) => match self.truth.claims.get(uid) {
                None => (0, None, false),
                Some(ClaimTruth {
                    claim: None, since, ..
                }) => (*since, Some("nobody".to_owned()), false),
                Some(ClaimTruth {
                    claim: Some(claim),
                    since,
                    ..
                }) => {
                    let holder = claim.holder.as_ref();
                    let text =
                        holder.map(|holder| format!("{} {}", holder.node, holder.attachment));
                    let ousted = claim.ousted.as_ref();
                    let ousted =
                        ousted.is_some_and(|one| one.node == *node && one.attachment == who.1);
                    let text = text.or_else(|| ousted.then(|| "nobody, by hand".to_owned()));
                    (
                        *since,
                        text,
                        holder.is_some_and(|holder| holder.node == *node),
                    )
                }
            },
        };
        if is_own {
            return Standing::Good;
        }
        let key = (title.clone(), node.clone());
        let (ceased, forced) = self.truth.ceased.get(&key).copied().unwrap_or((0, false));
        let since = since.max(ceased);
        Standing::Lost {
            ceased,
            since,
            to,
            forced,
        }
    }
}
