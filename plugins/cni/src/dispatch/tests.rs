use super::*;
use crate::CniResult;
use std::sync::Mutex;

/// Answers ADD with an empty result and notes which verb was called.
#[derive(Default)]
struct Spy(Mutex<Vec<&'static str>>);

impl Spy {
    fn note(&self, verb: &'static str) {
        self.0.lock().unwrap().push(verb);
    }
}

impl Plugin for Spy {
    fn add(&self, _: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        self.note("ADD");
        Ok(CniResult::default())
    }
    fn del(&self, _: &Context<'_>, detach: &Detach) -> Result<(), Failure> {
        self.note(if detach.netns.is_some() {
            "DEL"
        } else {
            "DEL without netns"
        });
        Ok(())
    }
    fn check(&self, _: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        self.note("CHECK");
        Ok(())
    }
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        self.note("GC");
        Ok(())
    }
    fn status(&self, _: &Context<'_>) -> Result<(), Failure> {
        self.note("STATUS");
        Err(Failure::new(Code::UNAVAILABLE, "no more"))
    }
}

struct Called {
    status: u8,
    stdout: String,
    stderr: String,
    verbs: Vec<&'static str>,
}

impl Called {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    fn code(&self) -> u64 {
        assert_eq!(self.status, 1, "{}", self.stdout);
        self.json()["code"].as_u64().unwrap()
    }
}

fn run(vars: &[(&str, &str)], stdin: &str) -> Called {
    let spy = Spy::default();
    let vars: Vec<_> = vars
        .iter()
        .map(|(k, v)| ((*k).to_owned(), OsString::from(v)))
        .collect();
    let var = move |name: &str| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = serve(
        "spy",
        &[("spy", &spy)],
        &var,
        &mut stdin.as_bytes(),
        &mut stdout,
        &mut stderr,
    );
    Called {
        status,
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
        verbs: spy.0.into_inner().unwrap(),
    }
}

const CONF: &str = r#"{"cniVersion": "1.1.0", "name": "net", "type": "spy"}"#;

fn attach<'a>(verb: &'a str, netns: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("CNI_COMMAND", verb),
        ("CNI_CONTAINERID", "c1"),
        ("CNI_NETNS", netns),
        ("CNI_IFNAME", "eth0"),
        ("CNI_PATH", "/nowhere"),
    ]
}

