use super::*;
use fairway_kv::{Change, Entry, ROOT, Revision};
use serde_json::{Value, json};

fn entry(key: &str, object: Value) -> Entry {
    Entry {
        key: format!("{ROOT}{key}"),
        value: json!({"version": 1, "object": object})
            .to_string()
            .into_bytes(),
        created: Revision(1),
        modified: Revision(1),
    }
}

fn definition(namespace: &str, name: &str, config: &str) -> Entry {
    let object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": namespace, "name": name}, "spec": {"config": config}});
    entry(&format!("definitions/{namespace}/{name}"), object)
}

fn pod(name: &str, uid: &str, networks: &str) -> Entry {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name,
        "annotations": {feed::UID: uid, feed::NETWORKS: networks}}});
    entry(&format!("workloads/Pod/shop/{name}"), object)
}

fn reset(entries: Vec<Entry>) -> Update {
    Update::Reset {
        revision: Revision(1),
        entries,
    }
}

fn changes(changes: Vec<Change>) -> Update {
    Update::Changes {
        revision: Revision(2),
        changes,
    }
}

fn names(names: &[(&str, &str)]) -> Find {
    let name = |(namespace, name): &(&str, &str)| Name {
        namespace: (*namespace).to_owned(),
        name: (*name).to_owned(),
    };
    Find {
        names: names.iter().map(name).collect(),
        pod: None,
    }
}

fn of_pod(name: &str, uid: Option<&str>, wait: bool) -> Find {
    Find {
        names: Vec::new(),
        pod: Some(Pod {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            uid: uid.map(str::to_owned),
            wait,
        }),
    }
}

fn titles(found: &Found) -> Vec<String> {
    let titles = found.definitions.iter().map(|one| {
        let config = one.config.as_ref().map(|config| config["name"].clone());
        format!("{}/{} {}", one.name.namespace, one.name.name, json!(config))
    });
    titles.collect()
}

const FAST: &str = r#"{"type": "macvlan"}"#;

#[tokio::test]
async fn what_the_store_shows_is_found() {
    let all = Definitions::new();
    all.store(&reset(vec![
        definition("shop", "fast", FAST),
        definition("shop", "here", ""),
        definition("all", "slow", r#"{"name": "own", "type": "x"}"#),
        pod("db-0", "u-1", "fast, all/slow, gone"),
        pod("db-1", "u-2", "a/b/c"),
    ]));
    let asked = names(&[
        ("shop", "here"),
        ("all", "slow"),
        ("shop", "slow"),
        ("all", "slow"),
    ]);
    let found = all.find(asked, true).await.unwrap();
    assert_eq!(titles(&found), ["all/slow \"own\"", "shop/here null"]);
    // A pod's annotation comes with what it names.
    let found = all
        .find(of_pod("db-0", Some("u-1"), true), true)
        .await
        .unwrap();
    assert_eq!(found.networks.as_deref(), Some("fast, all/slow, gone"));
    assert_eq!(titles(&found), ["all/slow \"own\"", "shop/fast \"fast\""]);
    // What is wrong with it the plugin tells.
    let found = all.find(of_pod("db-1", None, true), true).await.unwrap();
    assert_eq!(
        (found.networks.as_deref(), found.definitions),
        (Some("a/b/c"), vec![])
    );
    // Changes, and what a newer program wrote.
    let newer = Entry {
        value: br#"{"version": 2}"#.to_vec(),
        ..definition("shop", "fast", FAST)
    };
    all.store(&changes(vec![
        Change::Put(newer),
        Change::Deleted {
            key: format!("{ROOT}definitions/all/slow"),
            revision: Revision(2),
        },
        Change::Put(pod("db-1", "u-3", "here")),
    ]));
    all.store(&Update::Lost);
    let found = all.find(of_pod("db-0", None, true), true).await.unwrap();
    assert_eq!(titles(&found), ["shop/fast \"fast\""]);
    assert_eq!(all.problems().len(), 1);
    let found = all
        .find(of_pod("db-1", Some("u-3"), true), true)
        .await
        .unwrap();
    assert_eq!(titles(&found), ["shop/here null"]);
}

#[tokio::test]
async fn nobody_is_answered_by_what_was_never_seen() {
    let all = Definitions::patient(Duration::ZERO);
    let error = all
        .find(names(&[("shop", "fast")]), true)
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::TRY_AGAIN.number());
    all.store(&reset(Vec::new()));
    let found = all.find(names(&[("shop", "fast")]), true).await.unwrap();
    assert_eq!(found, Found::default());
}

#[tokio::test]
async fn a_pod_that_is_not_there_is_refused() {
    let all = Definitions::patient(Duration::ZERO);
    all.store(&reset(vec![pod("db-0", "u-1", "fast")]));
    // Another of this name was before it.
    let code = |find: Find, follows: bool| {
        let all = all.clone();
        async move { all.find(find, follows).await.unwrap_err().code }
    };
    for (name, uid) in [("db-0", Some("u-2")), ("db-1", None)] {
        let again = Code::TRY_AGAIN.number();
        assert_eq!(code(of_pod(name, uid, true), true).await, again, "{name}");
        // A DEL does not wait.
        let found = all.find(of_pod(name, uid, false), true).await.unwrap();
        assert_eq!(found, Found::default());
    }
    let wrong = Code::INVALID_CONFIG.number();
    assert_eq!(code(of_pod("db-1", None, true), false).await, wrong);
}

