use super::*;
use crate::{
    ErrorBody, Reply,
    admin::{Audit, IpamAudit},
    ipam::{Address, Attachment},
};
use serde_json::json;
use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread,
    time::Instant,
};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);

struct Daemon {
    dir: tempfile::TempDir,
    thread: Option<thread::JoinHandle<()>>,
}

impl Daemon {
    /// A daemon for one connection.
    fn new(serve: impl FnOnce(UnixStream) + Send + 'static) -> Daemon {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let thread = Some(thread::spawn(move || serve(listener.accept().unwrap().0)));
        Daemon { dir, thread }
    }

    /// One that reads a request and answers these bytes.
    fn answering(bytes: Vec<u8>) -> Daemon {
        Daemon::new(move |mut stream| {
            take(&mut stream);
            stream.write_all(&bytes).unwrap();
            // Until the client has gone, so that it cannot mistake the end for the answer.
            let _ = stream.read(&mut [0]);
        })
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket(), LONG)
            .unwrap()
            .answer_timeout(LONG)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let joined = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || joined.is_none_or(|end| end.is_ok()));
    }
}

fn take(stream: &mut UnixStream) -> Request {
    let body = frame::read(stream, frame::MAX_REQUEST).unwrap().unwrap();
    frame::request(&body.unwrap()).unwrap()
}

fn frame_of(body: Body) -> Vec<u8> {
    frame::encode(&Reply { v: VERSION, body }, frame::MAX_REPLY).unwrap()
}

fn allocated(last: u8) -> Allocated {
    Allocated {
        addresses: vec![Address {
            ip: [10, 0, 0, last].into(),
            prefix: 24,
            gateway: None,
            pool: "p".into(),
            claim: None,
        }],
        seq: 7,
        temporary: false,
    }
}

fn allocate() -> Allocate {
    Allocate {
        attachment: Attachment {
            network: "n".into(),
            container: "c".into(),
            ifname: "eth0".into(),
        },
        netns: None,
        facts: crate::ipam::Facts::default(),
        early: false,
    }
}

fn ok(value: &Allocated) -> Body {
    Body::Ok(serde_json::to_value(value).unwrap())
}

fn early(value: &Allocated) -> Body {
    Body::Early(serde_json::to_value(value).unwrap())
}

fn refusal() -> ErrorBody {
    ErrorBody {
        code: 101,
        message: "pool web is exhausted".into(),
        details: "0 of 64 free".into(),
    }
}

#[test]
fn calls_follow_each_other_on_one_connection() {
    let daemon = Daemon::new(|mut stream| {
        for _ in 0..2 {
            assert_eq!(take(&mut stream).method, Method::PoolList);
            for done in 0..3 {
                let progress = Progress {
                    what: "looking".into(),
                    done,
                    total: Some(3),
                };
                stream
                    .write_all(&frame_of(Body::Progress(progress)))
                    .unwrap();
            }
            stream
                .write_all(&frame_of(Body::Ok(serde_json::json!(["x"]))))
                .unwrap();
        }
        take(&mut stream);
        stream.write_all(&frame_of(Body::Error(refusal()))).unwrap();
        take(&mut stream);
        stream
            .write_all(&frame_of(Body::Ok(serde_json::json!([]))))
            .unwrap();
    });
    let mut client = daemon.client();
    let mut seen = Vec::new();
    let answer: Vec<String> = client
        .call_with(Method::PoolList, |progress| seen.push(progress.done))
        .unwrap();
    assert_eq!((answer, seen), (vec!["x".to_owned()], vec![0, 1, 2]));
    client.call::<Vec<String>>(Method::PoolList).unwrap();
    // A refusal leaves the connection as good as before.
    match client.call::<Vec<String>>(Method::PoolList) {
        Err(ClientError::Refused(body)) => {
            assert_eq!(body, refusal());
            assert_eq!(body.to_string(), "pool web is exhausted: 0 of 64 free");
        }
        other => panic!("{other:?}"),
    }
    client.call::<Vec<String>>(Method::PoolList).unwrap();
}

