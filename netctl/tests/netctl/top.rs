//! `top`: what it asks, its document and tables, and the screen on a terminal.

use crate::{answers, fake::Fake, schemas::Schema, watch::Watching};
use fairway_api::{Body, Method};
use fairway_lab::poll;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const LONG: Duration = Duration::from_secs(30);

/// A node whose one container sends a megabyte between any two looks.
fn node() -> Fake {
    let looks = AtomicU64::new(0);
    Fake::serving(move |method| {
        let answer = match method {
            Method::Info => answers::status(),
            Method::EndpointTraffic => {
                let n = looks.fetch_add(1, Ordering::SeqCst);
                let count = |bytes: u64, packets: u64| json!({"bytes": bytes, "packets": packets, "dropped": 0});
                json!({"at": 1_000 * n, "endpoints": [{
                    "attachment": {"network": "net", "container": "8d4f2a6c1b0e77", "ifname": "eth0"},
                    "workload": "shop/db-0", "network": "blue", "link": "fw1", "addresses": ["10.1.0.17"],
                    "received": count(0, 0), "sent": count(1_000_000 * n, 700 * n)
                }]})
            }
            Method::RateList(_) => json!([]),
            Method::PoolList => json!([answers::pool()]),
            // What was dropped before the first look is old.
            Method::FlowList(list) => {
                let old = json!({
                    "at": 1, "verdict": "dropped", "reason": "denied", "direction": "ingress",
                    "endpoint": "shop/db-0", "protocol": "tcp", "bytes": 60
                });
                let flows = if list.after.is_none() {
                    vec![old]
                } else {
                    Vec::new()
                };
                json!({"flows": flows, "next": 7, "missed": 0})
            }
            // This node has neither.
            _ => {
                return vec![Body::Error(fairway_api::ErrorBody {
                    code: 50,
                    message: "not here".to_owned(),
                    details: String::new(),
                })];
            }
        };
        vec![Body::Ok(answer)]
    })
}

#[test]
fn without_a_terminal_it_is_one_document_of_a_second() {
    let fake = node();
    let ran = fake.run("top -o json");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    Schema::read("top").must_describe("top", &document);
    assert_eq!(document["containers"][0]["sent"]["bytes"], 1_000_000);
    assert_eq!(document["containers"][0]["sent"]["packets"], 700);
    assert_eq!(document["containers"][0]["drops"], Value::Null);
    assert_eq!(document["problems"], json!(["etcd is away"]));
    let yaml = node().run("top -o yaml").out;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), document);
    let table = node().run("top");
    assert_eq!(table.status, 0, "{table:?}");
    for part in ["shop/db-0", "1.0M", "700", "POOL", "problem: etcd is away"] {
        assert!(table.out.contains(part), "{part}: {}", table.out);
    }
    assert!(!table.out.contains('\x1b'));
}

#[test]
fn watched_it_is_a_document_a_line() {
    let fake = node();
    let watching = Watching::new(&fake, "top --watch -o json");
    poll(LONG, "two documents", || {
        watching.read("out").lines().count() >= 2
    })
    .unwrap();
    for line in watching.read("out").lines().take(2) {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["containers"][0]["sent"]["bytes"], 1_000_000);
    }
}

#[test]
fn without_a_daemon_it_is_status_3() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = crate::fake::at(&dir.path().join("s"), ["top"]);
    let ran = crate::fake::ran(command.output().unwrap());
    assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{ran:?}");
}

/// netctl on a terminal of 80 columns and 24 lines (`script` makes one), and whoever sits before it.
struct Terminal {
    script: Child,
    dir: tempfile::TempDir,
}

const LEAVES: &str = "\x1b[?1049l";

impl Terminal {
    fn new(fake: &Fake, no_colour: bool) -> Terminal {
        let dir = tempfile::tempdir().unwrap();
        let netctl = env!("CARGO_BIN_EXE_netctl");
        let pid = dir.path().join("pid");
        let line = format!(
            "stty cols 80 rows 24; echo $$ > {}; exec '{netctl}' top",
            pid.display()
        );
        let script = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &line])
            .arg("/dev/null")
            .env("FAIRWAY_SOCKET", fake.socket())
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", if no_colour { "1" } else { "" })
            .stdin(Stdio::piped())
            .stdout(File::create(dir.path().join("out")).unwrap())
            .spawn()
            .unwrap();
        let terminal = Terminal { script, dir };
        terminal.shows("shop/db-0");
        terminal
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("out")).unwrap()).into_owned()
    }

    fn shows(&self, part: &str) {
        poll(LONG, part, || self.out().contains(part)).unwrap();
    }

    fn types(&mut self, keys: &str) {
        let stdin = self.script.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn signal(&self, name: &str) {
        let pid = fs::read_to_string(self.dir.path().join("pid")).unwrap();
        let sent = Command::new("kill").args(["-s", name, pid.trim()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; the terminal is as it was. The status is a shell's.
    fn ends(mut self) -> Option<i32> {
        let ended = poll(LONG, "the end", || self.script.try_wait().unwrap());
        let out = self.out();
        assert!(out.contains(LEAVES), "{out:?}");
        // Nothing is drawn once it is given back, and the cursor is there.
        let after = out.rsplit(LEAVES).next().unwrap();
        assert!(!after.contains("shop/db-0"), "{after:?}");
        assert!(out.contains("\x1b[?25h"), "the cursor is hidden");
        ended.unwrap().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn a_screen_is_drawn_and_keys_are_heard() {
    let fake = node();
    let mut terminal = Terminal::new(&fake, false);
    terminal.shows("1.0M");
    terminal.types("s");
    // Only what has changed is drawn.
    terminal.shows("in)");
    terminal.types("?");
    terminal.shows("round");
    terminal.types("q");
    terminal.types("/nobody\r");
    terminal.shows("\"nobody\"");
    // Colours, since nobody said that there may be none.
    assert!(
        terminal.out().contains("\x1b[38;5;"),
        "{:?}",
        terminal.out()
    );
    terminal.types("q");
    assert_eq!(terminal.ends(), Some(0));
}

#[test]
fn no_colour_where_none_is_wanted_and_a_lost_daemon_is_looked_for() {
    let fake = node();
    let mut terminal = Terminal::new(&fake, true);
    let away = fake.socket().with_extension("away");
    fs::rename(fake.socket(), &away).unwrap();
    fake.hang_up();
    terminal.shows("no fairwayd at");
    fs::rename(&away, fake.socket()).unwrap();
    let asked = fake.asked().len();
    poll(LONG, "it asks again", || fake.asked().len() > asked + 6).unwrap();
    terminal.types("\x03");
    let out = terminal.out();
    for colour in ["\x1b[38;5;", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        assert!(!out.contains(colour), "{colour:?} in {out:?}");
    }
    assert_eq!(terminal.ends(), Some(0));
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (name, number) in [("TERM", 15), ("HUP", 1), ("INT", 2)] {
        let fake = node();
        let terminal = Terminal::new(&fake, false);
        terminal.signal(name);
        assert_eq!(terminal.ends(), Some(128 + number), "{name}");
    }
}

/// As a connection to the node that is lost does it.
#[test]
fn it_ends_where_the_terminal_is_gone() {
    let fake = node();
    let mut terminal = Terminal::new(&fake, false);
    let pid = fs::read_to_string(terminal.dir.path().join("pid")).unwrap();
    terminal.script.kill().unwrap();
    terminal.script.wait().unwrap();
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let ended = poll(LONG, "the end", || !runs());
    if ended.is_err() {
        terminal.signal("KILL");
    }
    ended.unwrap();
}
