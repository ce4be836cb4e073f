use super::*;
use crate::Uid;

const VALUE: &str = r#"{"version": 1, "claim": {"uid": "j:1", "kind": "sticky", "release": "never",
    "handover": "strict", "created": 1, "parts": [{"state": "granted", "ip": "10.1.0.102"}]}}"#;

fn put(name: &str, modified: u64) -> Change {
    Change::Put(Entry {
        key: format!("/fairway/v1/claims/a/{name}"),
        value: VALUE.into(),
        created: Revision(1),
        modified: Revision(modified),
    })
}

fn renamed() -> Update {
    let key = "/fairway/v1/claims/a/old".to_owned();
    let revision = Revision(9);
    Update::Changes {
        revision,
        changes: vec![
            put("old", 8),
            Change::Deleted { key, revision },
            put("new", 9),
        ],
    }
}

/// A watch that begins anew may tell some of it again.
#[test]
fn a_claim_with_another_name_is_found_however_often_that_is_told() {
    let mut view = View::default();
    let uid: Uid = serde_json::from_str(r#""j:1""#).unwrap();
    for _ in 0..2 {
        view.apply(renamed());
        assert!(!view.is_gone(&uid));
        let (_, name, ..) = view.claim_by_uid(&uid).unwrap();
        assert_eq!(name.to_string(), "new");
        let (_, name) = view.claim_by_ip("10.1.0.102".parse().unwrap()).unwrap();
        assert_eq!(name.to_string(), "new");
    }
}
