//! Exit statuses, and what is said on standard error.

use crate::{
    answers,
    fake::{Fake, Nobody, netctl, progress, ran},
};
use fairway_api::{Body, ErrorBody};
use std::{
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    thread,
};

#[test]
fn usage_is_status_2_and_nothing_is_asked() {
    let fake = Fake::answering(answers::pool());
    let cases = [
        ("", "Usage"),
        ("pool", "Usage"),
        ("pool burn web", "burn"),
        ("pool create web", "--cidr"),
        (
            "pool create web --cidr 10.0.0.1/16",
            "the prefix is 10.0.0.0/16",
        ),
        ("pool create web --cidr 10.0.0.0", "--cidr"),
        (
            "pool create web --cidr 10.0.0.0/16 --block-size /0",
            "--block-size",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --block-size 26,27",
            "--block-size",
        ),
        (
            "pool create web --cidr 10.0.0.0/16,fd00::/64 --block-size 26",
            "--block-size",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --gateway 10.1.0.1",
            "--gateway 10.1.0.1",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --gateway 10.0.0.1,10.0.0.2",
            "--gateway 10.0.0.2",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --gateway x",
            "--gateway",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --exclude 10.0.255.0-10.1.0.5",
            "--exclude 10.0.255.0-10.1.0.5",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --exclude 10.0.0.9-10.0.0.1",
            "--exclude",
        ),
        (
            "pool create web --cidr 10.0.0.0/16 --cooldown 30",
            "--cooldown",
        ),
        ("pool create web --cidr 10.0.0.0/16 --reserve -1", "-1"),
        (
            "pool create web --cidr 10.0.0.0/16 --handover Wait",
            "--handover",
        ),
        ("pool set web", "nothing to change"),
        ("pool set web --exclude 10.0.0.1", "--cidr"),
        (
            "pool create web --cidr 10.0.0.0/16 --exclude none",
            "--replace",
        ),
        ("pool set web --encap sometimes", "cross-subnet"),
        ("pool set web --masquerade yes", "off"),
        ("network create blue", "--pool"),
        ("network create blue --pool web --vni -1", "-1"),
        ("network set blue", "nothing to change"),
        ("network set blue --force", "nothing to change"),
        ("network rm blue --watch", "--watch"),
        ("route why", "ADDRESS"),
        ("route why 10.0.0.300", "ADDRESS"),
        ("endpoint show", "CONTAINER"),
        ("pool drain web x", "PREFIX"),
        ("ipam ls --address 10.0.0.300", "--address"),
        ("ipam release", "ADDRESS"),
        ("claim create db", "--pool"),
        ("claim create db --pool p --size 3", "--set"),
        (
            "claim create db --pool p --set --address 10.0.0.1",
            "--address",
        ),
        ("claim rm", "--app"),
        ("claim rm db --app a", "--app"),
        ("claim rm db --replicas 2", "--app"),
        ("claim move db", "--node"),
        ("claim move db --node n --anywhere", "--anywhere"),
        ("node rm", "NAME"),
        ("pool ls -o xml", "xml"),
        ("pool rm web --watch", "--watch"),
        ("ipam check --fix --watch", "--watch"),
        ("completions tcsh", "tcsh"),
    ];
    for (line, says) in cases {
        let ran = fake.run(line);
        assert_eq!(ran.status, 2, "{line}: {ran:?}");
        assert!(ran.out.is_empty(), "{line}: {ran:?}");
        assert!(ran.err.contains(says), "{line}: {ran:?}");
    }
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn a_refusal_is_status_1_and_said() {
    let fake = Fake::refusing(7, "ranges[0].cidr: overlaps pool old", "10.9.0.0/24");
    for line in [
        "pool create web --cidr 10.0.0.0/8",
        "pool ls -o json",
        "ipam ls --watch",
    ] {
        let ran = fake.run(line);
        assert_eq!(ran.status, 1, "{ran:?}");
        assert_eq!(ran.out, "");
        assert_eq!(
            ran.err,
            "netctl: ranges[0].cidr: overlaps pool old: 10.9.0.0/24\n"
        );
    }
}

#[test]
fn no_daemon_is_status_3_and_the_remedy_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let lines = ["pool ls", "pool ls --watch", "node rm n1 -o json", "status"];
    for listening in [false, true] {
        for line in lines {
            let ran = ran(netctl(line.split(' '))
                .arg("--socket")
                .arg(&socket)
                .output()
                .unwrap());
            assert_eq!((ran.status, ran.out.as_str()), (3, ""), "{ran:?}");
            assert!(
                ran.err
                    .starts_with(&format!("netctl: no fairwayd at {}", socket.display()))
            );
            assert!(ran.err.contains("start fairwayd") && ran.err.contains("FAIRWAY_SOCKET"));
        }
        // A daemon that was killed leaves its socket.
        if !listening {
            drop(UnixListener::bind(&socket).unwrap());
        }
    }
}

