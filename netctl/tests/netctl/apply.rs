//! `apply`: what files say, and what is said of those that are wrong.

use crate::{
    answers_policy as answers,
    fake::{Fake, Ran, ran},
    output::shows,
};
use serde_json::{Value, json};
use std::{fs, io::Write, path::Path, process::Stdio};

/// Files in a folder of their own, and a daemon.
struct Bench {
    fake: Fake,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let fake = Fake::answering(answers::applied());
        Bench { fake, dir }
    }

    fn run(&self, names: &[&str]) -> Ran {
        let mut command = self.fake.command(["apply"]);
        for name in names {
            command.arg("-f").arg(match *name {
                "-" => Path::new("-").to_owned(),
                name => self.dir.path().join(name),
            });
        }
        ran(command.output().unwrap())
    }

    /// The objects that were sent.
    fn sends(&self, names: &[&str]) -> Value {
        let ran = self.run(names);
        assert_eq!(
            (ran.status, ran.err.as_str()),
            (0, ""),
            "{names:?}: {ran:?}"
        );
        let asked = self.fake.asked().pop().unwrap();
        assert_eq!(asked["method"], "object.apply");
        asked["params"]["objects"].clone()
    }

    /// Nothing was sent, and this was said.
    fn refuses(&self, names: &[&str], says: &str) {
        let before = self.fake.asked().len();
        let ran = self.run(names);
        assert_eq!(
            (ran.status, ran.out.as_str()),
            (1, ""),
            "{names:?}: {ran:?}"
        );
        let said = ran
            .err
            .replace(&format!("{}/", self.dir.path().display()), "");
        assert!(
            said.starts_with(&format!("netctl: {says}")),
            "{names:?}: {said:?}, not {says:?}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(self.fake.asked().len(), before);
    }
}

/// What is sent of one YAML file.
fn yaml(text: &str) -> Value {
    Bench::new(&[("f.yaml", text)]).sends(&["f.yaml"])
}

