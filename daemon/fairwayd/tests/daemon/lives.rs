//! Started, killed, started again.

use crate::bed::{Bed, SOON, attachment};
use fairway_api::{
    Client, Method, Nothing, Request, VERSION,
    admin::{Audit, Info, IpamAudit, Node},
    frame,
    ipam::{Allocate, Check, Facts},
    released::Record,
};
use fairway_lab::poll;
use std::{
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
};

fn balanced(bed: &Bed) {
    let audit = Method::IpamAudit(IpamAudit::default());
    let audit: Audit = bed.call(audit).unwrap();
    assert!(audit.pools.iter().all(|pool| pool.holds), "{audit:#?}");
    assert!(audit.findings.is_empty(), "{audit:#?}");
}

#[test]
fn what_was_answered_is_there_after_sigkill() {
    let mut bed = Bed::up();
    let info: Info = bed.call(Method::Info).unwrap();
    assert_eq!((info.node.as_str(), info.store.as_str()), ("n1", "redb"));
    let mode = fs::metadata(bed.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for round in 0..3 {
        let (one, two) = (format!("a{round}"), format!("b{round}"));
        let first = bed.add(&one);
        bed.kill();
        assert!(bed.socket().exists(), "a killed daemon leaves its socket");
        bed.start();
        let second = bed.add(&two);
        assert_ne!(first, second);
        let check = Check {
            attachment: attachment(&one),
            addresses: vec![first],
        };
        let Nothing {} = bed.call(Method::Check(check)).unwrap();
        assert_eq!(bed.del(&one), [first]);
        assert!(bed.del(&one).is_empty(), "DEL twice");
        bed.kill();
        bed.start();
        bed.shows(first, None);
    }
    balanced(&bed);
}

#[test]
fn an_early_answer_is_followed_by_the_same() {
    let bed = Bed::up();
    let client = Client::connect(&bed.socket(), SOON).unwrap();
    let request = Allocate {
        attachment: attachment("c1"),
        netns: None,
        facts: Facts::default(),
        early: true,
    };
    let (early, pending) = client.allocate_early(request).unwrap();
    pending.wait().unwrap();
    let error = bed.add_at("c1", None).unwrap_err();
    let ip = early.addresses[0].ip.to_string();
    assert!(error.to_string().contains(&ip), "{error}");
    let _: Vec<_> = bed.del("c1");
    balanced(&bed);
}

#[test]
fn at_sigterm_the_store_is_told_and_the_socket_goes() {
    let mut bed = Bed::up();
    let ip = bed.add("c1");
    let log = bed.stop();
    assert!(log.contains("containers keep their addresses"), "{log}");
    assert!(!bed.socket().exists());
    // What another program reads in the file itself, without a daemon.
    bed.start();
    bed.shows(ip, Some("live"));
    assert_eq!(bed.del("c1"), [ip]);
    balanced(&bed);
}

#[test]
fn dels_that_came_meanwhile_are_done_before_anything_else() {
    let mut bed = Bed::up();
    bed.add("gone");
    let stays = bed.add("stays");
    bed.kill();
    let released = bed.state().join("released");
    let record = Record::now(attachment("gone"))
        .unwrap()
        .write(&released)
        .unwrap();
    fs::write(released.join("junk.json"), "{").unwrap();
    bed.start();
    assert!(!record.exists(), "done before the socket is there");
    bed.says("released, as its DEL left word");
    assert!(bed.del("gone").is_empty());
    assert_eq!(bed.del("stays"), [stays]);
    bed.says("junk.json is no record");
    assert!(released.join("junk.json").exists());
    // One that is left while it runs, by a plugin that gave up on it.
    bed.add("later");
    let record = Record::now(attachment("later"))
        .unwrap()
        .write(&released)
        .unwrap();
    poll(SOON, "it is worked off", || !record.exists()).unwrap();
    assert!(bed.del("later").is_empty());
    // And one that an ADD for the same attachment finds: it is not the new address that it frees.
    let first = bed.add("twice");
    let record = Record::now(attachment("twice"))
        .unwrap()
        .write(&released)
        .unwrap();
    let second = bed.add("twice");
    assert!(!record.exists());
    assert_ne!(first, second, "the first one rests");
    assert_eq!(bed.del("twice"), [second]);
}

/// The runtime has nothing of fairwayd's environment, and `state_dir` stands in the file alone: plugins
/// leave their records in the default folder.
#[test]
fn dels_are_found_whatever_plugins_know() {
    let mut bed = Bed::new();
    bed.start_with_var();
    bed.pool("web", "10.7.0.0/24");
    let (socket, untold) = (bed.socket(), bed.untold());
    let left = |container: &str, socket: &Path| {
        let record = Record::now(attachment(container)).unwrap();
        record.meant_for(socket).write(&untold).unwrap()
    };
    bed.add("gone");
    let stays = bed.add("stays");
    bed.kill();
    let ours = left("gone", &socket);
    // Another daemon of this machine has a container of the same name.
    let theirs = left("stays", Path::new("/run/other.sock"));
    bed.start_with_var();
    assert!(!ours.exists(), "done before the socket is there");
    bed.says("1 DELs came");
    assert!(bed.del("gone").is_empty());
    // While it runs, and by the ADD that comes next.
    bed.add("later");
    let record = left("later", &socket);
    poll(SOON, "it is worked off", || !record.exists()).unwrap();
    assert!(bed.del("later").is_empty());
    let first = bed.add("twice");
    let record = left("twice", &socket);
    let second = bed.add("twice");
    assert!(!record.exists());
    assert_ne!(first, second, "the first one rests");
    assert_eq!(bed.del("twice"), [second]);
    assert_eq!(bed.del("stays"), [stays]);
    assert!(theirs.exists());
    balanced(&bed);
}

#[test]
fn whoever_goes_before_the_answer_is_there_gets_nothing() {
    let bed = Bed::up();
    for n in 0..20 {
        let request = Allocate {
            attachment: attachment(&format!("c{n}")),
            netns: None,
            facts: Facts::default(),
            early: n % 2 == 0,
        };
        let request = Request {
            v: VERSION,
            trace: None,
            parts: false,
            method: Method::Allocate(Box::new(request)),
        };
        let mut stream = UnixStream::connect(bed.socket()).unwrap();
        let frame = frame::encode(&request, frame::MAX_REQUEST).unwrap();
        stream.write_all(&frame).unwrap();
    }
    let last = bed.add("last");
    bed.shows(last, Some("live"));
    let live = || {
        let rows = bed.listed();
        let live = rows.iter().filter(|(_, state)| state == "live");
        live.count() == 1
    };
    poll(SOON, "all others are free, without a DEL", live).unwrap();
    balanced(&bed);
    assert!(live(), "{:?}", bed.listed());
}

#[test]
fn a_second_daemon_is_refused() {
    let bed = Bed::up();
    let mut second = bed.launch(&[]);
    assert_eq!(second.wait(SOON).unwrap().code(), Some(1));
    assert!(
        second.log().contains("another fairwayd answers on"),
        "{}",
        second.log()
    );
    let other = bed.lab.scratch().join("other.sock");
    let mut third = bed.launch(&["--socket", other.to_str().unwrap()]);
    assert_eq!(third.wait(SOON).unwrap().code(), Some(1));
    assert!(
        third.log().contains("another fairwayd uses this folder"),
        "{}",
        third.log()
    );
    let state = bed.lab.scratch().join("other");
    let args = [
        "--socket",
        other.to_str().unwrap(),
        "--state-dir",
        state.to_str().unwrap(),
    ];
    let mut fourth = bed.launch(&args);
    assert_eq!(fourth.wait(SOON).unwrap().code(), Some(1));
    assert!(
        fourth.log().contains("in use by another process"),
        "{}",
        fourth.log()
    );
    bed.add("c1");
}

#[test]
fn cleanup_gives_back_what_nobody_uses() {
    let mut bed = Bed::new().sweeping();
    bed.start();
    bed.pool("web", "10.7.0.0/24");
    let ip = bed.add("c1");
    bed.shows(ip, Some("live"));
    bed.stop();
    let mut first = bed.launch(&["--cleanup"]);
    assert_eq!(first.wait(SOON).unwrap().code(), Some(1), "{}", first.log());
    assert!(
        first.log().contains("left as it is: net/c1/eth0"),
        "{}",
        first.log()
    );
    assert!(bed.state().join("journal.redb").exists());
    bed.start();
    assert_eq!(bed.del("c1"), [ip]);
    bed.stop();
    let mut second = bed.launch(&["--cleanup"]);
    assert!(second.wait(SOON).unwrap().success(), "{}", second.log());
    assert!(!bed.state().join("journal.redb").exists());
    bed.start();
    let nodes: Vec<Node> = bed.call(Method::NodeList).unwrap();
    assert!(nodes.iter().all(|node| node.blocks == 0), "{nodes:?}");
}

#[test]
fn a_node_that_got_another_name_does_not_take_its_containers_for_others() {
    let mut bed = Bed::up();
    let ip = bed.add("c1");
    bed.stop();
    let mut renamed = bed.launch(&["--node", "n1.example.org"]);
    assert_eq!(renamed.wait(SOON).unwrap().code(), Some(1));
    let log = renamed.log();
    let told = "the journal is that of node n1, and this one is called n1.example.org";
    assert!(log.contains(told), "{log}");
    bed.start();
    bed.shows(ip, Some("live"));
    assert_eq!(bed.del("c1"), [ip]);
}
