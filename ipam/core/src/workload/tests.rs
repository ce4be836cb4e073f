//! Workloads: which names are whose, and that no two share a claim.

use super::*;
use proptest::prelude::*;

fn facts(namespace: &str, pod: &str, owner: &str, claim: &str) -> PodFacts {
    let given = |text: &str| Some(text.to_owned());
    PodFacts {
        namespace: given(namespace),
        pod: given(pod),
        owner: given(owner),
        claim: given(claim),
    }
}

fn identify(namespace: &str, pod: &str, owner: &str, claim: &str) -> Option<Workload> {
    Workload::identify(&facts(namespace, pod, owner, claim)).unwrap()
}

fn refused(namespace: &str, pod: &str, owner: &str, claim: &str) -> (&'static str, String) {
    let error = Workload::identify(&facts(namespace, pod, owner, claim)).unwrap_err();
    (error.field(), error.to_string())
}

#[test]
fn nothing_known_is_nobody() {
    assert_eq!(Workload::identify(&PodFacts::default()), Ok(None));
    // Podman: a container's name and no namespace.
    assert_eq!(identify("", "web-1", "", ""), None);
    assert_eq!(identify("prod", "", "", ""), None);
}

#[test]
fn a_stateful_sets_pod_is_known_by_its_name() {
    let workload = identify("prod", "db-0", "", "").unwrap();
    assert_eq!(workload.claim.as_str(), "prod/db-0");
    assert_eq!(workload.kind, ClaimKind::Single);
    assert_eq!(workload.app.unwrap().as_str(), "StatefulSet/prod/db");
    assert_eq!((workload.ordinal, workload.by_hand), (Some(0), false));
    let workload = identify("prod", "my-db-12", "", "").unwrap();
    assert_eq!(workload.app.unwrap().as_str(), "StatefulSet/prod/my-db");
    for other in [
        "db",
        "db-01",
        "db--",
        "-1",
        "db-1x",
        "db-24567",
        "db-4294967296",
    ] {
        assert_eq!(identify("prod", other, "", ""), None, "{other}");
    }
}

#[test]
fn a_deployments_pod_is_known_by_its_name() {
    for (pod, name) in [
        ("front-7c5ddbdf54-x2k9p", "front"),
        ("nginx-deployment-75675f5897-7ci7o", ""),
        ("nginx-deployment-75675f5897-7cw7z", "nginx-deployment"),
        // All digits at the end: a Deployment's first.
        ("front-7c5ddbdf54-24567", "front"),
        ("front-66b6c48dd5-zzzzz", "front"),
        // A DaemonSet's, a Job's, a CronJob's.
        ("kube-proxy-x2k9p", ""),
        ("backup-28512345-x2k9p", ""),
        ("backup-29999999-24567", ""),
        ("job-0-x2k9p", ""),
        ("-7c5ddbdf54-x2k9p", ""),
        ("front-7c5ddbdf54z-x2k9p", ""),
        ("front-7c5dd-x2k9p", ""),
    ] {
        let workload = identify("prod", pod, "", "");
        match name {
            "" => assert_eq!(workload, None, "{pod}"),
            name => {
                let workload = workload.unwrap();
                assert_eq!(workload.claim.as_str(), format!("prod/Deployment/{name}"));
                assert_eq!(workload.kind, ClaimKind::Set);
                assert_eq!(
                    workload.app.unwrap().as_str(),
                    format!("Deployment/prod/{name}")
                );
                assert_eq!(workload.ordinal, None);
            }
        }
    }
}

#[test]
fn the_hash_alphabet_is_kubernetes() {
    // fmt.Sprint(4294967295) and fmt.Sprint(1234567890), as rand.SafeEncodeString writes them.
    let encode = |number: &str| -> String {
        let at = |c: u8| char::from(SUFFIX[usize::from(c) % SUFFIX.len()]);
        number.bytes().map(at).collect()
    };
    for number in ["4294967295", "1234567890", "100000"] {
        assert!(template_hash(&encode(number)), "{}", encode(number));
    }
    assert_eq!(encode("0123456789"), "456789bcdf");
}

#[test]
fn an_owner_that_was_said_beats_the_name() {
    let set = identify("prod", "x-7c5ddbdf54-x2k9p", "Deployment/front", "").unwrap();
    assert_eq!(set.claim.as_str(), "prod/Deployment/front");
    assert_eq!(set.kind, ClaimKind::Set);
    let set = identify("prod", "p", "ReplicaSet/front-7c5ddbdf54", "").unwrap();
    assert_eq!(set.claim.as_str(), "prod/Deployment/front");
    let set = identify("prod", "p", "ReplicaSet/front", "").unwrap();
    assert_eq!(set.claim.as_str(), "prod/ReplicaSet/front");
    let single = identify("prod", "db-70000", "StatefulSet/db", "").unwrap();
    assert_eq!(single.claim.as_str(), "prod/db-70000");
    assert_eq!(single.ordinal, Some(70_000));
    let single = identify("marathon", "any", "Task/db", "").unwrap();
    assert_eq!(single.claim.as_str(), "marathon/Task/db");
    assert_eq!(single.kind, ClaimKind::Single);
    for none in ["DaemonSet/x", "Job/x", "CronJob/x", "Pod/x-1"] {
        assert_eq!(identify("prod", "x-1", none, ""), None, "{none}");
    }
}