#[test]
fn verbs_reach_the_plugin() {
    // Any existing file stands for a namespace here: what it is, is judged where it is opened.
    let add = run(&attach("ADD", "/"), CONF);
    assert_eq!(
        (add.status, add.json()),
        (0, json!({"cniVersion": "1.1.0", "dns": {}}))
    );
    for verb in ["CHECK", "DEL"] {
        let called = run(&attach(verb, "/"), CONF);
        assert_eq!((called.status, called.stdout.as_str()), (0, ""));
        assert_eq!(called.verbs, [verb]);
    }
    let status = run(&attach("STATUS", "/"), CONF);
    assert_eq!(status.code(), 50);
    let gc = CONF.replace('}', r#", "cni.dev/valid-attachments": []}"#);
    assert_eq!(run(&attach("GC", ""), &gc).verbs, ["GC"]);
    assert_eq!(run(&attach("GC", ""), CONF).code(), 7);
}

#[test]
fn the_order_of_the_checks() {
    let both = [("CNI_COMMAND", "ADD"), ("CNI_IFNAME", "a/b")];
    assert!(run(&both, "{").stdout.contains("CNI_CONTAINERID,CNI_NETNS"));
    let mut bad_form = attach("ADD", "/gone");
    bad_form[3].1 = "a/b";
    assert_eq!(run(&bad_form, "{").code(), 4);
    assert_eq!(run(&attach("ADD", "/gone"), "{").code(), 6);
    assert_eq!(run(&attach("ADD", "/gone"), "[]").code(), 6);
    assert_eq!(
        run(&attach("ADD", "/gone"), r#"{"cniVersion": "9.9.9"}"#).code(),
        7
    );
    assert_eq!(
        run(
            &attach("ADD", "/gone"),
            r#"{"cniVersion": "9.9.9", "name": "a/b"}"#
        )
        .code(),
        7
    );
    let old = r#"{"cniVersion": "0.3.1", "name": "n"}"#;
    let verb = run(&attach("CHECK", "/gone"), old);
    assert_eq!(verb.code(), 1);
    assert!(verb.stdout.contains("CHECK"), "{}", verb.stdout);
    assert_eq!(
        run(
            &attach("ADD", "/gone"),
            r#"{"cniVersion": "9.9.9", "name": "n"}"#
        )
        .code(),
        1
    );
    let gone = run(&attach("ADD", "/gone"), CONF);
    assert_eq!(gone.code(), 8);
    assert!(gone.verbs.is_empty());
}

#[test]
fn errors_answer_in_the_version_asked() {
    let old = run(
        &attach("ADD", "/gone"),
        r#"{"cniVersion": "0.4.0", "name": "n"}"#,
    );
    assert_eq!(old.json()["cniVersion"], "0.4.0");
    let absent = run(&attach("ADD", "/gone"), r#"{"name": "n"}"#);
    assert_eq!(absent.json()["cniVersion"], "0.1.0");
}

#[test]
fn the_own_namespace_is_refused_before_anything_is_done() {
    for verb in ["ADD", "CHECK", "DEL"] {
        let called = run(&attach(verb, "/proc/self/ns/net"), CONF);
        assert_eq!(called.code(), 8);
        assert!(called.verbs.is_empty());
        let mut vars = attach(verb, "/proc/self/ns/net");
        vars.push(("CNI_NETNS_OVERRIDE", "1"));
        assert_eq!(run(&vars, CONF).status, 0);
    }
}

#[test]
fn del_of_what_is_gone() {
    assert_eq!(
        run(&attach("DEL", "/gone"), CONF).verbs,
        ["DEL without netns"]
    );
    assert_eq!(run(&attach("DEL", ""), CONF).verbs, ["DEL without netns"]);
}

#[test]
fn version_echoes_whatever_comes() {
    for (stdin, echo) in [
        (r#"{"cniVersion": "0.4.0"}"#, "0.4.0"),
        (r#"{"cniVersion": "dummy"}"#, "dummy"),
        ("", "1.1.0"),
        ("]", "1.1.0"),
    ] {
        let answer = run(
            &[("CNI_COMMAND", "VERSION"), ("CNI_IFNAME", "dummy")],
            stdin,
        )
        .json();
        assert_eq!(answer["cniVersion"], echo);
        assert_eq!(answer["supportedVersions"].as_array().unwrap().len(), 7);
    }
}

#[test]
fn run_by_hand() {
    let called = run(&[], "");
    assert_eq!((called.status, called.stdout.as_str()), (0, ""));
    assert!(called.stderr.contains("CNI spy plugin") && called.stderr.contains("1.1.0"));
}

/// A chained plugin in this very binary: fails at ADD where its configuration says so.
struct Chained<'a>(&'a Spy);

impl Plugin for Chained<'_> {
    fn add(&self, context: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        self.0.note("chained ADD");
        match context.conf.root().flag("fail")? {
            true => Err(Failure::new(Code::INTERNAL, "as told")),
            false => Ok(context.conf.require_prev_result()?),
        }
    }
    fn del(&self, _: &Context<'_>, _: &Detach) -> Result<(), Failure> {
        self.0.note("chained DEL");
        Ok(())
    }
    fn check(&self, _: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        Ok(())
    }
    fn gc(&self, _: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Ok(())
    }
    fn status(&self, _: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

fn run_chain(verb: &str, conf: &Value) -> (u8, String, Vec<&'static str>) {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), dir.path().join("chained"))
        .unwrap();
    let mut vars = attach(verb, "/");
    let path = dir.path().to_str().unwrap().to_owned();
    vars[4].1 = &path;
    let var = |name: &str| {
        vars.iter()
            .find(|(k, _)| *k == name)
            .map(|(_, v)| OsString::from(v))
    };
    let spy = Spy::default();
    let chained = Chained(&spy);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let registry: &Registry<'_> = &[("spy", &spy), ("chained", &chained)];
    let conf = conf.to_string();
    let status = serve(
        "spy",
        registry,
        &var,
        &mut conf.as_bytes(),
        &mut stdout,
        &mut stderr,
    );
    let verbs = spy.0.lock().unwrap().clone();
    (status, String::from_utf8(stdout).unwrap(), verbs)
}

#[test]
fn failures_are_told_once_the_runtime_has_been() {
    let told = |vars: &[(&str, &str)], stdin: &str| {
        let heard = Mutex::new(Vec::new());
        let tell = |failed: &Failed<'_>| {
            let network = failed.network.map(str::to_owned);
            let (verb, code) = (failed.env.verb, failed.failure.code);
            heard
                .lock()
                .unwrap()
                .push((failed.kind.to_owned(), verb, network, code));
        };
        let var = |name: &str| {
            let found = vars.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let spy = Spy::default();
        serve_and_tell(
            "spy",
            &[("spy", &spy)],
            &var,
            &mut stdin.as_bytes(),
            &mut stdout,
            &mut stderr,
            &tell,
        );
        heard.into_inner().unwrap()
    };
    let add = attach("ADD", "/");
    assert_eq!(told(&add, CONF), []);
    let wrong = CONF.replace("1.1.0", "9.9.9");
    let expected = (
        "spy".to_owned(),
        Verb::Add,
        Some("net".to_owned()),
        Code::INCOMPATIBLE_VERSION,
    );
    assert_eq!(told(&add, &wrong), [expected]);
    let expected = ("spy".to_owned(), Verb::Add, None, Code::DECODE);
    assert_eq!(told(&add, "junk"), [expected]);
    // Of a call that does not even say what it is there is nothing to tell.
    assert_eq!(told(&[("CNI_COMMAND", "ADD")], CONF), []);
}

#[test]
fn a_flat_object_does_what_a_list_does() {
    let conf = json!({"cniVersion": "0.2.0", "name": "net", "chain": [{"type": "chained"}, {"type": "chained"}]});
    let (status, stdout, verbs) = run_chain("ADD", &conf);
    assert_eq!(
        (status, verbs),
        (0, vec!["ADD", "chained ADD", "chained ADD"]),
        "{stdout}"
    );
    assert!(stdout.contains(r#""cniVersion":"0.2.0""#), "{stdout}");
    let (status, _, verbs) = run_chain("DEL", &conf);
    assert_eq!(
        (status, verbs),
        (0, vec!["chained DEL", "chained DEL", "DEL"])
    );
}

#[test]
fn a_chain_that_fails_is_undone_to_its_start() {
    let conf =
        json!({"name": "net", "chain": [{"type": "chained"}, {"type": "chained", "fail": true}]});
    let (status, stdout, verbs) = run_chain("ADD", &conf);
    assert_eq!(status, 1);
    assert!(stdout.contains("as told"), "{stdout}");
    assert_eq!(
        verbs,
        [
            "ADD",
            "chained ADD",
            "chained ADD",
            "chained DEL",
            "chained DEL",
            "DEL"
        ]
    );
    let missing = json!({"name": "net", "chain": [{"type": "no-such"}]});
    let (status, stdout, verbs) = run_chain("ADD", &missing);
    assert_eq!((status, verbs.last()), (1, Some(&"DEL")), "{stdout}");
}
