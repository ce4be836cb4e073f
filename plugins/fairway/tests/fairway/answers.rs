//! What each verb makes of each answer, and of none.

use crate::common::{
    Fake, LIMIT, Step, allocated, attachment, detach, done, early, good, refused, sandbox,
    with_conf,
};
use fairway_api::{Body, Method};
use fairway_cluster_ipam::Fairway;
use fairway_cni::{CniResult, Code, Failure, Plugin as _};
use fairway_lab::{Value, json};
use std::{fs, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

/// What the daemon does about any request.
type Script = fn() -> Vec<Step>;

/// For who waits in vain; a daemon that answers is given [`LIMIT`].
const SHORT: Duration = Duration::from_millis(300);

fn add(fake: &Fake, patience: Duration) -> Result<CniResult, Failure> {
    with_conf(json!({}), |context| {
        fake.plugin(patience).add(context, &sandbox())
    })
}

fn del(fake: &Fake, patience: Duration) -> Result<(), Failure> {
    with_conf(json!({}), |context| {
        fake.plugin(patience).del(context, &detach())
    })
}

#[test]
fn an_answer_becomes_a_result() {
    let fake = Fake::good();
    let extra = json!({
        "ipam": {"type": "fairway", "pool": "web", "routes": [{"dst": "0.0.0.0/0"}]},
        "runtimeConfig": {"ips": ["10.88.0.7"]},
    });
    let result = with_conf(extra, |context| fake.plugin(LIMIT).add(context, &sandbox()));
    let result = result.unwrap();
    let shown: Vec<_> = result
        .ips
        .iter()
        .map(|ip| {
            (
                ip.interface,
                ip.address.to_string(),
                ip.gateway.unwrap().to_string(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (None, "10.88.0.7/16".to_owned(), "10.88.0.1".to_owned()),
            (None, "fd88::7/64".to_owned(), "fd88::1".to_owned()),
        ]
    );
    assert_eq!(result.routes[0].dst.to_string(), "0.0.0.0/0");
    let [Method::Allocate(request)] = &fake.seen()[..] else {
        panic!("{:?}", fake.seen());
    };
    assert_eq!(request.attachment, attachment());
    assert_eq!(request.facts.pool.as_ref().unwrap().field, "ipam.pool");
    assert_eq!(request.facts.addresses[0].field, "runtimeConfig.ips[0]");
    assert!(request.early);
    let (netns, own) = (
        request.netns.clone().unwrap(),
        fs::metadata("/proc/self/ns/net"),
    );
    assert_eq!(
        (netns.device, netns.inode),
        own.map(|m| (m.dev(), m.ino())).unwrap()
    );
    assert!(fake.left().is_empty());
}

#[test]
fn an_early_answer_counts_when_it_is_durable() {
    let fake = Fake::allocating(|| vec![early(), done()]);
    assert_eq!(add(&fake, LIMIT).unwrap().ips.len(), 2);
    assert_eq!(fake.asked(), ["allocate"]);
}

#[test]
fn an_early_answer_that_does_not_become_durable_is_released() {
    let late = || {
        let mut other = allocated();
        other.seq += 1;
        Step::Say(Body::Ok(json!(other)))
    };
    let cases: [(Script, Duration, Code); 3] = [
        (
            || vec![early(), refused(5, "journal: no space left")],
            LIMIT,
            Code::IO,
        ),
        (|| vec![early(), Step::Close], LIMIT, Code::TRY_AGAIN),
        (|| vec![early(), Step::Hang], SHORT, Code::TRY_AGAIN),
    ];
    for (script, patience, code) in cases {
        let fake = Fake::allocating(script);
        assert_eq!(add(&fake, patience).unwrap_err().code, code);
        assert_eq!(fake.asked(), ["allocate", "release"]);
        assert!(fake.left().is_empty());
    }
    let fake = Fake::allocating(move || vec![early(), late()]);
    assert_eq!(add(&fake, LIMIT).unwrap_err().code, Code::DECODE);
    assert_eq!(fake.asked(), ["allocate", "release"]);
}

#[test]
fn a_refusal_is_told_as_it_is() {
    for code in [7, 11, 101, 102, 103] {
        let fake = Fake::allocating(move || vec![refused(code, "pod annotation: no such pool")]);
        let failure = add(&fake, LIMIT).unwrap_err();
        assert_eq!(failure.code.number(), code);
        assert_eq!(failure.msg, "pod annotation: no such pool");
        let (why, request) = failure.details.split_once("; ").unwrap();
        assert_eq!(why, "and why");
        let id = request.strip_prefix("request ").unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit()),
            "{id}"
        );
        // What an ADD that is refused did not get, it must not release: with 103 it is in use.
        assert_eq!(fake.asked(), ["allocate"]);
        assert!(fake.left().is_empty());
    }
}

#[test]
fn nobody_there() {
    let mut fake = Fake::good();
    fake.kill();
    let refused = add(&fake, LIMIT).unwrap_err();
    fs::remove_file(fake.socket()).unwrap();
    let absent = add(&fake, LIMIT).unwrap_err();
    for failure in [refused, absent] {
        assert_eq!(failure.code, Code::TRY_AGAIN);
        let socket = fake.socket().display().to_string();
        assert_eq!(failure.msg, format!("no fairwayd at {socket}"));
    }
    // It was never asked: nothing is to be released.
    assert!(fake.left().is_empty());
}

#[test]
fn a_daemon_that_dies_over_an_add_may_have_given_something() {
    let fake = Fake::allocating(|| vec![Step::Die]);
    assert_eq!(add(&fake, LIMIT).unwrap_err().code, Code::TRY_AGAIN);
    assert_eq!(fake.left(), [attachment()]);

    let restarted = Fake::allocating(|| vec![Step::Close]);
    assert_eq!(add(&restarted, LIMIT).unwrap_err().code, Code::TRY_AGAIN);
    assert_eq!(restarted.asked(), ["allocate", "release"]);
    assert!(restarted.left().is_empty());
}

#[test]
fn one_that_hangs_is_given_up_and_not_asked_again() {
    let fake = Fake::allocating(|| vec![Step::Hang]);
    let failure = add(&fake, SHORT).unwrap_err();
    assert_eq!(failure.code, Code::TRY_AGAIN);
    assert!(failure.msg.contains("did not answer"), "{failure}");
    assert_eq!(fake.asked(), ["allocate"]);
    assert_eq!(fake.left(), [attachment()]);
}

#[test]
fn nonsense_is_refused_and_released() {
    let mut bad = allocated();
    bad.addresses[0].prefix = 33;
    let bad = json!(bad);
    let cases: Vec<(Vec<u8>, Value)> = vec![
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Value::Null),
        (b"\0\0\0\x02{}".to_vec(), Value::Null),
        (Vec::new(), json!({"addresses": 7})),
        (Vec::new(), bad),
    ];
    for (bytes, value) in cases {
        let fake = Fake::allocating(move || match bytes.is_empty() {
            true => vec![Step::Say(Body::Ok(value.clone()))],
            false => vec![Step::Bytes(bytes.clone()), Step::Close],
        });
        let failure = add(&fake, LIMIT).unwrap_err();
        assert_eq!(failure.code, Code::DECODE, "{failure}");
        assert_eq!(fake.asked(), ["allocate", "release"]);
    }
}

