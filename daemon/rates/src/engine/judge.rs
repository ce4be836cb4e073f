//! Who is under which limit, and how much each is.

use super::{
    Key, Sharers,
    place::{Place, Places, Shared},
    said::{Said, Word},
    warn,
};
use crate::model::{Direction, Endpoint, EndpointId, Held, Number, Override, RateLimit, Way};
use std::collections::{BTreeMap, BTreeSet};

/// What holds, before it has numbers.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) held: BTreeMap<Key, Held>,
    pub(super) ways: BTreeMap<(EndpointId, Direction), Unnumbered>,
}

/// A way, with the limits' keys in place of their numbers.
pub(super) struct Unnumbered {
    limits: [Option<Key>; 3],
    dscp: Option<u8>,
    warnings: Vec<String>,
}

impl Unnumbered {
    pub(super) fn numbered(self, number: impl Fn(&Key) -> Option<Number>) -> Way {
        Way {
            limits: self.limits.map(|key| number(&key?)),
            dscp: self.dscp,
            warnings: self.warnings,
        }
    }
}

/// All that is said.
#[derive(Clone, Copy)]
pub(super) struct All<'w> {
    pub(super) limits: &'w BTreeMap<String, RateLimit>,
    pub(super) overrides: &'w BTreeMap<(String, String), Override>,
    pub(super) endpoints: &'w BTreeMap<EndpointId, Endpoint>,
}

impl<'w> All<'w> {
    /// What objects say of the places where there is anybody.
    pub(super) fn places(&self) -> Places<'w> {
        Places::new(self.limits, self.endpoints)
    }

    /// All that holds.
    pub(super) fn judge(&self, places: &Places<'w>) -> Judged {
        let mut judged = Judged::default();
        for (key, said) in &places.shared {
            judged.hold(key, warn::of(&key.0), said);
        }
        let all = self.endpoints.values();
        all.for_each(|endpoint| self.judge_one(endpoint, places, &mut judged));
        judged
    }

    /// What holds for these endpoints alone. Of no other endpoint it is another than it was, where neither anything
    /// else that is said is, nor the places where there is anybody.
    pub(super) fn judge_some(&self, ids: &BTreeSet<EndpointId>, places: &Places<'w>) -> Judged {
        let mut judged = Judged::default();
        let some = ids.iter().filter_map(|id| self.endpoints.get(id));
        some.for_each(|endpoint| self.judge_one(endpoint, places, &mut judged));
        judged
    }

    fn judge_one(&self, endpoint: &'w Endpoint, places: &Places<'w>, judged: &mut Judged) {
        let Some(place) = places.of(endpoint) else {
            return;
        };
        let word = word(self.overrides, endpoint);
        let fits = |limit: &&&RateLimit| limit.pods.fits(&endpoint.labels);
        let fitting: Vec<_> = place.own.iter().filter(fits).copied().collect();
        for direction in Direction::BOTH {
            let own = own(endpoint, direction, word, &fitting);
            judged.decide((endpoint, direction), own, place, &places.shared);
        }
    }
}

/// What an administrator has said of an endpoint's workload.
pub(super) fn word<'w>(
    overrides: &'w BTreeMap<(String, String), Override>,
    endpoint: &Endpoint,
) -> Option<&'w Override> {
    let pod = endpoint.pod.clone()?;
    overrides.get(&(endpoint.namespace.clone(), pod))
}

/// The limit that an endpoint has alone, and its mark.
fn own<'w>(
    endpoint: &'w Endpoint,
    direction: Direction,
    word: Option<&'w Override>,
    fitting: &[&'w RateLimit],
) -> (Said<'w>, Option<u8>) {
    let (mut own, mut dscp) = (Said::default(), None);
    match word.and_then(|word| Some((word, word.wish(direction)?))) {
        Some((word, wish)) => {
            own.hear(wish.allowance, Word::Override(word.reason.as_deref()));
            dscp = wish.dscp;
        }
        None => {
            for asked in endpoint.asked.iter().filter(|a| a.direction == direction) {
                own.hear(asked.allowance, Word::Asked(&asked.field));
            }
        }
    }
    for limit in fitting {
        if let Some(wish) = limit.wish(direction) {
            own.hear(wish.allowance, Word::RateLimit(&limit.name));
            dscp = dscp.or(wish.dscp);
        }
    }
    (own, dscp)
}

impl Judged {
    /// `true`: something is limited.
    fn hold(&mut self, key: &Key, of: String, said: &Said<'_>) -> bool {
        let Some(by) = said.by() else {
            return false;
        };
        let held = Held {
            scope: key.0.scope(),
            of,
            direction: key.1,
            allowance: said.allowance,
            reason: by.to_string(),
        };
        self.held.insert(key.clone(), held);
        true
    }

    fn decide(
        &mut self,
        (endpoint, direction): (&Endpoint, Direction),
        (own, dscp): (Said<'_>, Option<u8>),
        place: &Place<'_>,
        all: &BTreeMap<Key, Said<'_>>,
    ) {
        let shared = place.shared(direction);
        let mut warnings = Vec::new();
        for Shared { key, said, .. } in shared {
            if let Some((key, all)) = key.as_ref().and_then(|key| all.get_key_value(key)) {
                warn::above(endpoint, &own, (key, all), &mut warnings);
                warn::lower(endpoint, said, (key, all), &mut warnings);
            }
        }
        let key = (Sharers::Container(endpoint.id.clone()), direction);
        let own = self.hold(&key, endpoint.title(), &own).then_some(key);
        let [namespace, network] = shared;
        let dscp = dscp.or(namespace.dscp).or(network.dscp);
        let limits = [own, namespace.key.clone(), network.key.clone()];
        let way = Unnumbered {
            limits,
            dscp,
            warnings,
        };
        self.ways.insert((endpoint.id.clone(), direction), way);
    }
}