#[tokio::test]
async fn a_pod_that_is_not_there_yet_is_waited_for() {
    let all = Definitions::patient(Duration::from_secs(600));
    let waits = tokio::spawn({
        let all = all.clone();
        async move { all.find(of_pod("db-0", Some("u-2"), true), true).await }
    });
    tokio::task::yield_now().await;
    all.store(&reset(vec![pod("db-0", "u-1", "fast")]));
    tokio::task::yield_now().await;
    all.store(&changes(vec![Change::Put(pod("db-0", "u-2", "slow"))]));
    let found = waits.await.unwrap().unwrap();
    assert_eq!(found.networks.as_deref(), Some("slow"));
}

fn deleted(key: &str) -> Change {
    Change::Deleted {
        key: format!("{ROOT}{key}"),
        revision: Revision(2),
    }
}

/// A name is not an object: what is deleted and made anew is another, and what it was before says nothing of it.
#[tokio::test]
async fn what_is_deleted_and_remade_is_another() {
    let all = Definitions::patient(Duration::ZERO);
    let asks = |uid: Option<&'static str>| {
        let all = all.clone();
        async move {
            let found = all.find(of_pod("db-0", uid, true), true).await;
            found.map(|found| (found.networks.clone(), titles(&found)))
        }
    };
    all.store(&reset(vec![
        definition("shop", "fast", FAST),
        pod("db-0", "u-1", "fast"),
    ]));
    let said = |networks: &str, titles: &[&str]| {
        let titles = titles.iter().map(|title| (*title).to_owned()).collect();
        (Some(networks.to_owned()), titles)
    };
    let fast = said("fast", &["shop/fast \"fast\""]);
    assert_eq!(asks(Some("u-1")).await.unwrap(), fast);
    let gone = [
        deleted("workloads/Pod/shop/db-0"),
        deleted("definitions/shop/fast"),
    ];
    all.store(&changes(gone.to_vec()));
    for uid in [Some("u-1"), None] {
        let error = asks(uid).await.unwrap_err();
        assert_eq!(error.code, Code::TRY_AGAIN.number(), "{error:?}");
        assert!(error.message.contains("has not come"), "{error:?}");
    }
    // Both come again: the pod is another, and the object says something else.
    let again = definition("shop", "fast", r#"{"name": "anew", "type": "x"}"#);
    let both = [Change::Put(pod("db-0", "u-2", "fast")), Change::Put(again)];
    all.store(&changes(both.to_vec()));
    let error = asks(Some("u-1")).await.unwrap_err();
    assert!(error.message.contains("one before it"), "{error:?}");
    let anew = said("fast", &["shop/fast \"anew\""]);
    assert_eq!(asks(Some("u-2")).await.unwrap(), anew);
    // Who does not say which takes what has the name.
    assert_eq!(asks(None).await.unwrap(), anew);
    // What a store that is read anew does not show is there no more.
    all.store(&reset(vec![pod("db-0", "u-2", "fast")]));
    assert_eq!(asks(Some("u-2")).await.unwrap(), said("fast", &[]));
    all.store(&reset(Vec::new()));
    assert!(asks(Some("u-2")).await.is_err());
}

/// By hand a pod is applied without a uid, and is whatever pod of the name asks.
#[tokio::test]
async fn a_pod_of_no_uid_is_any_of_its_name() {
    let all = Definitions::patient(Duration::ZERO);
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "db-0",
        "annotations": {feed::NETWORKS: "fast"}}});
    all.store(&reset(vec![entry("workloads/Pod/shop/db-0", object)]));
    for uid in [Some("u-9"), None] {
        let found = all.find(of_pod("db-0", uid, true), false).await.unwrap();
        assert_eq!(found.networks.as_deref(), Some("fast"), "{uid:?}");
    }
}

/// Each lies at its own place: what lies elsewhere is nobody else's.
#[tokio::test]
async fn what_lies_at_another_place_is_not_taken_for_it() {
    let all = Definitions::patient(Duration::ZERO);
    let other = definition("all", "fast", FAST);
    let misplaced = |namespace: &str, name: &str| Entry {
        key: format!("{ROOT}definitions/{namespace}/{name}"),
        ..other.clone()
    };
    let mut elsewhere = pod("db-0", "u-1", "fast");
    elsewhere.key = format!("{ROOT}workloads/Pod/all/db-0");
    let mut no_pod = pod("db-0", "u-1", "fast");
    no_pod.key = format!("{ROOT}workloads/Namespace/shop/db-0");
    all.store(&reset(vec![
        other.clone(),
        misplaced("shop", "fast"),
        misplaced("all", "slow"),
        elsewhere,
        no_pod,
    ]));
    let asked = names(&[("shop", "fast"), ("all", "slow"), ("all", "fast")]);
    let found = all.find(asked.clone(), true).await.unwrap();
    assert_eq!(titles(&found), ["all/fast \"fast\""]);
    let mut problems = all.problems();
    problems.sort();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems.iter().all(|one| one.contains("holds all/fast")),
        "{problems:?}"
    );
    assert!(all.find(of_pod("db-0", None, true), true).await.is_err());
    // The one that was misplaced goes, and no other with it.
    all.store(&changes(vec![deleted("definitions/shop/fast")]));
    let found = all.find(asked, true).await.unwrap();
    assert_eq!(titles(&found), ["all/fast \"fast\""]);
    assert_eq!(all.problems().len(), 1);
}

#[cfg(feature = "k8s")]
#[test]
fn both_sides_have_the_same_words() {
    assert_eq!(feed::UID, fairway_k8s::UID);
    assert_eq!(feed::NETWORKS, fairway_k8s::NETWORKS);
}
