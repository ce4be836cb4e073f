//! Our definitions on a real server: taken, served, shown, and held to.

use fairway_lab::Value;
use fairway_tests_k8s::{Bed, Result, User};

/// The states of a definition: a type of condition, and whether it is so.
fn conditions(crd: &Value) -> Vec<(&str, &str)> {
    let all = crd["status"]["conditions"].as_array();
    let all = all.into_iter().flatten();
    all.filter_map(|one| Some((one["type"].as_str()?, one["status"].as_str()?)))
        .collect()
}

#[test]
fn all_are_taken_and_served() -> Result {
    let bed = Bed::shared()?;
    for definition in fairway_crd::all() {
        let crd = bed.json(
            User::Admin,
            &format!("get crd {}.fairway.network", definition.plural),
        )?;
        let found = conditions(&crd);
        assert!(
            found.contains(&("Established", "True")),
            "{}: {crd}",
            definition.kind
        );
        assert!(
            found.contains(&("NamesAccepted", "True")),
            "{}: {crd}",
            definition.kind
        );
        assert!(
            !found.iter().any(|(kind, _)| *kind == "NonStructuralSchema"),
            "{}: {crd}",
            definition.kind
        );
    }
    let shown = bed.kubectl(
        User::Admin,
        "api-resources --api-group=fairway.network --no-headers",
    )?;
    for (short, kind) in [
        ("ipp", "IPPool"),
        ("ipc", "IPClaim"),
        ("fwnet", "Network"),
        ("rl", "RateLimit"),
        ("bgpp", "BgpPeer"),
        ("bgpc", "BgpConfig"),
    ] {
        let line = shown.lines().find(|line| line.ends_with(kind));
        assert!(
            line.is_some_and(|line| line.contains(&format!(" {short} "))),
            "{kind}: {shown}"
        );
    }
    Ok(())
}
