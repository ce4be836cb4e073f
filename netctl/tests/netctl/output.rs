//! Tables, documents, and what a terminal gets that a file does not.

use crate::{
    answers,
    fake::{Fake, ran},
};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Runs netctl on a terminal of so many columns (`script` makes one); what it showed, with `\r` taken out.
pub(crate) fn on_terminal(fake: &Fake, line: &str, columns: u16, no_colour: bool) -> String {
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

/// It is done, and each part is a word of what was written.
pub(crate) fn shows(answer: Value, line: &str, parts: &[&str]) -> String {
    let ran = Fake::answering(answer).run(line);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {ran:?}");
    let words: Vec<&str> = ran.out.split_whitespace().collect();
    for part in parts {
        assert!(words.contains(part), "{line}: {part}:\n{}", ran.out);
    }
    assert!(!ran.out.contains('\x1b'), "colour in a file");
    assert!(ran.out.ends_with('\n') && !ran.out.contains(" \n"));
    ran.out
}

#[test]
fn tables_say_it_all() {
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
            "cross-subnet",
            "blue",
            "off",
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
        answers::doctor(true),
        "doctor",
        &["CHECK", "etcd", "warning", "remedy:", "n1"],
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
        &[
            "n1",
            "alive",
            "192.0.2.1/24",
            "2001:db8::1/64",
            "1500",
            "rack=a,zone=x",
            "(answers)",
            "away",
        ],
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
    let empty = [
        "pool ls",
        "network ls",
        "route ls",
        "endpoint ls",
        "endpoint failed",
        "ipam ls",
        "claim ls",
        "node ls",
    ];
    for line in empty {
        shows(Value::Array(vec![]), line, &["no"]);
    }
    shows(
        serde_json::json!({"addresses": []}),
        "ipam release 10.0.0.1",
        &["nothing"],
    );
}

#[test]
fn networks_and_routes_have_tables_too() {
    let parts = [
        "blue", "4096", "web", "db", "shared", "IMPORTS", "PROBLEMS", "4097",
    ];
    shows(answers::networks(), "network ls", &parts);
    let one = serde_json::json!([answers::networks()[1]]);
    let quiet = shows(one, "network ls", &["shared"]);
    assert!(
        !quiet.contains("PROBLEMS") && !quiet.contains("IMPORTS"),
        "{quiet}"
    );
    let gone = shows(serde_json::json!({}), "network rm blue", &[]);
    assert_eq!(gone, "network blue is gone; its pools stay\n");
    let json = shows(serde_json::json!({}), "network rm blue -o json", &[]);
    assert_eq!(json, "{}\n");

    let parts = [
        "10.1.0.0/26",
        "192.0.2.2",
        "fd01::5/128",
        "installed",
        "pending",
        "conflict",
    ];
    shows(answers::routes(), "route ls", &parts);

    let parts = [
        "CONTAINER",
        "8d4f2a6c1b0e…",
        "eth0",
        "fw1",
        "fd01::5",
        "yes",
        "NO",
    ];
    shows(answers::endpoints(), "endpoint ls", &parts);
    let parts = ["8d4f2a6c1b0e9f7d5c3b1a0987654321", "net", "blue", "yes"];
    let show = shows(answers::endpoints(), "endpoint show 8d4f", &parts);
    assert!(!show.contains("77aa"), "{show}");
    let parts = [
        "2026-11-18T11:06:40Z",
        "bridge",
        "8d4f2a6c1b0e…",
        "101",
        "address",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "GC",
    ];
    shows(answers::failed_calls(), "endpoint failed", &parts);
}

#[test]
fn why_is_told_in_lines() {
    let why = shows(answers::explained(true), "route why 10.1.0.17", &[]);
    assert_eq!(
        why,
        "network: blue\n\
         address: 10.1.0.17\n\
         prefix:  10.1.0.0/26\n\
         way:     via 192.0.2.2\n\
         state:   pending: the kernel does not have it yet\n\
         \n\
         10.1.0.17/32\n    \
             claim shop/db-0 of pool web: unusable: node n9 has no underlay\n\
         \n\
         10.1.0.0/26\n    \
             block 10.1.0.0/26 of pool web: best: via 192.0.2.2, since it is near\n    \
             static route x: lost (via 192.0.2.9): another was preferred\n"
    );
    let why = shows(answers::explained(false), "route why fd01::9", &[]);
    assert_eq!(
        why,
        "network: blue\naddress: fd01::9\nprefix:  none: this network has no route to it\n"
    );
}

#[test]
fn problems_of_the_daemon_are_a_line_each_and_no_failure() {
    let out = shows(answers::troubled(), "status", &["FAILS"]);
    let problems: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("problem: "))
        .collect();
    assert_eq!(
        problems,
        [
            "problem: table 4096: somebody else's route 10.1.0.0/26",
            "problem: underlay: link eth7 is not there"
        ]
    );
    assert!(!shows(answers::status(), "status", &[]).contains("problem"));
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
        ("network ls", answers::networks()),
        ("network create blue --pool web", answers::network()),
        ("route ls", answers::routes()),
        ("route why 10.1.0.17", answers::explained(true)),
        ("endpoint ls", answers::endpoints()),
        ("endpoint failed", answers::failed_calls()),
        ("status", answers::status()),
        ("status", answers::troubled()),
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

/// What the daemon found comes first and as it is; then what netctl looks at itself.
#[test]
fn a_doctors_document_is_the_answer_and_more() {
    let answer = answers::doctor(false);
    let out = Fake::answering(answer.clone()).run("doctor -o json").out;
    let mut parsed: Value = serde_json::from_str(&out).unwrap();
    let checks = parsed["checks"].as_array_mut().unwrap();
    let own = checks.split_off(answer["checks"].as_array().unwrap().len());
    assert!(holds(&parsed, &answer), "{out}");
    let names: Vec<&str> = own
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[..2], ["plugins", "configurations"]);
}

/// Does `all` hold what `some` holds?
pub(crate) fn holds(all: &Value, some: &Value) -> bool {
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

/// Each list, in the narrowest terminal that is usual; what is told below it the terminal itself wraps.
#[test]
fn every_list_fits_80_columns_and_is_plain_where_no_colour_is_wanted() {
    let lists = crate::schemas::lists();
    assert!(lists.len() >= 12, "{}", lists.len());
    for (line, answer) in lists {
        let fake = Fake::answering(answer);
        let shown = on_terminal(&fake, line, 80, true);
        assert!(!shown.contains('\x1b'), "{line}: {shown:?}");
        for row in shown.lines().filter(|row| !row.starts_with("problem: ")) {
            assert!(row.chars().count() <= 80, "{line}:\n{shown}");
        }
        let coloured = on_terminal(&fake, line, 80, false);
        assert!(coloured.contains("\x1b[1m"), "{line}: {coloured:?}");
        let file = fake.run(line).out;
        assert!(!file.contains('\x1b'), "{line}: {file:?}");
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