#[test]
fn who_is_not_root_is_told_that_it_takes_root() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let nobody = Nobody::new();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    // The daemon looks at who has come, and hangs up.
    thread::spawn(move || listener.incoming().for_each(drop));
    // The folder is root's; the socket is; neither is, and it does not help.
    for (folder, file, says) in [
        (0o700, 0o600, "may not be used by this user"),
        (0o755, 0o600, "may not be used by this user"),
        (0o755, 0o666, "broke"),
    ] {
        for (path, mode) in [(dir.path(), folder), (socket.as_path(), file)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        // A watch that was let in once tries again by itself.
        let watch = (says != "broke").then_some("pool ls --watch");
        for line in ["status", "pool ls -o json"].into_iter().chain(watch) {
            let ran = ran(nobody
                .netctl(line.split(' '))
                .arg("--socket")
                .arg(&socket)
                .output()
                .unwrap());
            assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
            assert!(
                ran.err.contains(says) && ran.err.contains("run netctl as root"),
                "{line}: {ran:?}"
            );
        }
    }
}

#[test]
fn the_option_beats_the_environment() {
    let (right, wrong) = (
        Fake::answering(answers::nodes()),
        Fake::answering(answers::nodes()),
    );
    let mut command = wrong.command(["node", "ls", "--socket"]);
    assert_eq!(ran(command.arg(right.socket()).output().unwrap()).status, 0);
    assert_eq!((right.asked().len(), wrong.asked().len()), (1, 0));
}

#[test]
fn an_answer_of_another_form_or_version_is_status_1() {
    let fake = Fake::answering("what");
    let ran_ = fake.run("pool ls");
    assert_eq!(ran_.status, 1);
    assert!(
        ran_.err.contains("broke: an answer of another form"),
        "{ran_:?}"
    );

    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("s")).unwrap();
    let daemon = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"\0\0\0\x0e{\"v\":2,\"ok\":1}").unwrap();
        stream
    });
    let command = netctl(["pool", "ls", "--socket"])
        .arg(dir.path().join("s"))
        .output();
    let ran = ran(command.unwrap());
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("speaks version 2") && ran.err.contains("different releases"));
    drop(daemon.join().unwrap());
}

#[test]
fn a_check_that_does_not_hold_is_status_1_and_whole() {
    for format in ["table", "json", "yaml"] {
        let bad = Fake::answering(answers::audit(false)).run(&format!("ipam check -o {format}"));
        assert_eq!((bad.status, bad.err.as_str()), (1, ""), "{bad:?}");
        for part in [
            "leaked",
            "10.1.0.18",
            "is not on n1",
            "upgrade fairwayd on n1",
            "n9 is gone",
        ] {
            assert!(bad.out.contains(part), "{format}: {part}: {bad:?}");
        }
        let good = Fake::answering(answers::audit(true)).run(&format!("ipam check -o {format}"));
        assert_eq!(good.status, 0, "{good:?}");
    }
    // All that was found was repaired: now it holds.
    let mut audit = answers::audit(false);
    for finding in audit["findings"].as_array_mut().unwrap() {
        finding["fixed"] = true.into();
    }
    audit["pools"][0]["holds"] = true.into();
    assert_eq!(
        Fake::answering(audit.clone())
            .run("ipam check --fix")
            .status,
        0
    );
    // What is only worth knowing is said and breaks nothing.
    let mut worth_knowing = audit.clone();
    worth_knowing["findings"][0]["breaks"] = false.into();
    worth_knowing["findings"][0]["fixed"] = false.into();
    let ran = Fake::answering(worth_knowing).run("ipam check");
    assert_eq!(ran.status, 0);
    assert!(ran.out.contains("note: leaked"), "{ran:?}");
    // An equation that does not hold counts also where nothing was found.
    audit["pools"][0]["holds"] = false.into();
    audit["findings"] = serde_json::json!([]);
    assert_eq!(Fake::answering(audit).run("ipam check").status, 1);
}

