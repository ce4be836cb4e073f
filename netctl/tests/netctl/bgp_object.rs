//! `BgpConfig` and `BgpPeer` objects: made and deleted in a line, and as a table.

use crate::{answers_bgp as answers, fake::Fake, output::shows, requests::asks, schemas::Schema};
use fairway_api::{Body, Method};
use serde_json::{Value, json};

#[test]
fn what_is_asked() {
    asks(
        json!({"kind": "BgpPeer", "name": "tor", "done": "deleted"}),
        &[(
            "bgp neighbor rm tor",
            "object.remove",
            json!({"kind": "BgpPeer", "name": "tor"}),
        )],
    );
    asks(
        answers::objects(),
        &[
            ("get bgppeers", "object.list", json!({"kind": "bgppeers"})),
            (
                "get BgpConfig all",
                "object.list",
                json!({"kind": "BgpConfig", "name": "all"}),
            ),
        ],
    );
}

/// It has these objects, and takes others.
fn holding(objects: Value) -> Fake {
    Fake::serving(move |method| {
        vec![Body::Ok(match method {
            Method::ObjectList(_) => objects.clone(),
            _ => json!([{
                "kind": "BgpPeer", "name": "edge", "done": "created",
                "warnings": ["export: it tells what other neighbours told"]
            }]),
        })]
    })
}

#[test]
fn a_neighbour_is_added_as_an_object() {
    let of = |spec: Value| {
        json!({
            "apiVersion": "fairway.network/v1alpha1", "kind": "BgpPeer",
            "metadata": {"name": "edge"}, "spec": spec
        })
    };
    let all = json!({"rules": [], "default": "Accept"});
    for (options, spec) in [
        (
            "--address 10.0.0.9 --as 65001",
            json!({"address": "10.0.0.9", "asn": 65001}),
        ),
        (
            "--address fd00::9 --as internal",
            json!({"address": "fd00::9", "asn": "Internal"}),
        ),
        (
            "--as EXTERNAL --accept-all --address fd00::9",
            json!({"address": "fd00::9", "asn": "External", "import": all, "export": all}),
        ),
        // Which numbers are an AS's, the daemon says.
        (
            "--address 10.0.0.9 --as 0",
            json!({"address": "10.0.0.9", "asn": 0}),
        ),
    ] {
        for objects in [json!([]), answers::objects()] {
            let fake = holding(objects);
            let ran = fake.run(&format!("bgp neighbor add edge {options}"));
            assert_eq!(
                (ran.status, ran.err.as_str()),
                (0, ""),
                "{options}: {ran:?}"
            );
            assert_eq!(
                ran.out,
                "KIND     NAME  DONE\nBgpPeer  edge  created\nwarning: BgpPeer edge: export: it tells what other neighbours told\n"
            );
            let asked = fake.asked();
            assert_eq!(asked.len(), 2, "{asked:?}");
            assert_eq!(asked[0]["params"], json!({"kind": "BgpPeer"}));
            assert_eq!(asked[1]["method"], "object.apply");
            assert_eq!(asked[1]["params"]["objects"], json!([of(spec.clone())]));
        }
    }
}

/// Its rules would be gone.
#[test]
fn a_neighbour_that_is_there_is_not_put_another_in_place_of() {
    let fake = holding(answers::objects());
    let ran = fake.run("bgp neighbor add tor --address 10.0.0.9 --as 65001");
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{ran:?}");
    assert_eq!(
        ran.err,
        "netctl: BgpPeer tor: there is one already; netctl apply -f FILE changes it, netctl bgp neighbor rm tor deletes it\n"
    );
    let asked = fake.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["method"], "object.list");
}

#[test]
fn objects_have_a_table() {
    assert_eq!(
        shows(answers::objects(), "get bgppeers", &[]),
        "NAME   NODES    ADDRESS      AS        LISTEN                            IMPORT               EXPORT
all    all                   64512     nowhere
racks  rack1-*                         port 1179 of 10.0.0.0/8, fd00::1
       n9
open   all                             port 179 of all
tor    rack1-*  10.0.0.1     65001                                       1 rule, else Reject  2 rules, else Accept
racks  all      10.9.0.0/16  65001                                                            Accept
                             65002
mesh   all      fd00::9      Internal
"
    );
}

#[test]
fn what_add_and_rm_write_is_described() {
    let read = |fake: Fake, line: &str| {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let line = "bgp neighbor add edge --address 10.0.0.9 --as 65001 -o json";
    Schema::read("apply").must_describe(line, &read(holding(json!([])), line));
    let line = "bgp neighbor rm tor -o json";
    let gone = Fake::answering(json!({"kind": "BgpPeer", "name": "tor", "done": "deleted"}));
    Schema::read("delete").must_describe(line, &read(gone, line));
}
