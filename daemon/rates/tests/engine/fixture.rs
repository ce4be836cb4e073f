//! A node, its containers and what is said of them, in few words.

use fairway_rates::{
    Allowance, Asked, Direction, Endpoint, EndpointId, Engine, Held, Input, Override, RateLimit,
    Scope, Wish,
};

/// `20M`, `20M 500p`, `20M 64000b`, `46d`, or nothing.
pub(crate) fn wish(text: &str) -> Wish {
    let mut wish = Wish::default();
    for word in text.split_whitespace() {
        let number = || word[..word.len() - 1].parse::<u32>().expect("a number");
        match word.chars().last() {
            Some('p') => wish.allowance.packets = Some(number()),
            Some('b') => wish.allowance.burst = Some(number()),
            Some('d') => wish.dscp = u8::try_from(number()).ok(),
            _ => wish.allowance.rate = Some(word.parse().expect("a rate")),
        }
    }
    wish
}

pub(crate) fn allowance(text: &str) -> Allowance {
    wish(text).allowance
}

/// About what containers get.
pub(crate) fn limit(name: &str, per: Scope, text: &str) -> RateLimit {
    RateLimit {
        name: name.into(),
        per,
        namespaces: Vec::new(),
        networks: Vec::new(),
        pods: Default::default(),
        ingress: Some(wish(text)),
        egress: None,
    }
}

/// About what it gets.
pub(crate) fn word(text: &str, why: Option<&str>) -> Override {
    Override {
        ingress: Some(wish(text)),
        egress: None,
        reason: why.map(str::to_owned),
    }
}

/// `NAMESPACE/POD` in no network, which asks for something that it gets.
pub(crate) fn endpoint(workload: &str, asked: &str) -> Endpoint {
    let (namespace, pod) = workload.split_once('/').expect("NAMESPACE/POD");
    let asked = (!asked.is_empty()).then(|| Asked {
        direction: Direction::Ingress,
        allowance: allowance(asked),
        field: "bandwidth.ingressRate".into(),
    });
    Endpoint {
        id: id(workload),
        namespace: namespace.into(),
        pod: Some(pod.into()),
        labels: Default::default(),
        network: None,
        asked: asked.into_iter().collect(),
    }
}

pub(crate) fn id(workload: &str) -> EndpointId {
    EndpointId {
        network: "net".into(),
        container: workload.replace('/', "-"),
        ifname: "eth0".into(),
    }
}

/// An engine, and a clock that counts pictures.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) now: u64,
}

impl Node {
    pub(crate) fn take(&mut self, input: Input) -> &mut Node {
        self.engine.take(input);
        self
    }

    pub(crate) fn limit(&mut self, limit: RateLimit) -> &mut Node {
        self.take(Input::RateLimit(limit))
    }

    pub(crate) fn endpoint(&mut self, endpoint: Endpoint) -> &mut Node {
        self.take(Input::Endpoint(endpoint))
    }

    pub(crate) fn word(&mut self, workload: &str, word: Override) -> &mut Node {
        let (namespace, pod) = workload.split_once('/').expect("NAMESPACE/POD");
        self.take(Input::Override(namespace.into(), pod.into(), word))
    }

    /// `SCOPE OF DIRECTION: HOW MUCH (REASON)` of each limit.
    pub(crate) fn holds(&mut self) -> Vec<String> {
        self.now += 1;
        let held = self.engine.picture(self.now).limits.values();
        let mut lines: Vec<String> = held.map(line).collect();
        lines.sort();
        lines
    }

    /// The mark of what a workload gets, and what is worth knowing of it.
    pub(crate) fn way(&mut self, workload: &str) -> (Option<u8>, Vec<String>) {
        self.now += 1;
        let ways = &self.engine.picture(self.now).ways;
        let way = ways.get(&(id(workload), Direction::Ingress));
        way.map(|way| (way.dscp, way.warnings.clone()))
            .unwrap_or_default()
    }

    /// `SECONDS OF: FROM -> TO (REASON)` of each change.
    pub(crate) fn history(&self) -> Vec<String> {
        let line = |changed: &fairway_rates::Changed| {
            let none = || "none".to_owned();
            let (from, to) = (changed.from.clone(), changed.to.clone());
            let (from, to) = (from.unwrap_or_else(none), to.unwrap_or_else(none));
            let (at, of, reason) = (changed.at, &changed.of, &changed.reason);
            format!("{at} {of}: {from} -> {to} ({reason})")
        };
        self.engine.history().map(line).collect()
    }
}

fn line(held: &Held) -> String {
    let Held {
        scope,
        of,
        direction,
        allowance,
        reason,
    } = held;
    format!("{scope} {of} {direction}: {allowance} ({reason})")
}