#[test]
fn files_come_in_their_order_and_folders_by_name() {
    let bench = Bench::new(&[
        ("b.yaml", "n: 2\n---\nn: 3\n"),
        ("a.json", "{\"n\": 1}"),
        ("c.yml", "n: 4"),
        ("README.md", "not: this\n"),
    ]);
    fs::create_dir(bench.dir.path().join("d.yaml")).unwrap();
    fs::write(bench.dir.path().join("d.yaml/x.yaml"), "n: 5").unwrap();
    let numbered =
        |numbers: &[u64]| -> Value { numbers.iter().map(|number| json!({"n": number})).collect() };
    assert_eq!(bench.sends(&["."]), numbered(&[1, 2, 3, 4]));
    assert_eq!(
        bench.sends(&["c.yml", "a.json", "d.yaml"]),
        numbered(&[4, 1, 5])
    );
    assert_eq!(bench.fake.asked().len(), 2, "one request each");
    bench.refuses(
        &["c.yml", "none.yaml"],
        "none.yaml: cannot be read: No such file",
    );

    let mut child = bench
        .fake
        .command(["apply", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"n: 9\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(bench.fake.asked()[2]["params"]["objects"], numbered(&[9]));
    bench.refuses(&["-", "-"], "-f -: given twice");
    bench.refuses(&["-"], "no objects in standard input");
    bench.refuses(&["README.md/x"], "README.md/x: cannot be read");
    assert_eq!(
        ran(bench.fake.command(["apply"]).output().unwrap()).status,
        2
    );
}

#[test]
fn what_is_no_object_is_passed_over() {
    let text = "\u{feff}# a comment\n---\n---\n# only this\n---\na: 1\n---\n\n---\nnull\n---\nb: 2\n...\n---\n";
    assert_eq!(yaml(text), json!([{"a": 1}, {"b": 2}]));
    for nothing in [
        "",
        "\n",
        "# comment",
        "---\n---\n",
        "\u{feff}",
        "kind: List\nitems: []\n",
    ] {
        Bench::new(&[("f.yaml", nothing)]).refuses(&["f.yaml"], "no objects in f.yaml");
    }
    let text = "%YAML 1.2\n---\r\na: 1\r\n---\r\nb: x\r\n";
    assert_eq!(yaml(text), json!([{"a": 1}, {"b": "x"}]));
}

#[test]
fn scalars_are_what_kubernetes_makes_of_them() {
    let text = "
labels: {country: no, on: yes, Off: Y, quoted: 'no', tilde: '~', version: \"1.10\", hash: '0e12'}
octal: [010, 0o10, '010', 08, 0080]
numbers: [1_000, 0x1F, 0b11, 8e1, 80.0, -5, +5, 1.5, 12345678901]
nulls: [~, null, Null, ]
empty:
dates: [2026-11-28, 2026-11-28T10:00:00Z, 1:30, 190:20:30]
text: [1.2.3.4, 10.0.0.0/8, fd00::/8, =, 0x, 1e, _1, '']
bools: [true, False, TRUE]
8080: {1: one}
folded: >-
  a
  b
literal: |
  - a
";
    assert_eq!(
        yaml(text),
        json!([{
            "labels": {
                "country": "no", "on": "yes", "Off": "Y", "quoted": "no", "tilde": "~",
                "version": "1.10", "hash": "0e12"
            },
            "octal": [8, 8, "010", 8, 80],
            "numbers": [1000, 31, 3, 80, 80, -5, 5, 1.5, 12_345_678_901_u64],
            "nulls": [null, null, null],
            "empty": null,
            "dates": ["2026-11-28", "2026-11-28T10:00:00Z", "1:30", "190:20:30"],
            "text": ["1.2.3.4", "10.0.0.0/8", "fd00::/8", "=", "0x", "1e", "_1", ""],
            "bools": [true, false, true],
            "8080": {"1": "one"},
            "folded": "a b",
            "literal": "- a\n"
        }])
    );
}

#[test]
fn lists_are_their_items() {
    let text = "
apiVersion: v1
kind: List
items:
- {kind: Pod, n: 1}
- {kind: List, items: [{kind: Namespace, n: 2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicyList
items: [{n: 3}, {kind: Other, n: 4}]
---
kind: PodList
";
    let three = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "n": 3});
    assert_eq!(
        yaml(text),
        json!([{"kind": "Pod", "n": 1}, {"kind": "Namespace", "n": 2}, three, {"kind": "Other", "n": 4}])
    );
    let bench = Bench::new(&[
        ("a.yaml", "kind: List\nitems: {}\n"),
        ("b.yaml", "a: 1\n---\nkind: List\nitems: [1]\n"),
        (
            "c.yaml",
            &"{kind: List, items: [".repeat(10).add(&"]}".repeat(10)),
        ),
    ]);
    bench.refuses(&["a.yaml"], "a.yaml, document 1, line 1: items: not a list");
    bench.refuses(&["b.yaml"], "b.yaml, document 2, line 3: not an object");
    bench.refuses(&["c.yaml"], "c.yaml, document 1, line 1: lists in lists");
}

trait Add {
    fn add(self, more: &str) -> String;
}

impl Add for String {
    fn add(self, more: &str) -> String {
        self + more
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let bench = Bench::new(&[
        ("tab.yaml", "a: 1\n---\nb:\n\tc: 1\n"),
        ("twice.yaml", "# one\n---\na: 1\n---\nb: 1\nc: 2\nb: 3\n"),
        ("open.yaml", "a: 1\n---\nb: [\n"),
        ("list.yaml", "- a: 1\n"),
        ("text.yaml", "a: 1\n---\n---\nwhat\n"),
        ("anchor.yaml", "a: *nobody\n"),
        ("inf.yaml", "a: .inf\n"),
        ("null.yaml", "null: 1\n"),
        ("bad.json", "{\"a\": 1}\n{\"b\":\n 1,}\n"),
        ("twice.json", "{\"a\": 1,\n \"a\": 2}"),
        ("list.json", "{\"a\": 1}\n\n[1]"),
        ("deep.json", &"[".repeat(100_000)),
        ("deep.yaml", &"[".repeat(100_000)),
    ]);
    fs::write(bench.dir.path().join("latin.yaml"), b"a: 1\nb: \xe9\n").unwrap();
    for (file, says) in [
        ("tab.yaml", "document 2, line 4: tabs"),
        ("twice.yaml", "document 2, line 7: "),
        ("open.yaml", "document 2, line 3: "),
        ("list.yaml", "document 1, line 1: not an object"),
        ("text.yaml", "document 3, line 4: not an object"),
        ("anchor.yaml", "document 1, line 1: "),
        ("inf.yaml", "document 1, line 1: "),
        ("null.yaml", "document 1, line 1: "),
        ("bad.json", "document 2, line 3: trailing comma"),
        (
            "twice.json",
            "document 1, line 2: the key \"a\" is there twice",
        ),
        ("list.json", "document 2, line 3: not an object"),
        ("deep.json", "document 1, line 1: recursion limit exceeded"),
        ("deep.yaml", "document 1, line 1: "),
        ("latin.yaml", "line 2: not UTF-8 text"),
    ] {
        bench.refuses(&[file], &format!("{file}, {says}"));
    }
}

#[test]
fn flow_yaml_is_not_taken_for_json() {
    let bench = Bench::new(&[
        ("a", "{a: no, b: [1,]}\n"),
        ("b", "{\"a\":\t1}\n{\"b\": 2.0}\n"),
    ]);
    assert_eq!(bench.sends(&["a"]), json!([{"a": "no", "b": [1]}]));
    assert_eq!(bench.sends(&["b"]), json!([{"a": 1}, {"b": 2.0}]));
}

#[test]
fn aliases_are_bounded() {
    let shared = "a: &x {b: [1, 2]}\nc: *x\nd:\n  <<: *x\n  e: 3\n";
    let x = json!({"b": [1, 2]});
    assert_eq!(
        yaml(shared),
        json!([{"a": x, "c": x, "d": {"b": [1, 2], "e": 3}}])
    );

    let mut many = "a: &a {b: 1}\nc:\n".to_owned();
    many.push_str(&"- *a\n".repeat(200));
    assert_eq!(yaml(&many)[0]["c"].as_array().unwrap().len(), 200);
    // A list of all that a request holds needs no aliases.
    let blocks = "- {cidr: 10.0.0.0/8}\n".repeat(150_000);
    assert_eq!(
        yaml(&format!("a:\n{blocks}"))[0]["a"]
            .as_array()
            .unwrap()
            .len(),
        150_000
    );

    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let many = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{many}]\n"));
    }
    // One long text, many times: few nodes, many bytes.
    let mut long = format!("a: &a {}\nb:\n", "x".repeat(1024 * 1024));
    long.push_str(&"- *a\n".repeat(5_000));
    let bench = Bench::new(&[("laughs.yaml", &laughs), ("long.yaml", &long)]);
    bench.refuses(&["laughs.yaml"], "laughs.yaml, document 1, line ");
    bench.refuses(&["long.yaml"], "long.yaml, document 1, line ");
}

#[test]
fn more_than_a_request_holds_is_refused_with_a_remedy() {
    let text = format!("a: {}\n---\n", "x".repeat(1024 * 1024)).repeat(4);
    let bench = Bench::new(&[
        ("big.yaml", &text),
        ("bigger.yaml", &"# x\n".repeat(5 * 1024 * 1024)),
    ]);
    bench.refuses(&["big.yaml"], "4 objects are 41");
    let ran = bench.run(&["big.yaml"]);
    assert!(
        ran.err.contains("holds 4194304: apply them in parts"),
        "{ran:?}"
    );
    bench.refuses(&["bigger.yaml"], "bigger.yaml: more than 16 MiB");
    // Something without an end.
    let zero = ran_of(&bench, "/dev/zero");
    assert!(zero.err.contains("/dev/zero: more than 16 MiB"), "{zero:?}");
}

fn ran_of(bench: &Bench, file: &str) -> Ran {
    ran(bench.fake.command(["apply", "-f", file]).output().unwrap())
}

#[test]
fn what_was_done_is_a_table_and_warnings_are_below() {
    let bench = Bench::new(&[("f.yaml", "a: 1")]);
    let ran = bench.run(&["f.yaml"]);
    assert_eq!(
        ran.out,
        "KIND                  NAMESPACE  NAME       DONE
NetworkPolicy         web        allow-dns  created
ClusterNetworkPolicy             deny-all   configured
Namespace                        web        unchanged
warning: ClusterNetworkPolicy deny-all: spec.ingress[0]: never asked, since spec.ingress[1] fits all
"
    );
    let file = bench.dir.path().join("f.yaml");
    let line = format!("apply -f {} -o json", file.display());
    let json: Value = serde_json::from_str(&shows(answers::applied(), &line, &[])).unwrap();
    assert_eq!(json, answers::applied());
    let line = format!("apply -f {} -o yaml", file.display());
    let yaml = shows(answers::applied(), &line, &[]);
    assert_eq!(
        serde_saphyr::from_str::<Value>(&yaml).unwrap(),
        answers::applied()
    );
}

#[test]
fn what_the_daemon_refuses_names_object_and_field() {
    let bench = Bench::new(&[("f.yaml", "a: 1\n---\n# two\nb: 1\n")]);
    let fault = "NetworkPolicy web/x: spec.podSelektor: no such field";
    let other = "objects[1]: kind: must be given\nobjects[9]: what";
    let fake = Fake::refusing(7, fault, other);
    let file = bench.dir.path().join("f.yaml");
    let ran = fake.run(&format!("apply -f {}", file.display()));
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    let place = file.display();
    assert_eq!(
        ran.err,
        format!(
            "netctl: {fault}\n        {place}, document 2, line 4: kind: must be given\n        objects[9]: what\n"
        )
    );
}
