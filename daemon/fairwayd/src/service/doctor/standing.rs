//! What else is to be known of this node: policies, rates and BGP, and what has been left of containers that are gone.

use super::judge::{failed, ok, warning};
use crate::sweep::Seen;
use fairway_api::admin::{Check, PolicyStatus};
use fairway_ipam::Lease;

/// How policies stand; `many` is how many there are.
pub(super) fn policy(status: &PolicyStatus, many: usize) -> Vec<Check> {
    let why = status.problems.join("; ");
    match (status.enforced, status.problems.is_empty(), many) {
        (true, true, _) => vec![ok("policy", format!("{many} policies are in force"))],
        // Nobody asks for it.
        (false, _, 0) => vec![ok(
            "policy",
            format!("there is none, and none would be in force: {why}"),
        )],
        (false, _, many) => {
            let text = format!("{many} policies are not in force: {why}");
            let remedy = "a kernel with eBPF (CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_ACT), [policy] enforce = true";
            vec![failed("policy", text, Some(remedy.to_owned()))]
        }
        (true, false, _) => status
            .problems
            .iter()
            .map(|problem| failed("policy", problem, None))
            .collect(),
    }
}

/// Each problem of a part of the daemon.
pub(super) fn problems(name: &str, well: &str, problems: &[String]) -> Vec<Check> {
    match problems {
        [] => vec![ok(name, well)],
        problems => problems
            .iter()
            .map(|problem| warning(name, problem, None))
            .collect(),
    }
}

/// Containers that have addresses and are gone, or are there and must not use them.
pub(super) fn left(leases: &[Lease], seen: Result<&Seen, String>) -> Vec<Check> {
    const NAME: &str = "leftovers";
    let mut checks = Vec::new();
    for lease in leases.iter().filter(|lease| lease.cut_off) {
        let text = format!(
            "{} is cut off: its addresses were given on to others",
            lease.attachment
        );
        let remedy = "restart the container: it gets others".to_owned();
        checks.push(failed(NAME, text, Some(remedy)));
    }
    match seen {
        Err(error) => checks.push(warning(NAME, error, None)),
        Ok(seen) => {
            let gone: Vec<String> = leases
                .iter()
                .filter(|lease| seen.is_gone(lease))
                .map(|lease| lease.attachment.to_string())
                .collect();
            if !gone.is_empty() {
                let (first, more) = (&gone[0], gone.len() - 1);
                let others = match more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let text = format!("{first}{others}: gone, and no DEL came for it");
                let remedy =
                    "that passes within two minutes; where it does not: netctl ipam check --fix";
                checks.push(warning(NAME, text, Some(remedy.to_owned())));
            }
        }
    }
    if checks.is_empty() {
        let text = format!(
            "all of {} containers with addresses are there",
            leases.len()
        );
        checks.push(ok(NAME, text));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::NetnsState;
    use fairway_ipam::{AttachmentId, UnixSeconds};

    fn lease(container: &str, cut_off: bool) -> Lease {
        Lease {
            attachment: AttachmentId {
                network: "net".into(),
                container: container.into(),
                ifname: "eth0".into(),
            },
            netns: None,
            addresses: Vec::new(),
            claim: None,
            label: None,
            seq: 1,
            since: UnixSeconds(1),
            cut_off,
        }
    }

    fn states(checks: &[Check]) -> Vec<&str> {
        checks.iter().map(|check| check.state.as_str()).collect()
    }

    #[test]
    fn policies_that_are_not_in_force_fail_where_there_are_any() {
        let status = |enforced, problems: &[&str]| PolicyStatus {
            enforced,
            problems: problems.iter().map(|text| (*text).to_owned()).collect(),
            endpoints: 1,
            maps: Vec::new(),
            packets: Vec::new(),
        };
        assert_eq!(states(&policy(&status(true, &[]), 3)), ["ok"]);
        assert_eq!(states(&policy(&status(false, &["no eBPF"]), 0)), ["ok"]);
        let without = policy(&status(false, &["no eBPF"]), 3);
        assert_eq!(states(&without), ["failed"]);
        assert_eq!(without[0].text, "3 policies are not in force: no eBPF");
        assert_eq!(
            states(&policy(&status(true, &["a", "b"]), 1)),
            ["failed", "failed"]
        );
    }

    #[test]
    fn who_is_gone_and_who_is_cut_off_is_told() {
        let mut seen = Seen::default();
        let leases = [lease("a", false), lease("b", true), lease("c", false)];
        assert_eq!(states(&left(&leases[..1], Ok(&seen))), ["ok"]);
        for gone in [&leases[0], &leases[2]] {
            let id = gone.attachment.clone();
            seen.netns.insert(id, NetnsState::Gone);
        }
        let found = left(&leases, Ok(&seen));
        assert_eq!(states(&found), ["failed", "warning"]);
        assert!(found[0].text.contains("net/b/eth0"), "{found:?}");
        assert!(found[1].text.contains("net/a/eth0 and 1 more"), "{found:?}");
        // Its link is there: somebody uses it.
        for gone in [&leases[0], &leases[2]] {
            seen.aliases.insert(crate::alias::alias(&gone.attachment));
        }
        assert_eq!(states(&left(&leases[..1], Ok(&seen))), ["ok"]);
        assert_eq!(states(&left(&[], Err("x".to_owned()))), ["warning"]);
    }

    #[test]
    fn each_problem_is_a_check() {
        assert_eq!(states(&problems("bgp", "well", &[])), ["ok"]);
        let two = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            states(&problems("bgp", "well", &two)),
            ["warning", "warning"]
        );
    }
}
