//! What is valid and may not be what was meant.

use super::BgpPeer;
use crate::object::{filter::DEFAULT, warning::Warning};
use crate::policy::{Policy, PrefixSet, Rule, Source, Term};
use crate::session::config::{Peer, RemoteAs};
use crate::{Family, Prefix};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl BgpPeer {
    /// What is valid and may not be what was meant.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut told = Told(Vec::new());
        if let Peer::Within(prefix) = self.peer
            && prefix.length() == 0
            && self.password_file.is_none()
        {
            let text = "whoever reaches a node may be its neighbour: give a longer prefix or a passwordFile";
            told.add("spec.prefix", text);
        }
        self.needed(&mut told);
        for (field, policy) in [("spec.import", &self.import), ("spec.export", &self.export)] {
            if let Some(policy) = policy {
                default_routes(field, policy, &mut told);
            }
        }
        let transit = self.asn != RemoteAs::Internal;
        if let Some(export) = self.export.as_deref().filter(|_| transit)
            && let Some(rule) = passes_on(export)
        {
            let text = "what other neighbours told is told as well, so that this AS carries traffic between them; \
                        `sources` says which routes are meant";
            told.add(place("spec.export", rule), text);
        }
        told.0
    }

    /// RFC 8212.
    fn needed(&self, told: &mut Told) {
        let to_whom = match &self.asn {
            RemoteAs::Internal => return,
            RemoteAs::External => "",
            RemoteAs::Is(_) | RemoteAs::OneOf(_) => " if it is of another AS than the node",
        };
        for (field, policy, what) in [
            (
                "spec.import",
                &self.import,
                "nothing is taken from the neighbour",
            ),
            ("spec.export", &self.export, "the neighbour is told nothing"),
        ] {
            if policy.is_none() {
                told.add(field, format!("it is absent: {what}{to_whom} (RFC 8212)"));
            }
        }
    }
}

struct Told(Vec<Warning>);

impl Told {
    fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        let (field, text) = (field.into(), text.into());
        self.0.push(Warning { field, text });
    }
}

/// The field of the rule, or of what decides where none does.
fn place(field: &str, (index, rule): (usize, &Rule)) -> String {
    match rule.name() {
        DEFAULT => format!("{field}.default"),
        _ => format!("{field}.rules[{index}]"),
    }
}

/// The default route of a family.
fn default_route(family: Family) -> Option<Prefix> {
    match family {
        Family::Ipv4 => Prefix::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        Family::Ipv6 => Prefix::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}

/// Rules that seem to accept default routes and do not, for they do not name them.
fn default_routes(field: &str, policy: &Policy, told: &mut Told) {
    let defaults: Vec<Prefix> = Family::ALL.into_iter().filter_map(default_route).collect();
    let any = |rule: &Rule, asks: &dyn Fn(&PrefixSet) -> bool| {
        rule.terms()
            .iter()
            .any(|term| matches!(term, Term::Prefixes(set) if asks(set)))
    };
    let names = |rule: &Rule, route| any(rule, &|set| set.names_default(route));
    for (index, rule) in policy.rules().iter().enumerate() {
        if !rule.accepts() {
            continue;
        }
        for route in &defaults {
            if any(rule, &|set| set.has(*route)) && !names(rule, *route) {
                let text = format!(
                    "{route} itself is not accepted: a rule has to name it without ge and le"
                );
                told.add(place(field, (index, rule)), text);
            }
        }
    }
    let mut rules = policy.rules().iter();
    let none = rules.all(|rule| !defaults.iter().any(|route| names(rule, *route)));
    let accepts = policy
        .rules()
        .last()
        .is_some_and(|last| last.name() == DEFAULT);
    if none && accepts {
        let text = "default routes are not accepted: only a rule that names 0.0.0.0/0 or ::/0 without ge and le does";
        told.add(format!("{field}.default"), text);
    }
}

/// The rule by which a route that another neighbour told is told, whatever it is.
fn passes_on(policy: &Policy) -> Option<(usize, &Rule)> {
    let of_neighbours =
        |term: &Term| matches!(term, Term::Source(all) if all.contains(&Source::Neighbour));
    let mut rules = policy.rules().iter().enumerate();
    rules
        .find(|(_, rule)| rule.terms().iter().all(of_neighbours))
        .filter(|(_, rule)| rule.accepts())
}
