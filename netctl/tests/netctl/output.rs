//! Tables, documents, and what a terminal gets that a file does not.

use crate::{
    answers,
    fake::{Fake, ran},
};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Runs netctl on a terminal of so many columns (`script` makes one); what it showed, with `\r` taken out.
fn on_terminal(fake: &Fake, line: &str, columns: u16, no_colour: bool) -> String {
    let netctl = env!("CARGO_BIN_EXE_netctl");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!(
            "stty cols {columns} rows 50; exec '{netctl}' {line}"
        ))
        .arg("/dev/null")
        .env("FAIRWAY_SOCKET", fake.socket())
        .env("TERM", "xterm")
        .env("NO_COLOR", if no_colour { "1" } else { "" })
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = ran(output);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.out.replace('\r', "")
}

#[test]
fn tables_say_it_all() {
    let shows = |answer: Value, line: &str, parts: &[&str]| {
        let ran = Fake::answering(answer).run(line);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
        let words: Vec<&str> = ran.out.split_whitespace().collect();
        for part in parts {
            assert!(words.contains(part), "{line}: {part}:\n{}", ran.out);
        }
        assert!(!ran.out.contains('\x1b'), "colour in a file");
        assert!(ran.out.ends_with('\n') && !ran.out.contains(" \n"));
        ran.out
    };
    let pools = shows(
        answers::pools(),
        "pool ls",
        &[
            "web",
            "10.1.0.0/16",
            "(draining)",
            "fd01::/64",
            "18446744073709617136",
            "rack=a",
            "2h",
            "retiring",
        ],
    );
    assert!(!pools.contains("NAMESPACES"), "an empty column");
    let rows = shows(
        answers::addresses(),
        "ipam ls",
        &[
            "10.1.0.17",
            "live",
            "shop/db-0",
            "8d4f2a6c1b0e…",
            "eth0",
            "fd01::5",
            "cooling",
        ],
    );
    assert_eq!(rows.lines().count(), 3);
    shows(
        answers::audit(true),
        "ipam check",
        &["ALLOCATED", "16", "yes", "store;"],
    );
    shows(
        answers::released(),
        "ipam release 10.1.0.17",
        &["10.1.0.17", "fd01::5"],
    );
    shows(
        answers::claims(),
        "claim ls",
        &[
            "shop/db-0",
            "net/8d4f2a6c1b0e…/eth0",
            "StatefulSet/shop/db",
            "3",
            "+1",
            "any",
        ],
    );
    shows(
        answers::nodes(),
        "node ls",
        &["n1", "alive", "rack=a,zone=x", "(answers)", "away"],
    );
    shows(
        answers::node_removed(),
        "node rm n2",
        &["FREED", "4", "12", "3"],
    );
    shows(answers::status(), "status", &["n1", "etcd", "NO"]);
    shows(answers::pool(), "pool rm web", &["web", "retires:"]);
    let gone = shows(answers::pool(), "pool rm web --wait", &["gone"]);
    assert_eq!(
        gone,
        "pool web is gone
"
    );
    for line in ["pool ls", "ipam ls", "claim ls", "node ls"] {
        shows(Value::Array(vec![]), line, &["no"]);
    }
    shows(
        serde_json::json!({"addresses": []}),
        "ipam release 10.0.0.1",
        &["nothing"],
    );
}

#[test]
fn documents_are_one_and_the_answer_itself() {
    let cases = [
        ("pool ls", answers::pools()),
        ("pool rm web", answers::pool()),
        ("ipam ls", answers::addresses()),
        ("ipam check", answers::audit(true)),
        ("claim ls", answers::claims()),
        ("node ls", answers::nodes()),
        ("status", answers::status()),
    ];
    for (line, answer) in cases {
        let fake = Fake::answering(answer.clone());
        let json = fake.run(&format!("{line} -o json"));
        let parsed: Value = serde_json::from_str(&json.out).unwrap();
        // The answer has what the schema makes optional left out; nothing else may differ.
        assert!(holds(&parsed, &answer), "{line}: {}", json.out);
        assert_eq!(
            json.out,
            fake.run(&format!("-o json {line}")).out,
            "not stable"
        );
        let yaml = fake.run(&format!("{line} -o yaml"));
        assert_eq!(
            serde_saphyr::from_str::<Value>(&yaml.out).unwrap(),
            parsed,
            "{line}: {}",
            yaml.out
        );
    }
}

/// Does `all` hold what `some` holds?
fn holds(all: &Value, some: &Value) -> bool {
    match (all, some) {
        (Value::Object(all), Value::Object(some)) => some.iter().all(|(key, value)| {
            all.get(key).is_some_and(|found| holds(found, value)) || empty(value)
        }),
        (Value::Array(all), Value::Array(some)) => {
            all.len() == some.len() && all.iter().zip(some).all(|(all, some)| holds(all, some))
        }
        _ => all == some,
    }
}

fn empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn a_table_fits_its_terminal() {
    let fake = Fake::answering(answers::claims());
    let file = fake.run("claim ls").out;
    for columns in [60, 80, 300] {
        let shown = on_terminal(&fake, "claim ls", columns, true);
        for line in shown.lines() {
            assert!(
                line.chars().count() <= columns.into(),
                "{columns}:\n{shown}"
            );
        }
        // Nothing was cut off.
        let letters = |text: &str| {
            let mut letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            letters.sort_unstable();
            letters
        };
        assert_eq!(letters(&shown), letters(&file), "{columns}:\n{shown}");
    }
}

#[test]
fn a_terminal_gets_colour_unless_it_is_told_not_to() {
    let fake = Fake::answering(answers::nodes());
    let shown = on_terminal(&fake, "node ls", 120, false);
    assert!(
        shown.contains("\x1b[32malive") && shown.contains("\x1b[31maway"),
        "{shown:?}"
    );
    assert!(!on_terminal(&fake, "node ls", 120, true).contains('\x1b'));
    assert!(!on_terminal(&fake, "node ls -o json", 120, false).contains('\x1b'));
}

#[test]
fn long_work_shows_a_bar_on_a_terminal() {
    let fake = Fake::serving(|_| {
        vec![
            crate::fake::progress("blocks given back", 1, Some(4)),
            fairway_api::Body::Ok(answers::node_removed()),
        ]
    });
    let shown = on_terminal(&fake, "node rm n2", 100, true);
    assert!(
        shown.contains("blocks given back [") && shown.contains("1/4"),
        "{shown:?}"
    );
}

#[test]
fn whoever_has_seen_enough_is_not_told_off() {
    let fake = Fake::answering(answers::pools());
    let mut child = fake
        .command(["pool", "ls"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}
