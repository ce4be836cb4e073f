//! `bgp`: what it asks, and how it is shown.

use crate::{
    answers_bgp as answers,
    fake::Fake,
    output::{holds, on_terminal, shows},
    requests::asks,
    watch::Watching,
};
use fairway_lab::poll;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn what_is_asked() {
    asks(answers::peers(), &[("bgp peers", "bgp.peers", Value::Null)]);
    let address = json!({"address": "fd00::2"});
    asks(
        answers::neighbor(),
        &[
            ("bgp neighbor fd00::2", "bgp.neighbor", address.clone()),
            ("bgp neighbor show fd00::2", "bgp.neighbor", address.clone()),
            ("bgp neighbor -o json show fd00::2", "bgp.neighbor", address),
        ],
    );
    asks(
        answers::routes(),
        &[
            ("bgp routes", "bgp.routes", json!({})),
            (
                "bgp routes 0.0.0.0/0",
                "bgp.routes",
                json!({"prefix": "0.0.0.0/0"}),
            ),
            (
                "bgp routes --received 10.0.0.1",
                "bgp.routes",
                json!({"received": "10.0.0.1"}),
            ),
            (
                "bgp routes fd01::/64 --advertised fd00::2",
                "bgp.routes",
                json!({"prefix": "fd01::/64", "advertised": "fd00::2"}),
            ),
        ],
    );
    asks(
        json!({}),
        &[
            (
                "bgp reset 10.0.0.1",
                "bgp.reset",
                json!({"address": "10.0.0.1", "soft": false}),
            ),
            (
                "bgp reset fd00::2 --soft",
                "bgp.reset",
                json!({"address": "fd00::2", "soft": true}),
            ),
        ],
    );
}

#[test]
fn wrong_lines_are_status_2() {
    let fake = Fake::answering(json!([]));
    for (line, says) in [
        ("bgp", "Usage"),
        ("bgp peers 10.0.0.1", "10.0.0.1"),
        ("bgp neighbor", "<ADDRESS>"),
        ("bgp neighbor tor", "<ADDRESS>"),
        ("bgp neighbor show", "<ADDRESS>"),
        ("bgp neighbor show 10.0.0.300", "<ADDRESS>"),
        (
            "bgp neighbor 10.0.0.1 show 10.0.0.1",
            "10.0.0.1 stands before a verb",
        ),
        ("bgp neighbor add --address 10.0.0.1 --as 1", "<NAME>"),
        ("bgp neighbor add tor --as 65001", "--address"),
        ("bgp neighbor add tor --address 10.0.0.1", "--as"),
        ("bgp neighbor add tor --address x --as 65001", "--address"),
        (
            "bgp neighbor add tor --address 10.0.0.1 --as x",
            "not an AS",
        ),
        (
            "bgp neighbor add tor --address 10.0.0.1 --as 4294967296",
            "not an AS",
        ),
        (
            "bgp neighbor add tor --address 10.0.0.1 --as 1 --watch",
            "--watch",
        ),
        ("bgp neighbor rm", "<NAME>"),
        ("bgp neighbor rm tor --watch", "--watch"),
        ("bgp routes 10.0.0.0", "PREFIX"),
        ("bgp routes 10.0.0.1/24", "the prefix is 10.0.0.0/24"),
        ("bgp routes --received tor", "--received"),
        (
            "bgp routes --received 10.0.0.1 --advertised 10.0.0.1",
            "--advertised",
        ),
        ("bgp reset", "<ADDRESS>"),
        ("bgp reset tor", "<ADDRESS>"),
        ("bgp reset 10.0.0.1 --watch", "--watch"),
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.err.contains(says), "{line}: {ran:?}");
    }
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn peers_have_a_table() {
    assert_eq!(
        shows(answers::peers(), "bgp peers", &[]),
        "AS 64512, router 192.0.2.1, listens on 0.0.0.0:179, [::]:179
PEER      OBJECT         AS          STATE        SINCE  FAMILY        RECEIVED   ACCEPTED  ADVERTISED  FLAPS  WHY
10.0.0.1  BgpPeer/tor    65001       Established  2h     ipv4-unicast  12         10        3           0
                                                         ipv6-unicast  4          2         3
fd00::2   BgpPeer/spine  4200000001  Active       2m     ipv6-unicast  7 (stale)  7         0           3      the hold timer expired
10.0.0.3  BgpPeer/new                Connect      1m                                                    0      connection refused
problem: BgpPeer/old: BgpPeer/tor has its address 10.0.0.1
"
    );
    let mut up = answers::peers();
    up["listening"] = json!([]);
    up["peers"] = json!([up["peers"][0]]);
    let out = shows(up, "bgp peers", &["Established"]);
    assert!(
        out.contains("listens nowhere\n") && !out.contains("WHY"),
        "{out}"
    );
}