#[test]
fn a_name_by_hand_beats_all() {
    let workload = identify("", "", "", "the-db").unwrap();
    assert_eq!(workload.claim.as_str(), "the-db");
    assert!(workload.by_hand);
    assert_eq!((workload.app, workload.ordinal), (None, None));
    let workload = identify("prod", "db-1", "", "blue/db").unwrap();
    assert_eq!(workload.claim.as_str(), "blue/db");
    assert_eq!(workload.app.unwrap().as_str(), "StatefulSet/prod/db");
    assert_eq!(workload.ordinal, Some(1));
}

#[test]
fn what_cannot_be_is_refused_and_names_its_field() {
    let long = "x".repeat(300);
    for (found, field, text) in [
        (
            refused("", "", "", "a b"),
            "claim",
            "\"a b\" is no claim name",
        ),
        (
            refused("", "", "", "~borrow/n1/c/eth0"),
            "claim",
            "~borrow/n1/c/eth0 is reserved",
        ),
        (
            refused("", "", "", "prod/Deployment/front#2"),
            "claim",
            "is reserved",
        ),
        (refused("", "", "", &long), "claim", "is no claim name"),
        (
            refused("prod", "p", "front", ""),
            "owner",
            "\"front\" is not KIND/NAME",
        ),
        (
            refused("prod", "p", "Deploymnet/front", ""),
            "owner",
            "one of the kinds StatefulSet",
        ),
        (
            refused("prod", "p", "Deployment/", ""),
            "owner",
            "is not KIND/NAME",
        ),
        (
            refused("prod", "p", "Deployment/a/b", ""),
            "owner",
            "is not KIND/NAME",
        ),
        (
            refused("prod", "p", "Deployment/a#1", ""),
            "owner",
            "is not KIND/NAME",
        ),
        (
            refused("prod", "web-0", "StatefulSet/db", ""),
            "owner",
            "\"web-0\" is not db-NUMBER",
        ),
        (
            refused("prod", "", "StatefulSet/db", ""),
            "owner",
            "\"\" is not db-NUMBER",
        ),
        (
            refused("", "p", "Deployment/front", ""),
            "namespace",
            "the namespace is missing",
        ),
        (
            refused("a/b", "p", "Deployment/front", ""),
            "namespace",
            "no name: \"a/b\"",
        ),
        (
            refused("prod", "p", &format!("Deployment/{long}"), ""),
            "owner",
            "at most 242",
        ),
        (
            refused("prod", "p", "nonsense", "good"),
            "owner",
            "is not KIND/NAME",
        ),
    ] {
        assert_eq!(found.0, field, "{}", found.1);
        assert!(found.1.contains(text), "{}", found.1);
    }
}

#[test]
fn a_guess_that_fits_no_claim_is_nobody() {
    for (namespace, pod) in [
        ("prod/Deployment", "front-0"),
        ("~borrow", "n1-0"),
        ("prod", "front#1-0"),
        ("prod", "a b-0"),
        ("..", "db-0"),
        ("pr\u{f6}d", "db-0"),
        ("prod", &format!("{}-0", "x".repeat(240))),
        ("prod", &format!("{}-7c5ddbdf54-x2k9p", "x".repeat(240))),
    ] {
        assert_eq!(identify(namespace, pod, "", ""), None, "{namespace} {pod}");
    }
}

/// Who a workload is, apart from its claim's name.
fn who(facts: &PodFacts, workload: &Workload) -> (Option<String>, Option<String>, Option<u32>) {
    let app = workload.app.as_ref().map(ToString::to_string);
    (facts.namespace.clone(), app, workload.ordinal)
}

fn any_facts() -> impl Strategy<Value = PodFacts> {
    let namespace = prop_oneof!["[ab]{1,2}", "[a/~#.]{0,3}", Just("a/Deployment".to_owned())];
    let pod = prop_oneof![
        "[ab]-[0-9]{1,2}",
        "[ab](-[ab])?-[45bc]{5,7}-[bx2]{5}",
        "[-a0/#~.]{0,6}",
        Just("Deployment/a".to_owned()),
    ];
    let owner = prop_oneof![
        4 => Just(String::new()),
        1 => "(StatefulSet|Deployment|ReplicaSet|Task|Job|x)/[ab](-[45bc]{6})?",
    ];
    (namespace, pod, owner).prop_map(|(namespace, pod, owner)| facts(&namespace, &pod, &owner, ""))
}

proptest! {
    #[test]
    fn no_two_workloads_share_a_claim(a in any_facts(), b in any_facts()) {
        let one = Workload::identify(&a).ok().flatten();
        let other = Workload::identify(&b).ok().flatten();
        if let Some((one, other)) = one.zip(other) && one.claim == other.claim {
            prop_assert_eq!(who(&a, &one), who(&b, &other));
        }
    }

    #[test]
    fn nothing_panics(namespace in ".{0,12}", pod in ".{0,40}", owner in ".{0,20}", claim in ".{0,20}") {
        if let Ok(Some(workload)) = Workload::identify(&facts(&namespace, &pod, &owner, &claim)) {
            prop_assert_eq!(workload.by_hand, !claim.is_empty());
            prop_assert!(!workload.claim.as_str().starts_with('~'));
        }
    }
}
