//! `flows`.

use crate::{
    answers_policy as answers,
    fake::{Fake, ran},
    output::shows,
    schemas::Schema,
    watch::Watching,
};
use fairway_api::{Body, ErrorBody, Method, admin::FlowList};
use fairway_lab::poll;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const LONG: Duration = Duration::from_secs(20);

fn list(method: &Method) -> &FlowList {
    match method {
        Method::FlowList(list) => list,
        other => unreachable!("{other:?}"),
    }
}

/// A daemon that has as many flows as the counter says; it gives two at once.
fn growing(many: &Arc<AtomicU64>) -> Fake {
    let many = many.clone();
    Fake::serving(move |method| {
        let list = list(method);
        let many = many.load(Ordering::SeqCst);
        let from = list.after.unwrap_or(0) + 1;
        let flows: Vec<Value> = (from..=many.min(from + 1))
            .map(|number| answers::flow(number * 1000))
            .collect();
        let next = from - 1 + flows.len() as u64;
        vec![Body::Ok(json!({"flows": flows, "next": next, "missed": 0}))]
    })
}

#[test]
fn a_table_of_what_there_is() {
    let out = shows(
        answers::flows(),
        "flows",
        &[
            "dropped",
            "10.1.0.17:40000",
            "(shop/db-0)",
            "[fd01::6]:5353",
            "fw12345678",
            "89",
            "-",
            "deny-all",
        ],
    );
    assert!(out.contains("2026-11-28T20:12:01.042Z"), "{out}");
    assert!(
        out.ends_with("2 flows are missing: they came faster than they were told\n"),
        "{out}"
    );
    let none = json!({"flows": [], "next": 0, "missed": 0});
    assert_eq!(shows(none, "flows --drops", &[]), "no flows\n");
}

#[test]
fn all_parts_are_asked_for() {
    let many = Arc::new(AtomicU64::new(5));
    let fake = growing(&many);
    let ran = fake.run("flows --drops -o json");
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (answer["flows"].as_array().unwrap().len(), &answer["next"]),
        (5, &json!(5))
    );
    let asked: Vec<Value> = fake
        .asked()
        .into_iter()
        .map(|asked| asked["params"].clone())
        .collect();
    assert_eq!(asked[0], json!({"drops": true, "wait_ms": 0}));
    assert_eq!(asked[1], json!({"after": 2, "drops": true, "wait_ms": 0}));
    assert_eq!(asked.len(), 4);
}

#[test]
fn following_shows_each_once_and_what_was_missed() {
    let many = Arc::new(AtomicU64::new(3));
    let fake = growing(&many);
    let following = Watching::new(&fake, "flows --follow -o json");
    let lines = || following.read("out").lines().count();
    poll(LONG, "three flows", || lines() == 3).unwrap();
    many.store(5, Ordering::SeqCst);
    poll(LONG, "five flows", || lines() == 5).unwrap();
    for (number, line) in following.read("out").lines().enumerate() {
        let flow: Value = serde_json::from_str(line).unwrap();
        Schema::read("flow").must_describe("flows --follow", &flow);
        assert_eq!(flow["at"], json!((number + 1) * 1000));
    }
    assert_eq!(following.read("err"), "");
    let first = &fake.asked()[0]["params"];
    assert_eq!((first.get("after"), &first["drops"]), (None, &json!(false)));
    assert!(first["wait_ms"].as_u64().unwrap() > 0);

    // A fake that has no more holds nothing back: it is not asked without a pause.
    let before = fake.asked().len();
    poll(LONG, "more questions", || fake.asked().len() > before + 1).unwrap();
}

#[test]
fn a_line_is_for_people() {
    let fake = Fake::serving(|method| {
        vec![Body::Ok(match list(method).after {
            None => answers::flows(),
            Some(_) => json!({"flows": [], "next": 7, "missed": 0}),
        })]
    });
    let following = Watching::new(&fake, "flows -f --drops");
    poll(LONG, "three lines", || {
        following.read("out").lines().count() == 3
    })
    .unwrap();
    assert_eq!(
        following.read("out"),
        "2026-11-28T20:12:01.042Z dropped  ingress web/front: tcp 10.1.0.17:40000 (shop/db-0) to \
         10.1.0.18:80 (web/front), 74 bytes, denied, deny-all ingress[0]\n\
         2026-11-28T20:12:01.042Z allowed  egress  fw12345678: udp [fd01::5]:53 to [fd01::6]:5353, 90 bytes\n\
         2026-11-28T20:12:01.043Z audited  egress  web/front: 89 - to -, 60 bytes, audited\n"
    );
    assert_eq!(
        following.read("err"),
        "netctl: 2 flows are missing: they came faster than they were told\n"
    );
}

#[test]
fn a_daemon_that_comes_back_goes_on() {
    let many = Arc::new(AtomicU64::new(2));
    let fake = growing(&many);
    let following = Watching::new(&fake, "flows --follow -o json");
    let lines = || following.read("out").lines().count();
    poll(LONG, "two flows", || lines() == 2).unwrap();
    let away = fake.socket().with_extension("away");
    fs::rename(fake.socket(), &away).unwrap();
    fake.hang_up();
    poll(LONG, "the word that it is away", || {
        following.read("err").contains("no fairwayd at")
    })
    .unwrap();
    // It has the first two still, and they are not shown again.
    many.store(3, Ordering::SeqCst);
    fs::rename(&away, fake.socket()).unwrap();
    poll(LONG, "the third flow", || lines() >= 3).unwrap();
    let out = following.read("out");
    let ats: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["at"].clone())
        .collect();
    assert_eq!(ats, [1000, 2000, 3000]);
}

#[test]
fn it_ends_where_nobody_reads() {
    // Quiet after the first: nothing is written that would show it.
    let fake = growing(&Arc::new(AtomicU64::new(1)));
    let mut child = fake
        .command(["flows", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    poll(LONG, "its end", || child.try_wait().unwrap()).unwrap();
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
}

#[test]
fn a_refusal_later_ends_it_too() {
    let fake = Fake::serving(|method| {
        vec![match list(method).after {
            None => Body::Ok(answers::flows()),
            Some(_) => Body::Error(ErrorBody {
                code: 7,
                message: "no".to_owned(),
                details: String::new(),
            }),
        }]
    });
    let ran = fake.run("flows --follow");
    assert_eq!((ran.status, ran.out.lines().count()), (1, 3), "{ran:?}");
    assert!(ran.err.ends_with("netctl: no\n"), "{ran:?}");
}