#[test]
fn a_speaker_without_neighbours_says_what_is_missing() {
    assert_eq!(
        shows(answers::off(), "bgp peers", &[]),
        "BGP is off: no BgpConfig and no BgpPeer is for this node; netctl bgp neighbor add NAME --address ADDRESS --as N makes a BgpPeer\n"
    );
    let mut alone = answers::off();
    alone["asn"] = json!(64512);
    assert_eq!(
        shows(alone.clone(), "bgp peers", &[]),
        "AS 64512, listens nowhere
no neighbours: no BgpPeer is for this node; netctl bgp neighbor add NAME --address ADDRESS --as N makes one
"
    );
    // What is wrong with objects may be why.
    alone["problems"] = json!(["BgpPeer/tor: it is the node itself"]);
    let out = shows(alone, "bgp peers", &[]);
    assert!(
        out.ends_with("\nproblem: BgpPeer/tor: it is the node itself\n"),
        "{out}"
    );
}

#[test]
fn a_neighbour_is_shown_whole() {
    let whole = "PEER     OBJECT         AS          STATE   SINCE  ROUTER        HOLD-TIME  FLAPS  WHY
fd00::2  BgpPeer/spine  4200000001  Active  2m     198.51.100.2  90s        3      the hold timer expired
warning: BgpPeer/spine: import: no policy: nothing of it is taken (RFC 8212)

FAMILY        RECEIVED   ACCEPTED  ADVERTISED
ipv6-unicast  7 (stale)  7         0

AGREED
4-octet AS
route refresh (enhanced)
graceful restart (120 s)

MESSAGES  OPEN  UPDATE  NOTIFICATION  KEEPALIVE  ROUTE-REFRESH
received  4     17      1             900        2
sent      5     6       3             901        1

NOTIFICATION  AGO  WHAT
received      1d   Cease, Administrative Reset: \"update\"
sent          2m   Hold Timer Expired

FAULTS  LAST
2       ORIGIN: 7 is none: its routes count as withdrawn
";
    for line in ["bgp neighbor fd00::2", "bgp neighbor show fd00::2"] {
        assert_eq!(shows(answers::neighbor(), line, &[]), whole, "{line}");
    }
    assert_eq!(
        shows(answers::stranger(), "bgp neighbor 10.0.0.3", &[]),
        "PEER      OBJECT       STATE    SINCE  FLAPS  WHY
10.0.0.3  BgpPeer/new  Connect  1m     0      connection refused

MESSAGES  OPEN  UPDATE  NOTIFICATION  KEEPALIVE  ROUTE-REFRESH
received  0     0       0             0          0
sent      0     0       0             0          0
"
    );
    // One of the two that may have gone wrong, and a hold time that is none.
    let mut some = answers::stranger();
    some["error_sent"] = json!({"what": "Hold Timer Expired", "at": answers::ago(60)});
    some["hold_time"] = json!(0);
    let out = shows(some, "bgp neighbor 10.0.0.3", &["HOLD-TIME", "none"]);
    assert!(
        out.ends_with("\nNOTIFICATION  AGO  WHAT\nsent          1m   Hold Timer Expired\n"),
        "{out}"
    );
}

