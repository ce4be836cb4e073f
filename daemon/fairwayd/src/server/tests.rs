use super::{Claim, Gone, Limits, Replies, Service, SocketError, may_speak, serve};
use fairway_api::{Body, Method, Progress, Request, frame};
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Answers `daemon.info` at once, `node.list` with a list that no frame holds, and never answers `pool.list`.
#[derive(Default)]
struct Answers {
    waiting: AtomicUsize,
    gone: Arc<AtomicUsize>,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Answers {
    async fn call(&self, request: Request, replies: &mut Replies) -> Result<(), Gone> {
        if request.method == Method::PoolList {
            let _counted = Counted(self.gone.clone());
            self.waiting.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        if request.method == Method::NodeList {
            return replies
                .list(Ok((0..ROWS).map(row).collect::<Vec<_>>()))
                .await;
        }
        let (what, done, total) = ("half".to_owned(), 1, Some(2));
        replies.progress(Progress { what, done, total }).await?;
        replies.answer(Ok(json!({"node": "n1"}))).await
    }
}

/// So many rows of more than 64 KiB do not fit into a frame, and the last part is not empty.
const ROWS: usize = frame::MAX_REPLY / ROW + 1;
const ROW: usize = 64 * 1024;

fn row(number: usize) -> String {
    format!("{number:08}{}", "x".repeat(ROW))
}

struct Bed {
    _folder: tempfile::TempDir,
    path: PathBuf,
    service: Arc<Answers>,
    _stop: watch::Sender<bool>,
    _runtime: tokio::runtime::Runtime,
}

fn bed(limits: Limits) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/s.sock");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let service = Arc::new(Answers::default());
    let mut claim = Claim::new(&path).unwrap();
    let listener = runtime.block_on(async { claim.listen().unwrap() });
    let answers = service.clone();
    runtime.spawn(async move {
        serve(listener, answers, limits, stopped).await;
        drop(claim);
    });
    Bed {
        _folder: folder,
        path,
        service,
        _stop: stop,
        _runtime: runtime,
    }
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

fn ask(stream: &mut UnixStream, method: &str) {
    let request = json!({"v": 1, "method": method});
    stream
        .write_all(&frame::encode(&request, 1000).unwrap())
        .unwrap();
}

fn answer(stream: &mut UnixStream) -> Option<Body> {
    let body = frame::read(stream, frame::MAX_REPLY).unwrap().unwrap()?;
    Some(frame::reply(&body).unwrap().body)
}

#[test]
fn requests_are_answered_one_after_the_other() {
    let bed = bed(Limits::default());
    let mode = fs::metadata(&bed.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut stream = connect(&bed.path);
    for _ in 0..3 {
        ask(&mut stream, "daemon.info");
        assert!(matches!(answer(&mut stream), Some(Body::Progress(_))));
        assert_eq!(answer(&mut stream), Some(Body::Ok(json!({"node": "n1"}))));
    }
}

#[test]
fn a_list_of_any_length_comes_in_parts() {
    let bed = bed(Limits::default());
    let mut stream = connect(&bed.path);
    // It is written twice, on machines that do other things, too.
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let request = json!({"v": 1, "method": "node.list", "parts": true});
    stream
        .write_all(&frame::encode(&request, 1000).unwrap())
        .unwrap();
    let (mut rows, mut parts) = (0, 0);
    loop {
        let body = frame::read(&mut stream, frame::MAX_REPLY).unwrap().unwrap();
        let body = body.unwrap();
        // A part, its last row on top, and what is around them.
        assert!(body.len() < frame::PART + ROW + 100, "{}", body.len());
        let (some, last) = match frame::reply(&body).unwrap().body {
            Body::Part(some) => (some, false),
            Body::Ok(some) => (some, true),
            other => panic!("{other:?}"),
        };
        for text in some.as_array().unwrap() {
            assert!(text.as_str() == Some(&row(rows)), "row {rows}");
            rows += 1;
        }
        if last {
            break;
        }
        parts += 1;
    }
    assert_eq!(rows, ROWS);
    assert!(parts >= frame::MAX_REPLY / (frame::PART + ROW), "{parts}");
    // The next who asks does not take parts, on the same connection.
    ask(&mut stream, "node.list");
    match answer(&mut stream) {
        Some(Body::Error(error)) => {
            assert_eq!(error.code, 999);
            assert!(error.message.contains("cannot be sent"), "{error:?}");
        }
        other => panic!("{:?}", other.is_some()),
    }
}

#[test]
fn what_is_no_request_is_told_and_the_connection_ends() {
    let bed = bed(Limits::default());
    let long = [&u32::MAX.to_be_bytes()[..], b"x"].concat();
    for (bytes, code, word) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 6, "allowed"),
        (long, 6, "allowed"),
        (vec![0, 0, 0, 0], 6, "empty"),
        (frame::encode(&json!([1]), 100).unwrap(), 6, "v"),
        (
            frame::encode(&json!({"v": 9, "method": "daemon.info"}), 100).unwrap(),
            1,
            "9",
        ),
        (
            frame::encode(&json!({"v": 1, "method": "no.such"}), 100).unwrap(),
            6,
            "method",
        ),
    ] {
        let mut stream = connect(&bed.path);
        stream.write_all(&bytes).unwrap();
        let Some(Body::Error(error)) = answer(&mut stream) else {
            panic!("no error")
        };
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.message.contains(word), "{error:?}");
        // An end, or a reset where the daemon did not read all of the nonsense.
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
}

#[test]
fn a_caller_that_hangs_is_sent_away_and_others_are_served() {
    let limits = Limits {
        connections: 2,
        idle: Duration::from_millis(300),
        receive: Duration::from_millis(300),
        ..Limits::default()
    };
    let bed = bed(limits);
    let mut half = connect(&bed.path);
    half.write_all(&[0, 0]).unwrap();
    let _idle = connect(&bed.path);
    let mut third = connect(&bed.path);
    let start = Instant::now();
    ask(&mut third, "daemon.info");
    assert!(matches!(answer(&mut third), Some(Body::Progress(_))));
    // Nobody who hangs would be sent away by then but by the limits above.
    assert!(start.elapsed() < Limits::default().idle / 2);
    assert_eq!(half.read(&mut [0]).unwrap(), 0);
}

#[test]
fn work_for_a_caller_that_has_gone_is_given_up() {
    let bed = bed(Limits::default());
    let mut stream = connect(&bed.path);
    ask(&mut stream, "pool.list");
    let second = Duration::from_secs(10);
    let waits = || bed.service.waiting.load(Ordering::SeqCst) == 1;
    fairway_lab::poll(second, "it is asked", waits).unwrap();
    assert_eq!(bed.service.gone.load(Ordering::SeqCst), 0);
    drop(stream);
    let gone = || bed.service.gone.load(Ordering::SeqCst) == 1;
    fairway_lab::poll(second, "it is given up", gone).unwrap();
}

#[test]
fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let claim = Claim::new(&path).unwrap();
    let second = Claim::new(&path).unwrap_err();
    assert!(
        second
            .to_string()
            .starts_with("another fairwayd answers on"),
        "{second}"
    );
    drop(claim);
    fs::remove_file(&path).unwrap();
    let _live = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert!(matches!(Claim::new(&path), Err(SocketError::InUse { .. })));
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        Claim::new(&file),
        Err(SocketError::NoSocket { .. })
    ));
}

#[test]
fn only_root_may_speak() {
    assert!(may_speak(0) && !may_speak(1000));
}