/// A list comes in any number of parts; one that ends in a refusal is none, and the connection is as good as before.
#[test]
fn a_list_comes_in_parts() {
    let part = |rows| frame_of(Body::Part(serde_json::json!(rows)));
    let ok = |rows| frame_of(Body::Ok(serde_json::json!(rows)));
    let progress = frame_of(Body::Progress(Progress::note("a note".into())));
    let answers = [
        [progress, part(vec![1, 2]), part(vec![3]), ok(vec![4, 5])].concat(),
        [part(vec![1]), frame_of(Body::Error(refusal()))].concat(),
        [part(vec![1]), ok(vec![])].concat(),
        ok(vec![7]),
        [part(vec![1]), frame_of(early(&allocated(1)))].concat(),
    ];
    let daemon = Daemon::new(move |mut stream| {
        for answer in answers {
            assert!(take(&mut stream).parts);
            stream.write_all(&answer).unwrap();
        }
        let _ = stream.read(&mut [0]);
    });
    let mut client = daemon.client();
    let mut notes = 0;
    let whole: Vec<u32> = client.list(Method::PoolList, |_| notes += 1).unwrap();
    assert_eq!((whole, notes), (vec![1, 2, 3, 4, 5], 1));
    let mut list = || client.list::<u32>(Method::PoolList, |_| {});
    assert!(matches!(list(), Err(ClientError::Refused(body)) if body == refusal()));
    assert_eq!(list().unwrap(), [1]);
    assert_eq!(list().unwrap(), [7]);
    let step = |error: &ClientError| match error {
        ClientError::Broken { source, .. } => format!("{source:?}"),
        other => format!("{other:?}"),
    };
    assert_eq!(step(&list().unwrap_err()), "OutOfStep");
    assert_eq!(step(&list().unwrap_err()), "Spent");
}

/// An audit is three lists, each of which goes on from part to part; an older daemon gives it as one.
#[test]
fn an_audit_comes_in_parts() {
    let balance = |pool: &str| json!({"pool": pool, "allocated": 1, "live": 1, "claimed": 0, "cooling": 0, "holds": true});
    let finding =
        |text: &str| json!({"kind": "leaked", "text": text, "breaks": true, "fixed": false});
    let audit = |pools: &[&str], findings: &[&str], nodes: &[&str]| {
        let pools: Vec<_> = pools.iter().map(|pool| balance(pool)).collect();
        let findings: Vec<_> = findings.iter().map(|text| finding(text)).collect();
        json!({"pools": pools, "findings": findings, "nodes": nodes})
    };
    let whole = audit(&["a", "b"], &["1", "2", "3"], &["n1"]);
    let parts = [
        Body::Part(audit(&["a"], &[], &[])),
        Body::Part(audit(&["b"], &["1", "2"], &[])),
        Body::Ok(audit(&[], &["3"], &["n1"])),
    ];
    let answers = [
        parts.map(frame_of).concat(),
        frame_of(Body::Ok(whole.clone())),
    ];
    let daemon = Daemon::new(move |mut stream| {
        for answer in answers {
            assert!(take(&mut stream).parts);
            stream.write_all(&answer).unwrap();
        }
    });
    let mut client = daemon.client();
    let whole: Audit = serde_json::from_value(whole).unwrap();
    for _ in 0..2 {
        let method = Method::IpamAudit(IpamAudit::default());
        assert_eq!(client.whole::<Audit>(method, |_| {}).unwrap(), whole);
    }
    // And taken apart again nothing of it is lost.
    let mut again = Audit::default();
    whole.clone().rows().for_each(|row| again.push(row));
    assert_eq!(again, whole);
}

