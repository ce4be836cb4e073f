//! Conditions: what an object's status says became of it.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a judge said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is in force.
    Accepted,
    /// It is not valid, by itself or beside others.
    Refused(String),
    /// One of its name is there that came another way.
    Foreign(String),
}

/// Longer texts are refused by the API server.
const LONGEST: usize = 32_768;

/// As the API server has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    observed_generation: i64,
    last_transition_time: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// Reads an object's conditions; what is none is left out, and will be written anew.
pub(crate) fn read(conditions: Option<Value>) -> Vec<Condition> {
    let all = match conditions {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    };
    let read = all.into_iter().map(serde_json::from_value);
    read.filter_map(Result::ok).collect()
}

/// What they are to be. A time changes with the status only.
pub(crate) fn wanted(
    there: &[Condition],
    generation: i64,
    verdict: &Verdict,
    now: Timestamp,
) -> Vec<Condition> {
    let (status, reason, message) = match verdict {
        Verdict::Accepted => ("True", "Accepted", "It is valid."),
        Verdict::Refused(text) => ("False", "Invalid", text.as_str()),
        Verdict::Foreign(text) => ("False", "Conflict", text.as_str()),
    };
    // Whoever is refused may have been in force before, and that is not changed by it.
    let ready = match verdict {
        Verdict::Accepted => ("True", "InForce", "It is in force."),
        _ => (
            "False",
            "NotAccepted",
            "This generation is not in force; the last one that was accepted is, if there was one.",
        ),
    };
    let new = |kind: &str, (status, reason, message): (&str, &str, &str)| {
        let before = there.iter().find(|one| one.kind == kind);
        let since = before.filter(|one| one.status == status);
        Condition {
            kind: kind.to_owned(),
            status: status.to_owned(),
            observed_generation: generation,
            last_transition_time: match since {
                Some(same) => same.last_transition_time.clone(),
                None => now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            },
            reason: reason.to_owned(),
            message: clip(message),
        }
    };
    vec![
        new("Accepted", (status, reason, message)),
        new("Ready", ready),
    ]
}

/// Is it as it is to be? Other conditions are somebody else's.
pub(crate) fn is_so(there: &[Condition], wanted: &[Condition]) -> bool {
    wanted.iter().all(|one| there.contains(one))
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST / 4) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn refused(text: &str) -> Verdict {
        Verdict::Refused(text.to_owned())
    }

    #[test]
    fn a_time_changes_with_the_status_only() {
        let first = wanted(&[], 1, &refused("spec.cidr: no"), at(0));
        assert_eq!(first[0].last_transition_time, "1970-01-01T00:00:00Z");
        assert_eq!(
            (first[0].status.as_str(), first[1].status.as_str()),
            ("False", "False")
        );
        assert_eq!(first[0].message, "spec.cidr: no");
        // Another text, a later generation: still refused since then.
        let second = wanted(&first, 2, &refused("spec.vni: no"), at(60));
        assert_eq!(
            second[0].last_transition_time,
            first[0].last_transition_time
        );
        assert_eq!(
            (second[0].observed_generation, second[0].message.as_str()),
            (2, "spec.vni: no")
        );
        assert!(!is_so(&first, &second));
        let third = wanted(&second, 3, &Verdict::Accepted, at(90));
        assert_eq!(third[0].last_transition_time, "1970-01-01T00:01:30Z");
        assert_eq!(third[1].reason, "InForce");
        assert!(is_so(
            &third,
            &wanted(&third, 3, &Verdict::Accepted, at(1000))
        ));
    }

    #[test]
    fn what_others_write_stays_out_of_it() {
        let there = json!([
            { "type": "Other", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
            { "type": 5 },
            { "type": "Accepted", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
              "reason": "Accepted", "message": "It is valid.", "observedGeneration": 4 },
            { "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
              "reason": "InForce", "message": "It is in force.", "observedGeneration": 4 },
        ]);
        let there = read(Some(there));
        assert_eq!(there.len(), 3);
        assert!(is_so(&there, &wanted(&there, 4, &Verdict::Accepted, at(9))));
        assert!(!is_so(
            &there,
            &wanted(&there, 5, &Verdict::Accepted, at(9))
        ));
        assert_eq!(read(Some(json!("x"))), []);
        let long = wanted(&[], 1, &refused(&"ü".repeat(LONGEST)), at(0));
        assert!(long[0].message.len() <= LONGEST && long[0].message.ends_with('…'));
    }
}