#[test]
fn a_doctor_that_found_a_failure_is_status_1_and_whole() {
    for format in ["table", "json", "yaml"] {
        let bad = Fake::answering(answers::doctor(false)).run(&format!("doctor -o {format}"));
        assert_eq!((bad.status, bad.err.as_str()), (1, ""), "{bad:?}");
        for part in [
            "node n2 (192.0.2.3) does not answer",
            "is n2 up?",
            "a problem",
        ] {
            assert!(bad.out.contains(part), "{format}: {part}: {bad:?}");
        }
        // A warning is none.
        let good = Fake::answering(answers::doctor(true)).run(&format!("doctor -o {format}"));
        assert_eq!(good.status, 0, "{good:?}");
        assert!(good.out.contains("warning"), "{good:?}");
    }
}

#[test]
fn a_container_that_is_not_there_is_status_1() {
    let fake = Fake::answering(answers::endpoints());
    let none = fake.run("endpoint show 99");
    assert_eq!((none.status, none.err.as_str()), (1, ""), "{none:?}");
    assert_eq!(none.out, "no such container in a network on this node\n");
    let none = fake.run("endpoint show 99 -o json");
    assert_eq!((none.status, none.out.as_str()), (1, "[]\n"));
    // An empty id would be the beginning of all.
    let empty = ran(fake.command(["endpoint", "show", ""]).output().unwrap());
    assert_eq!(empty.status, 2, "{empty:?}");
    for id in ["77", "77aa"] {
        let found = fake.run(&format!("endpoint show {id} -o json"));
        assert_eq!(found.status, 0);
        let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
        assert_eq!(found, serde_json::json!([answers::endpoints()[1]]));
    }
    // None at all is no fault of a list.
    let ls = Fake::answering(serde_json::json!([])).run("endpoint ls");
    assert_eq!(ls.status, 0);
}

#[test]
fn progress_goes_to_standard_error() {
    let fake = Fake::serving(|_| {
        vec![
            progress("addresses of web still in use", 0, Some(2)),
            progress("addresses of web still in use", 1, Some(2)),
            progress("addresses of web still in use", 2, Some(2)),
            progress("waiting for nodes", 5, None),
            Body::Ok(answers::pool()),
        ]
    });
    let ran = fake.run("pool rm web --wait -o json");
    assert_eq!(ran.status, 0);
    assert_eq!(
        ran.err,
        "addresses of web still in use: 0 of 2\naddresses of web still in use: 2 of 2\nwaiting for nodes: 5\n"
    );
    serde_json::from_str::<serde_json::Value>(&ran.out).unwrap();

    let fake = Fake::serving(|_| {
        let refusal = ErrorBody {
            code: 11,
            message: "the store is away".to_owned(),
            details: String::new(),
        };
        vec![progress("blocks", 1, Some(9)), Body::Error(refusal)]
    });
    let ran = fake.run("node rm n2");
    assert_eq!(ran.status, 1);
    assert!(
        ran.err
            .ends_with("netctl: the store is away\n        that passes: try again\n")
    );
}

#[test]
fn help_and_completions_need_no_daemon() {
    for (line, says) in [
        ("--help", "Exit status"),
        ("help pool create", "FIRST-LAST"),
        ("pool create --help", "after:DURATION"),
        ("--version", "netctl 0"),
        ("completions bash", "complete -F"),
        ("completions zsh", "#compdef netctl"),
    ] {
        let ran = ran(netctl(line.split(' ')).output().unwrap());
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}");
        assert!(ran.out.contains(says), "{line}: {}", ran.out);
    }
}