/// Half a list is none.
#[test]
fn a_list_whose_end_does_not_come_is_none() {
    let daemon = Daemon::new(|mut stream| {
        take(&mut stream);
        stream.write_all(&frame_of(Body::Part(json!([1])))).unwrap();
    });
    let mut client = daemon.client();
    match client.list::<u32>(Method::PoolList, |_| {}) {
        Err(ClientError::Broken {
            source: Breakage::Closed,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_there_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let absent = Client::connect(&socket, LONG).unwrap_err();
    assert!(absent.is_not_there() && !absent.outcome_unknown());
    assert!(absent.to_string().contains(socket.to_str().unwrap()));
    // The socket of a daemon that was killed.
    drop(UnixListener::bind(&socket).unwrap());
    assert!(Client::connect(&socket, LONG).unwrap_err().is_not_there());
    // A path that no socket can have.
    let long = dir.path().join("x".repeat(200));
    assert!(Client::connect(&long, LONG).unwrap_err().is_not_there());
}

#[test]
fn a_daemon_that_does_not_take_connections_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut waiting = Vec::new();
    let start = Instant::now();
    // The queue of a listener is bounded (128 and some with std).
    let error = loop {
        match Client::connect(&socket, SHORT) {
            Ok(client) => waiting.push(client),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10_000 && start.elapsed() < LONG);
    };
    match error {
        ClientError::TimedOut { what, after, .. } => {
            assert_eq!((what, after), (error::CONNECT, SHORT));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_daemon_that_is_silent_or_slow_is_not_waited_for() {
    for trickle in [false, true] {
        let daemon = Daemon::new(move |mut stream| {
            take(&mut stream);
            let frame = frame_of(Body::Ok(serde_json::json!("a".repeat(1000))));
            stream.set_read_timeout(Some(SHORT / 10)).unwrap();
            for byte in frame {
                if trickle && stream.write_all(&[byte]).is_err() {
                    return;
                }
                if stream
                    .read_exact(&mut [0])
                    .is_err_and(|e| e.kind() == ErrorKind::UnexpectedEof)
                {
                    return;
                }
            }
        });
        let mut client = daemon.client().answer_timeout(SHORT);
        let start = Instant::now();
        let error = client.call::<String>(Method::PoolList).unwrap_err();
        assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
        assert!(error.outcome_unknown());
        // All that trickles would take twenty seconds, and what is silent is so for ever.
        assert!(start.elapsed() >= SHORT && start.elapsed() < LONG / 2);
        // The late answer must not be taken for the next call's.
        assert!(matches!(
            client.call::<String>(Method::PoolList),
            Err(ClientError::Broken {
                source: Breakage::Spent,
                ..
            })
        ));
        drop(client);
    }
}

#[test]
fn a_broken_connection_says_how() {
    type Judge = fn(&Breakage) -> bool;
    let whole = frame_of(Body::Ok(serde_json::json!(1)));
    let cases: [(Vec<u8>, Judge); 7] = [
        (vec![], |b| matches!(b, Breakage::Closed)),
        (whole[..7].to_vec(), |b| {
            matches!(b, Breakage::Frame(FrameError::Truncated { have: 7, .. }))
        }),
        (vec![0xff; 8], |b| {
            matches!(b, Breakage::Frame(FrameError::TooLong { .. }))
        }),
        (vec![0, 0, 0, 1, b'x'], |b| {
            matches!(b, Breakage::Frame(FrameError::NotJson(_)))
        }),
        (whole, |b| matches!(b, Breakage::Answer(_))),
        (frame_of(early(&allocated(1))), |b| {
            matches!(b, Breakage::OutOfStep)
        }),
        // Nobody asked for parts.
        (frame_of(Body::Part(serde_json::json!(["x"]))), |b| {
            matches!(b, Breakage::OutOfStep)
        }),
    ];
    for (bytes, expected) in cases {
        let daemon = Daemon::new(move |mut stream| {
            take(&mut stream);
            stream.write_all(&bytes).unwrap();
        });
        match daemon.client().call::<String>(Method::PoolList) {
            Err(ClientError::Broken { source, .. }) if expected(&source) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn another_version_is_told_apart() {
    let body = br#"{"v":9,"error":{"code":1,"message":"version 1, where this is version 9"}}"#;
    let mut bytes = vec![0, 0, 0, u8::try_from(body.len()).unwrap()];
    bytes.extend(body);
    let daemon = Daemon::answering(bytes);
    match daemon.client().call::<String>(Method::PoolList) {
        Err(ClientError::Version {
            theirs: 9, ours, ..
        }) => assert_eq!(ours, VERSION),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_daemon_said_before_it_closed_is_heard() {
    let daemon = Daemon::new(|mut stream| {
        stream.write_all(&frame_of(Body::Error(refusal()))).unwrap();
    });
    let mut client = daemon.client();
    drop(daemon);
    assert!(matches!(
        client.call::<String>(Method::PoolList),
        Err(ClientError::Refused(_))
    ));
}

#[test]
fn a_request_that_is_too_long_is_not_sent() {
    let daemon = Daemon::answering(frame_of(Body::Ok(serde_json::json!("fine"))));
    let mut client = daemon.client();
    let mut request = allocate();
    request.attachment.network = "n".repeat(frame::MAX_REQUEST);
    assert!(matches!(
        client.call::<String>(Method::Allocate(Box::new(request))),
        Err(ClientError::Unsendable(FrameError::TooLong { .. }))
    ));
    assert_eq!(client.call::<String>(Method::PoolList).unwrap(), "fine");
}

#[test]
fn addresses_come_early_and_are_durable_later() {
    let daemon = Daemon::new(|mut stream| {
        let Method::Allocate(request) = take(&mut stream).method else {
            panic!("another method");
        };
        assert!(request.early);
        stream.write_all(&frame_of(early(&allocated(5)))).unwrap();
        stream.write_all(&frame_of(ok(&allocated(5)))).unwrap();
        take(&mut stream);
        stream.write_all(&frame_of(ok(&allocated(6)))).unwrap();
    });
    let (first, pending) = daemon.client().allocate_early(allocate()).unwrap();
    assert_eq!(first, allocated(5));
    // A daemon need not answer early.
    let client = pending.wait().unwrap();
    let (second, pending) = client.allocate_early(allocate()).unwrap();
    assert_eq!(second, allocated(6));
    pending.wait().unwrap();
}

#[test]
fn what_came_early_and_is_not_durable_is_an_error() {
    type Judge = fn(&ClientError) -> bool;
    let cases: [(Option<Body>, Judge); 4] = [
        (Some(Body::Error(refusal())), |e| {
            matches!(e, ClientError::Refused(_))
        }),
        (Some(ok(&allocated(6))), |e| {
            matches!(
                e,
                ClientError::Broken {
                    source: Breakage::OutOfStep,
                    ..
                }
            )
        }),
        (Some(early(&allocated(5))), |e| {
            matches!(
                e,
                ClientError::Broken {
                    source: Breakage::OutOfStep,
                    ..
                }
            )
        }),
        // The daemon was killed in between.
        (None, |e| {
            matches!(
                e,
                ClientError::Broken {
                    source: Breakage::Closed,
                    ..
                }
            ) && e.outcome_unknown()
        }),
    ];
    for (second, expected) in cases {
        let daemon = Daemon::new(move |mut stream| {
            take(&mut stream);
            stream.write_all(&frame_of(early(&allocated(5)))).unwrap();
            if let Some(body) = second {
                stream.write_all(&frame_of(body)).unwrap();
            }
        });
        let (_, pending) = daemon.client().allocate_early(allocate()).unwrap();
        let error = pending.wait().unwrap_err();
        assert!(expected(&error), "{error:?}");
    }
}
