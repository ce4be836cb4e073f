use super::*;
use crate::{Body, Progress};
use proptest::prelude::*;
use std::error::Error;

fn framed(body: &str) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(body.as_bytes());
    frame
}

#[test]
fn bytes_and_messages_fit_both_ways() {
    let pairs = [
        (r#"{"v":1,"method":"pool.list"}"#, Method::PoolList),
        (
            r#"{"v":1,"method":"ipam.release","params":{"attachment":{"network":"n","container":"c","ifname":"eth0"}}}"#,
            Method::Release(crate::ipam::Release {
                attachment: crate::ipam::Attachment {
                    network: "n".into(),
                    container: "c".into(),
                    ifname: "eth0".into(),
                },
            }),
        ),
    ];
    for (text, method) in pairs {
        let message = Request {
            v: VERSION,
            trace: None,
            parts: false,
            method,
        };
        let frame = encode(&message, MAX_REQUEST).unwrap();
        assert_eq!(frame, framed(text));
        let body = split(&frame, MAX_REQUEST).unwrap().unwrap();
        assert_eq!(request(body).unwrap(), message);
    }
    let traced = r#"{"v":1,"trace":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","method":"pool.list"}"#;
    let message = request(traced.as_bytes()).unwrap();
    assert_eq!(
        message.trace.unwrap().id(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(encode(&message, MAX_REQUEST).unwrap(), framed(traced));
    let parts = r#"{"v":1,"parts":true,"method":"pool.list"}"#;
    let message = request(parts.as_bytes()).unwrap();
    assert!(message.parts);
    assert_eq!(encode(&message, MAX_REQUEST).unwrap(), framed(parts));
    // A trace is never a reason to refuse something.
    for junk in ["7", "null", "\"00-0-0-0\"", "{}", "[[1]]"] {
        let text = format!(r#"{{"v":1,"method":"pool.list","trace":{junk}}}"#);
        assert_eq!(request(text.as_bytes()).unwrap().trace, None, "{junk}");
    }
    let progress = |total| Progress {
        what: "w".into(),
        done: 1,
        total,
    };
    let pairs = [
        (r#"{"v":1,"ok":{}}"#, Body::Ok(serde_json::json!({}))),
        (
            r#"{"v":1,"early":[1]}"#,
            Body::Early(serde_json::json!([1])),
        ),
        (
            r#"{"v":1,"part":[1,2]}"#,
            Body::Part(serde_json::json!([1, 2])),
        ),
        (
            r#"{"v":1,"progress":{"what":"w","done":1,"total":2}}"#,
            Body::Progress(progress(Some(2))),
        ),
        (
            r#"{"v":1,"progress":{"what":"w","done":1}}"#,
            Body::Progress(progress(None)),
        ),
        (
            r#"{"v":1,"error":{"code":11,"message":"m"}}"#,
            Body::Error(ErrorBody {
                code: 11,
                message: "m".into(),
                details: String::new(),
            }),
        ),
    ];
    for (text, body) in pairs {
        let message = Reply { v: VERSION, body };
        assert_eq!(encode(&message, MAX_REPLY).unwrap(), framed(text));
        assert_eq!(reply(text.as_bytes()).unwrap(), message);
    }
}

#[test]
fn what_is_sent_need_not_be_a_value() {
    /// Has no form of its own in memory.
    struct Rows(u64);
    impl Serialize for Rows {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(0..self.0)
        }
    }
    for (text, body) in [
        (r#"{"v":1,"ok":[0,1,2]}"#, Body::Ok(Rows(3))),
        (r#"{"v":1,"early":[]}"#, Body::Early(Rows(0))),
    ] {
        let message = Reply { v: VERSION, body };
        assert_eq!(encode(&message, MAX_REPLY).unwrap(), framed(text));
    }
}

#[test]
fn a_size_is_that_of_the_body() {
    for value in [
        serde_json::json!(null),
        serde_json::json!({"a": "ä\"", "b": [1.5, {}]}),
    ] {
        let frame = encode(&value, MAX_REPLY).unwrap();
        assert_eq!(size(&value), frame.len() - HEADER);
    }
}

#[test]
fn a_length_is_judged_before_anything_is_read() {
    assert_eq!(length(7u32.to_be_bytes(), 7).unwrap(), 7);
    assert!(matches!(length([0; 4], 7), Err(FrameError::Empty)));
    assert!(matches!(
        length(8u32.to_be_bytes(), 7),
        Err(FrameError::TooLong {
            length: 8,
            limit: 7
        })
    ));
    assert!(matches!(
        split(b"GET / HTTP/1.1\r\n", MAX_REPLY),
        Err(FrameError::TooLong { .. })
    ));

    /// Fails the test where more than the length is read.
    struct Promise(usize);
    impl Read for Promise {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.0 < HEADER, "read on after the length");
            let n = buffer.len().min(HEADER - self.0);
            buffer[..n].fill(0xff);
            self.0 += n;
            Ok(n)
        }
    }
    assert!(matches!(
        read(&mut Promise(0), MAX_REPLY),
        Ok(Err(FrameError::TooLong { .. }))
    ));
}

#[test]
fn what_is_not_whole_is_said() {
    let frame = framed("{}");
    for have in 0..frame.len() {
        assert!(split(&frame[..have], 10).unwrap().is_none());
        match read(&mut &frame[..have], 10).unwrap() {
            Ok(None) => assert_eq!(have, 0),
            Err(FrameError::Truncated { have: said, want }) => {
                assert_eq!((said, want), (have, if have < 4 { 4 } else { 6 }));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        read(&mut frame.as_slice(), 10).unwrap().unwrap().unwrap(),
        b"{}"
    );
    assert!(matches!(
        encode(&"12345678", 9),
        Err(FrameError::TooLong {
            length: 10,
            limit: 9
        })
    ));
}

#[test]
fn what_is_no_message_names_the_field() {
    let cases = [
        (r#"{"method":"pool.list"}"#, "v"),
        (r#"{"v":"1","method":"pool.list"}"#, "v"),
        (r#"{"v":1}"#, "method"),
        (r#"{"v":1,"method":"pool.burn"}"#, "method"),
        (
            r#"{"v":1,"method":"ipam.release","params":{"attachment":{"network":5}}}"#,
            "params.attachment.network",
        ),
        (
            r#"{"v":1,"method":"ipam.free","params":{"address":"10.0.0.300"}}"#,
            "params.address",
        ),
        (
            r#"{"v":1,"method":"ipam.allocate","params":{"attachment":{"network":"n","container":"c","ifname":"e"},"facts":{"addresses":[{"value":"x","field":"f"}]}}}"#,
            "params.facts.addresses[0].value",
        ),
        ("[]", "v"),
    ];
    for (body, field) in cases {
        match request(body.as_bytes()) {
            Err(error @ FrameError::NotMessage { .. }) => {
                let shown = format!("{error}: {}", error.source().unwrap());
                assert!(shown.contains(field), "{body}: {shown}");
                assert_eq!(error.to_error_body().code, 6);
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    assert!(matches!(request(b"\x00"), Err(FrameError::NotJson(_))));
    assert!(matches!(reply(b"{"), Err(FrameError::NotJson(_))));
    assert!(matches!(
        reply(br#"{"v":1,"perhaps":1}"#),
        Err(FrameError::NotMessage { .. })
    ));
}

#[test]
fn another_version_is_told_whatever_else_it_holds() {
    for body in [
        r#"{"v":2,"method":"pool.list"}"#,
        r#"{"v":2,"what":"ever"}"#,
        r#"{"v":99999999999}"#,
    ] {
        for error in [
            request(body.as_bytes()).unwrap_err(),
            reply(body.as_bytes()).unwrap_err(),
        ] {
            assert!(
                matches!(error, FrameError::Version { ours: 1, .. }),
                "{body}"
            );
            assert_eq!(error.to_error_body().code, 1);
        }
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(
        request(deep.as_bytes()),
        Err(FrameError::NotJson(_))
    ));
}

/// The names of all methods: serde lists them where it is given one that it does not know.
#[test]
fn the_page_tells_of_each_method() {
    let page = include_str!("../../../docs/api.md");
    let error = request(br#"{"v":1,"method":"?"}"#).unwrap_err();
    let listed = error.source().unwrap().to_string();
    let names: Vec<&str> = listed
        .split('`')
        .filter(|name| name.contains('.'))
        .collect();
    assert!(names.len() >= 19, "{listed}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/api.md: {name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = split(&bytes, MAX_REQUEST);
        let _ = request(&bytes);
        let _ = reply(&bytes);
        let _ = read(&mut bytes.as_slice(), MAX_REQUEST);
    }

    #[test]
    fn frames_in_a_row_come_apart(bodies in proptest::collection::vec("[a-z]{1,9}", 0..5)) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| framed(body)).collect();
        let mut rest = stream.as_slice();
        for body in &bodies {
            let found = split(rest, MAX_REQUEST).unwrap().unwrap();
            prop_assert_eq!(found, body.as_bytes());
            rest = &rest[HEADER + found.len()..];
        }
        prop_assert!(rest.is_empty());
    }
}

/// As a daemon answers a plugin that is newer than itself.
#[test]
fn an_unknown_method_is_told_from_a_bad_one() {
    let refusal = |body: &str| request(body.as_bytes()).unwrap_err().to_error_body();
    let unknown = refusal(r#"{"v": 1, "method": "endpoint.shape-up", "params": {"by": "bridge"}}"#);
    assert!(unknown.is_unknown_method(), "{unknown:?}");
    for bad in [
        r#"{"v": 1, "method": "endpoint.shape", "params": {"by": 7}}"#,
        r#"{"v": 1, "method": 7}"#,
        r#"{"v": 1}"#,
        r#"{"v": 2, "method": "endpoint.shape-up"}"#,
        "{",
    ] {
        let refusal = refusal(bad);
        assert!(!refusal.is_unknown_method(), "{refusal:?}");
    }
}