#[test]
fn another_version_is_told_and_nothing_released() {
    let other = br#"{"v":9,"ok":{}}"#;
    let fake = Fake::allocating(move || {
        let length = u32::try_from(other.len()).unwrap().to_be_bytes();
        vec![Step::Bytes([&length[..], other].concat())]
    });
    let failure = add(&fake, LIMIT).unwrap_err();
    assert_eq!(failure.code, Code::TRY_AGAIN);
    assert!(failure.msg.contains("version 9"), "{failure}");
    assert_eq!(fake.asked(), ["allocate"]);
}

#[test]
fn del_goes_through_the_daemon_or_leaves_a_record() {
    let mut fake = Fake::good();
    del(&fake, LIMIT).unwrap();
    assert_eq!(fake.asked(), ["release"]);
    assert!(fake.left().is_empty());

    fake.kill();
    del(&fake, LIMIT).unwrap();
    del(&fake, LIMIT).unwrap();
    assert_eq!(fake.left(), [attachment()]);
}

#[test]
fn del_leaves_a_record_whatever_the_daemon_does() {
    let cases: [(Script, Duration); 4] = [
        (|| vec![Step::Hang], SHORT),
        (|| vec![Step::Close], LIMIT),
        (|| vec![Step::Bytes(b"\0\0\0\x02[]".to_vec())], LIMIT),
        (|| vec![refused(5, "journal: no space left")], LIMIT),
    ];
    for (script, patience) in cases {
        let fake = Fake::new(move |_| script());
        del(&fake, patience).unwrap();
        assert_eq!(fake.left(), [attachment()]);
    }
}

#[test]
fn del_needs_no_configuration_that_is_right() {
    let fake = Fake::good();
    let wrong = json!({"ipam": {"type": "fairway", "pool": 7, "routes": "x"}, "runtimeConfig": {"ips": [7]}});
    with_conf(wrong, |context| fake.plugin(LIMIT).del(context, &detach())).unwrap();
    assert_eq!(fake.asked(), ["release"]);
}

#[test]
fn del_fails_only_where_it_can_do_neither() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let plugin = Fairway::at(&dir.path().join("s"), &file.join("released"), SHORT);
    let failure = with_conf(json!({}), |context| plugin.del(context, &detach())).unwrap_err();
    assert_eq!(failure.code, Code::IO);
    assert!(failure.msg.contains("no fairwayd at"), "{failure}");
    assert!(failure.details.contains("file/released"), "{failure}");
}

