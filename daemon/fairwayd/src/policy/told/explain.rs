//! Who decides about packets, and how: the engine's explanation in the socket's words.

use super::super::turn::Turn;
use crate::convert::body;
use fairway_api::{
    ErrorBody,
    admin::{
        self, DirectionExplained, Party as Asked, PolicyExplain, PolicyExplained, RuleExplained,
    },
};
use fairway_cni::Code;
use fairway_policy::{
    Applies, Decided, End, Judgement, Party, PolicySaid, RuleFits, RuleSaid, Stage, Who,
    input::Packet,
    spec::{Action, ObjectName, Protocol},
};

pub(in crate::policy) fn explained(
    turn: &Turn,
    explain: &PolicyExplain,
) -> Result<PolicyExplained, ErrorBody> {
    let packet = packet(explain)?;
    let (from, to) = (party("from", &explain.from)?, party("to", &explain.to)?);
    let explanation = turn.engine.explain(&from, &to, packet);
    let found = explanation.map_err(|error| body(Code::INVALID_CONFIG, error))?;
    let mut protocol = explain.protocol.to_ascii_lowercase();
    if let Some(port) = explain.port.filter(|_| packet.protocol.is_some()) {
        protocol = format!("{protocol} {port}");
    }
    let directions = [("egress", &found.egress), ("ingress", &found.ingress)];
    let judged = directions
        .into_iter()
        .filter(|(_, judgement)| judgement.applies != Applies::NoEndpoint);
    Ok(PolicyExplained {
        from: end(turn, &found.from),
        to: end(turn, &found.to),
        port: protocol,
        verdict: verdict(found.allowed),
        directions: judged
            .map(|(name, judgement)| direction(name, judgement))
            .collect(),
    })
}

fn packet(explain: &PolicyExplain) -> Result<Packet, ErrorBody> {
    let protocol = match explain.protocol.to_ascii_lowercase().as_str() {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => Some(Protocol::Sctp),
        "" => return Err(body(Code::INVALID_CONFIG, "protocol: missing")),
        _ => None,
    };
    let port = match (protocol, explain.port) {
        (Some(_), Some(0)) => Err("port: 0 is none"),
        (Some(_), Some(port)) => Ok(port),
        (Some(_), None) => Err("port: missing: TCP, UDP and SCTP have ports"),
        (None, Some(_)) => Err("port: this protocol has none"),
        (None, None) => Ok(0),
    };
    let port = port.map_err(|text| body(Code::INVALID_CONFIG, text))?;
    Ok(Packet { protocol, port })
}

fn party(field: &str, asked: &Asked) -> Result<Party, ErrorBody> {
    match asked {
        Asked::Address(ip) => Ok(Party::Address(*ip)),
        Asked::Pod(text) => match text.split_once('/') {
            Some((namespace, pod)) if !namespace.is_empty() && !pod.is_empty() => Ok(Party::Pod {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
            }),
            _ => {
                let text = format_args!("{field}: {text:?} is not NAMESPACE/NAME");
                Err(body(Code::INVALID_CONFIG, text))
            }
        },
    }
}

fn verdict(allowed: bool) -> String {
    match allowed {
        true => "allowed",
        false => "denied",
    }
    .to_owned()
}

fn end(turn: &Turn, end: &End) -> admin::End {
    let address = end.address.map(|ip| ip.to_string()).unwrap_or_default();
    let (kind, name, node, labels) = match &end.who {
        Who::Endpoint {
            id,
            namespace,
            pod,
            labels,
            ..
        } => {
            let name = match pod.as_str() {
                "" => id.container.as_str(),
                pod => pod,
            };
            let name = format!("{namespace}/{name}");
            ("pod", name, Some(id.node.clone()), Some(labels))
        }
        Who::Node { name, labels, .. } => ("node", name.clone(), None, Some(labels)),
        Who::Unknown => ("world", address, None, None),
    };
    let labels = labels.into_iter().flatten();
    let refused = match &end.who {
        Who::Endpoint { id, .. } => turn.refused_groups(id),
        Who::Node { .. } | Who::Unknown => Vec::new(),
    };
    admin::End {
        kind: kind.to_owned(),
        name,
        node,
        addresses: end.address.into_iter().collect(),
        labels: labels
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
        refused_groups: refused,
    }
}

fn direction(name: &str, judgement: &Judgement) -> DirectionExplained {
    let rules = judgement.policies.iter();
    DirectionExplained {
        direction: name.to_owned(),
        verdict: verdict(judgement.allowed),
        why: match judgement.applies {
            Applies::Policies => why(judgement.by.as_ref(), name),
            Applies::Node => "a node and its own containers always talk".to_owned(),
            Applies::Itself => "it is the same container".to_owned(),
            Applies::NoEndpoint => "it is no container".to_owned(),
        },
        audit: judgement
            .audited
            .as_ref()
            .map(|decided| format!("would be denied: {}", why(Some(decided), name))),
        rules: rules
            .flat_map(|policy| of_policy(name, policy, judgement.by.as_ref()))
            .collect(),
    }
}

fn why(decided: Option<&Decided>, direction: &str) -> String {
    match decided {
        Some(Decided::Rule {
            policy,
            index,
            name,
            ..
        }) => {
            let rule = rule(direction, *index, name.as_deref());
            format!("{} {rule} decides", title(policy.as_ref()))
        }
        Some(Decided::NotAllowed { policies, .. }) => {
            let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
            let names = match names.is_empty() {
                true => "its groups".to_owned(),
                false => names.join(", "),
            };
            format!("no rule of {names} allows it")
        }
        Some(Decided::Nothing) | None => "no policy says anything".to_owned(),
    }
}

fn title(policy: Option<&ObjectName>) -> String {
    policy.map_or_else(|| "groups".to_owned(), ToString::to_string)
}

fn rule(direction: &str, index: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{direction}[{index}] {name:?}"),
        None => format!("{direction}[{index}]"),
    }
}

/// The rules of a policy; one without rules is told all the same, since it refuses what others do not allow.
fn of_policy(direction: &str, policy: &PolicySaid, by: Option<&Decided>) -> Vec<RuleExplained> {
    let line = |rule: String, action: &str, outcome: &str| RuleExplained {
        policy: title(policy.policy.as_ref()),
        tier: match policy.stage {
            Stage::Admin => "admin",
            Stage::Network => "namespace",
            Stage::Baseline => "baseline",
        }
        .to_owned(),
        rule,
        action: action.to_owned(),
        outcome: outcome.to_owned(),
        audit: policy.audit,
    };
    if policy.rules.is_empty() {
        return vec![line(direction.to_owned(), "deny", "has no rule")];
    }
    let decides = |rule: &RuleSaid| by.is_some_and(|by| by.number() == rule.number);
    let said = policy.rules.iter().map(|said| {
        let action = match said.action {
            Action::Accept => "accept",
            Action::Deny => "deny",
            Action::Pass => "pass",
        };
        let outcome = match said.fits {
            RuleFits::Yes if decides(said) => "decides",
            RuleFits::Yes if policy.audit => "fits, and only reports",
            RuleFits::Yes if said.action == Action::Pass => "fits, and passes on",
            RuleFits::Yes => "fits, after another",
            RuleFits::OtherPeer => "is about others",
            RuleFits::OtherPort => "is about other ports",
        };
        line(
            rule(direction, said.index, said.name.as_deref()),
            action,
            outcome,
        )
    });
    said.collect()
}
