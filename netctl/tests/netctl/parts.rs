//! Lists that come in parts are one document; every verb that lists takes them so.

use crate::{answers, answers_bgp, answers_policy, answers_rate, fake::Fake};
use fairway_api::{Body, ErrorBody};
use serde_json::{Value, json};

/// The first row in a part of its own, then nothing, then the rest.
fn parted(rows: &Value) -> Vec<Body> {
    let rows = rows.as_array().unwrap();
    let (first, rest) = rows.split_first().unwrap();
    vec![
        Body::Part(json!([first])),
        Body::Part(json!([])),
        Body::Ok(json!(rest)),
    ]
}

#[test]
fn every_list_is_put_together() {
    let objects = json!([{"kind": "Namespace", "metadata": {"name": "a"}}, {"kind": "Namespace", "metadata": {"name": "b"}}]);
    let cases = [
        ("pool ls", answers::pools()),
        ("ipam ls", answers::addresses()),
        ("claim ls", answers::claims()),
        ("claim rm --app Deployment/shop/front", answers::claims()),
        ("node ls", answers::nodes()),
        ("network ls", answers::networks()),
        ("route ls", answers::routes()),
        ("endpoint ls", answers::endpoints()),
        ("endpoint failed", answers::failed_calls()),
        ("policy ls", answers_policy::policies()),
        ("rate ls", answers_rate::rates()),
        ("rate history", answers_rate::history()),
        ("bgp routes", answers_bgp::routes()),
        ("get ns", objects),
    ];
    for (line, rows) in cases {
        assert!(rows.as_array().is_some_and(|rows| rows.len() > 1), "{line}");
        let whole = Fake::answering(rows.clone());
        let parts = Fake::serving(move |_| parted(&rows));
        for format in ["json", "table"] {
            let line = format!("{line} -o {format}");
            let (one, many) = (whole.run(&line), parts.run(&line));
            assert_eq!(
                (many.status, many.err.as_str()),
                (0, ""),
                "{line}: {many:?}"
            );
            assert_eq!(many.out, one.out, "{line}");
        }
    }
}

/// The proof is three lists in one; each part has some rows of each.
#[test]
fn the_proof_is_put_together() {
    let mut whole = answers::audit(false);
    for list in ["pools", "findings", "nodes"] {
        let rows = whole[list].as_array_mut().unwrap();
        rows.extend(rows.clone());
        assert!(rows.len() > 1, "{list}");
    }
    let cut = |from: fn(usize) -> std::ops::Range<usize>| {
        let mut part = whole.clone();
        for rows in part.as_object_mut().unwrap().values_mut() {
            let all = rows.as_array().unwrap();
            *rows = json!(all[from(all.len())]);
        }
        part
    };
    let frames = [
        Body::Part(cut(|_| 0..1)),
        Body::Part(cut(|_| 0..0)),
        Body::Ok(cut(|all| 1..all)),
    ];
    let one = Fake::answering(whole);
    let parts = Fake::serving(move |_| frames.to_vec());
    for format in ["json", "table"] {
        let line = format!("ipam check -o {format}");
        let (one, many) = (one.run(&line), parts.run(&line));
        assert_eq!((many.status, many.out), (one.status, one.out), "{line}");
        assert_eq!(many.err, "", "{line}");
    }
}

#[test]
fn parts_before_a_refusal_are_not_shown() {
    let fake = Fake::serving(|_| {
        let body = ErrorBody {
            code: 11,
            message: "the daemon ends".to_owned(),
            details: String::new(),
        };
        vec![Body::Part(answers::addresses()), Body::Error(body)]
    });
    for format in ["json", "yaml", "table"] {
        let ran = fake.run(&format!("ipam ls -o {format}"));
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.contains("the daemon ends"), "{ran:?}");
    }
}