#[test]
fn check_asks_for_what_is_on_its_own_interface() {
    let prev = |ips: Value| {
        json!({"prevResult": {
            "cniVersion": "1.1.0",
            "interfaces": [{"name": "br0"}, {"name": "eth0", "sandbox": "/x"}, {"name": "net1", "sandbox": "/x"}],
            "ips": ips,
        }})
    };
    let check = |fake: &Fake, extra| {
        with_conf(extra, |context| {
            fake.plugin(LIMIT).check(context, &sandbox())
        })
    };
    let fake = Fake::good();
    let ips = json!([
        {"address": "10.88.0.7/16", "interface": 1},
        {"address": "10.99.0.7/16", "interface": 2},
        {"address": "fd88::7/64"},
    ]);
    check(&fake, prev(ips)).unwrap();
    let [Method::Check(asked)] = &fake.seen()[..] else {
        panic!("{:?}", fake.seen());
    };
    let shown: Vec<_> = asked.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.88.0.7", "fd88::7"]);
    assert_eq!(
        check(&fake, json!({})).unwrap_err().code,
        Code::INVALID_CONFIG
    );

    let differs = Fake::new(|_| vec![refused(100, "net/c1/eth0 has none")]);
    let failure = check(&differs, prev(json!([]))).unwrap_err();
    assert_eq!(failure.code, Code::CHECK_FAILED);
    let mut away = Fake::good();
    away.kill();
    assert_eq!(
        check(&away, prev(json!([]))).unwrap_err().code,
        Code::TRY_AGAIN
    );
}

#[test]
fn gc_tells_what_to_keep() {
    let gc = |fake: &Fake, count: usize| {
        let pair = |n: usize| {
            (
                format!("{n:064x}").parse().unwrap(),
                "eth0".parse().unwrap(),
            )
        };
        let valid = (0..count).map(pair).collect();
        with_conf(json!({}), |context| fake.plugin(LIMIT).gc(context, &valid))
    };
    let fake = Fake::good();
    gc(&fake, 2).unwrap();
    // As many as a large node may have must fit into one request.
    gc(&fake, 20_000).unwrap();
    let [Method::Gc(small), Method::Gc(large)] = &fake.seen()[..] else {
        panic!("{:?}", fake.asked());
    };
    assert_eq!((small.network.as_str(), small.keep.len()), ("net", 2));
    assert_eq!(large.keep.len(), 20_000);
    let mut away = Fake::good();
    away.kill();
    assert_eq!(gc(&away, 1).unwrap_err().code, Code::TRY_AGAIN);
}

#[test]
fn status_is_50_unless_the_daemon_says_otherwise() {
    let within = |patience: Duration, fake: &Fake, ipam: Value| {
        let ipam = json!({"ipam": ipam});
        with_conf(ipam, |context| fake.plugin(patience).status(context))
    };
    let status = |fake: &Fake, ipam: Value| within(LIMIT, fake, ipam);
    let pool = || json!({"type": "fairway", "pool": "web"});
    let fake = Fake::good();
    status(&fake, pool()).unwrap();
    let [Method::Status(query)] = &fake.seen()[..] else {
        panic!("{:?}", fake.seen());
    };
    assert_eq!(query.pool.as_ref().unwrap().value, "web");

    for (says, told) in [(50, 50), (51, 51), (7, 7), (11, 50), (101, 50), (999, 50)] {
        let fake = Fake::new(move |_| vec![refused(says, "ipam.pool: web is short")]);
        let failure = status(&fake, pool()).unwrap_err();
        assert_eq!(failure.code.number(), told);
        assert_eq!(failure.msg, "ipam.pool: web is short");
    }
    let silent: [(Script, Duration); 2] =
        [(|| vec![Step::Hang], SHORT), (|| vec![Step::Close], LIMIT)];
    for (script, patience) in silent {
        let fake = Fake::new(move |_| script());
        let failure = within(patience, &fake, pool()).unwrap_err();
        assert_eq!(failure.code, Code::UNAVAILABLE);
    }
    let wrong = status(&fake, json!({"type": "fairway", "pool": 7})).unwrap_err();
    assert_eq!(wrong.code, Code::INVALID_CONFIG);
}

#[test]
fn a_namespace_that_is_gone_is_said_before_anything_is_asked() {
    let fake = Fake::new(|method| vec![Step::Say(good(method))]);
    let mut gone = sandbox();
    gone.netns = "/run/netns/no-such".to_owned();
    let failure =
        with_conf(json!({}), |context| fake.plugin(LIMIT).add(context, &gone)).unwrap_err();
    assert_eq!(failure.code, Code::INVALID_NETNS);
    assert!(failure.msg.contains("/run/netns/no-such"), "{failure}");
    assert!(fake.asked().is_empty() && !Path::new(&gone.netns).exists());
}