#[test]
fn routes_have_a_table() {
    assert_eq!(
        shows(answers::routes(), "bgp routes", &[]),
        "BEST  PREFIX        NEXT-HOP  VIA                 PATH                 ORIGIN      LOCAL-PREF  MED  COMMUNITIES  FROM      WHY
*     0.0.0.0/0     10.0.0.1  10.0.0.1 dev eth0   65001 {65010 65011}  igp         200         0    64512:100    10.0.0.1  best: its LOCAL_PREF is the highest
                                                                                                    64512:1:2
      0.0.0.0/0     fd00::7   fd00:1::1 dev eth0  65002 65003          incomplete  100                           fd00::2   its LOCAL_PREF is 100, of another 200
*     10.1.48.0/26  here                                               igp                                       block     it is of this node
"
    );
    let own = json!([answers::routes()[2]]);
    let out = shows(own, "bgp routes 10.1.48.0/26", &["block", "here"]);
    for head in ["VIA", "PATH", "LOCAL-PREF", "MED", "COMMUNITIES"] {
        assert!(!out.contains(head), "{out}");
    }
    assert_eq!(shows(json!([]), "bgp routes", &[]), "no such routes\n");
}

#[test]
fn a_reset_is_told_in_a_line() {
    assert_eq!(
        shows(json!({}), "bgp reset 10.0.0.1", &[]),
        "the session with 10.0.0.1 ends and begins anew\n"
    );
    assert_eq!(
        shows(json!({}), "bgp reset 10.0.0.1 --soft", &[]),
        "the routes of 10.0.0.1 are asked for once more, and it is told all once more\n"
    );
    assert_eq!(shows(json!({}), "bgp reset 10.0.0.1 -o json", &[]), "{}\n");
}

#[test]
fn colours_tell_how_it_stands() {
    let fake = Fake::answering(answers::peers());
    let out = on_terminal(&fake, "bgp peers", 200, false);
    for part in [
        "\x1b[32mEstablished",
        "\x1b[31mActive",
        "\x1b[31mConnect",
        "\x1b[33m7 (stale)",
        "\x1b[33m3",
    ] {
        assert!(out.contains(part), "{part:?}: {out:?}");
    }
    let fake = Fake::answering(answers::neighbor());
    let out = on_terminal(&fake, "bgp neighbor fd00::2", 200, false);
    for part in ["\x1b[31mActive", "\x1b[33mHold Timer Expired", "\x1b[33m2"] {
        assert!(out.contains(part), "{part:?}: {out:?}");
    }
    let fake = Fake::answering(answers::routes());
    let out = on_terminal(&fake, "bgp routes", 200, false);
    assert!(out.contains("\x1b[32m*"), "{out:?}");
}

#[test]
fn documents_are_the_answer_itself() {
    for (line, answer) in [
        ("bgp peers", answers::peers()),
        ("bgp peers", answers::off()),
        ("bgp neighbor fd00::2", answers::neighbor()),
        ("bgp neighbor show 10.0.0.3", answers::stranger()),
        ("bgp routes", answers::routes()),
    ] {
        let fake = Fake::answering(answer.clone());
        let json: Value = serde_json::from_str(&fake.run(&format!("{line} -o json")).out).unwrap();
        assert!(holds(&json, &answer), "{line}: {json}");
        let yaml = fake.run(&format!("{line} -o yaml")).out;
        assert_eq!(
            serde_saphyr::from_str::<Value>(&yaml).unwrap(),
            json,
            "{line}"
        );
    }
}

#[test]
fn a_refusal_is_status_1() {
    let fake = Fake::refusing(7, "address: 10.0.0.7 is no neighbour of this node", "");
    for line in [
        "bgp peers",
        "bgp neighbor 10.0.0.7",
        "bgp routes --received 10.0.0.7",
        "bgp reset 10.0.0.7",
        "bgp neighbor add x --address 10.0.0.7 --as 1",
        "bgp neighbor rm x",
    ] {
        let ran = fake.run(line);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        assert_eq!(
            ran.err, "netctl: address: 10.0.0.7 is no neighbour of this node\n",
            "{line}"
        );
    }
}

#[test]
fn what_only_looks_can_be_watched() {
    for (line, answer) in [
        ("bgp peers", answers::peers()),
        ("bgp neighbor fd00::2", answers::neighbor()),
        ("bgp neighbor show fd00::2", answers::neighbor()),
        ("bgp routes --received 10.0.0.1", answers::routes()),
    ] {
        let fake = Fake::answering(answer.clone());
        let watching = Watching::new(&fake, &format!("{line} --watch -o json"));
        poll(Duration::from_secs(20), line, || fake.asked().len() >= 2).unwrap();
        let json: Value = serde_json::from_str(&watching.read("out")).unwrap();
        assert!(holds(&json, &answer), "{line}: {json}");
    }
}
