//! `--watch`.

use crate::{answers, fake::Fake};
use fairway_api::Body;
use fairway_lab::poll;
use serde_json::json;
use std::{
    fs::{self, File},
    process::Child,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A netctl that watches, and is gone with the test.
pub(crate) struct Watching {
    child: Child,
    dir: tempfile::TempDir,
}

impl Watching {
    pub(crate) fn new(fake: &Fake, line: &str) -> Watching {
        let dir = tempfile::tempdir().unwrap();
        let file = |name| File::create(dir.path().join(name)).unwrap();
        let child = fake
            .command(line.split(' '))
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        Watching { child, dir }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn what_changes_is_shown_again_and_what_does_not_is_not() {
    let live = Arc::new(AtomicU64::new(1));
    let counter = live.clone();
    let fake = Fake::serving(move |_| {
        let mut pool = answers::pool();
        pool["live"] = counter.load(Ordering::SeqCst).into();
        vec![Body::Ok(json!([pool]))]
    });
    let watching = Watching::new(&fake, "pool ls --watch -o json");
    poll(LONG, "three questions", || fake.asked().len() >= 3).unwrap();
    assert_eq!(watching.read("out").lines().count(), 1);
    live.store(2, Ordering::SeqCst);
    poll(LONG, "another document", || {
        watching.read("out").lines().count() == 2
    })
    .unwrap();
    let out = watching.read("out");
    let documents: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&documents[0][0]["live"], &documents[1][0]["live"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(watching.read("err"), "");
}

#[test]
fn a_daemon_that_is_away_for_a_while_is_watched_on() {
    let fake = Fake::answering(answers::nodes());
    let watching = Watching::new(&fake, "node ls --watch");
    poll(LONG, "the nodes", || watching.read("out").contains("alive")).unwrap();
    // The name of the socket goes; connections that are there stay, so the fake ends them too.
    let away = fake.socket().with_extension("away");
    fs::rename(fake.socket(), &away).unwrap();
    fake.hang_up();
    poll(LONG, "the word that it is away", || {
        watching.read("err").contains("no fairwayd at")
    })
    .unwrap();
    fs::rename(&away, fake.socket()).unwrap();
    poll(LONG, "the nodes again", || {
        watching.read("out").matches("alive").count() == 2
    })
    .unwrap();
}
