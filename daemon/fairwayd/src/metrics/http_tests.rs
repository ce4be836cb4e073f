//! The server against clients that mean well, that are slow, and that are none.

use super::*;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Fake {
    unready: AtomicBool,
}

impl Source for Fake {
    async fn metrics(&self) -> Arc<str> {
        "# HELP fairway_cut_offs x\n# TYPE fairway_cut_offs counter\nfairway_cut_offs_total 1\n# EOF\n".into()
    }

    async fn ready(&self) -> Result<(), String> {
        match self.unready.load(Ordering::SeqCst) {
            true => Err("the disk is full".into()),
            false => Ok(()),
        }
    }
}

struct Bed {
    at: SocketAddr,
    source: Arc<Fake>,
    served: Served,
    stop: watch::Sender<bool>,
    _runtime: tokio::runtime::Runtime,
}

fn bed(limits: Limits) -> Bed {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
    let listener = runtime
        .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
    let (at, source, served) = (
        listener.local_addr().unwrap(),
        Arc::default(),
        Served::default(),
    );
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(serve(
        listener,
        Arc::clone(&source),
        limits,
        served.clone(),
        stopped,
    ));
    Bed {
        at,
        source,
        served,
        stop,
        _runtime: runtime,
    }
}

impl Bed {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Sends this and reads until the connection ends.
    fn says(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // Who is refused in the middle has said enough.
        let _ = stream.write_all(request);
        rest(stream)
    }
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn there_are_three_paths_and_one_method() {
    let bed = bed(Limits::default());
    let old = bed.says(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        old.starts_with("HTTP/1.1 200 ") && old.contains("text/plain; version=0.0.4"),
        "{old}"
    );
    assert!(
        old.contains("# TYPE fairway_cut_offs_total counter") && !old.contains("EOF"),
        "{old}"
    );
    assert!(old.to_lowercase().contains("connection: close"), "{old}");
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.5";
    let new =
        bed.says(format!("GET /metrics?x=y HTTP/1.1\r\nHost: x\r\n{accept}\r\n\r\n").as_bytes());
    assert!(
        new.contains("application/openmetrics-text") && new.ends_with("# EOF\n"),
        "{new}"
    );
    assert_eq!(bed.served.scrapes.get(), 2);
    for (request, status) in [
        ("GET /healthz HTTP/1.1", "200"),
        ("GET /readyz HTTP/1.0", "200"),
        ("GET / HTTP/1.1", "404"),
        ("GET /metrics/ HTTP/1.1", "404"),
        ("GET /metrics/../etc HTTP/1.1", "404"),
        ("POST /metrics HTTP/1.1", "405"),
        ("HEAD /metrics HTTP/1.1", "405"),
        ("DELETE /readyz HTTP/1.1", "405"),
        ("PRI * HTTP/1.1", "404"),
    ] {
        let answer = bed.says(format!("{request}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(
            answer.split(' ').nth(1),
            Some(status),
            "{request}: {answer}"
        );
    }
    bed.source.unready.store(true, Ordering::SeqCst);
    let unready = bed.says(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(
        unready.starts_with("HTTP/1.1 503 ") && unready.ends_with("the disk is full\n"),
        "{unready}"
    );
    assert!(
        bed.says(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .starts_with("HTTP/1.1 200 ")
    );
}

#[test]
fn junk_ends_a_connection_and_nothing_else() {
    let bed = bed(Limits::default());
    let long = [&b"GET /"[..], &[b'a'; 64 * 1024], b" HTTP/1.1\r\n\r\n"].concat();
    let many = [
        &b"GET /metrics HTTP/1.1\r\n"[..],
        &b"a: b\r\n".repeat(4000),
        b"\r\n",
    ]
    .concat();
    let body = b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n";
    for junk in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\r\n\r\n\0\0",
        b"GET",
        &long,
        &many,
        body,
    ] {
        let mut stream = bed.connect();
        let _ = stream.write_all(junk);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = rest(stream);
        let refused = ["HTTP/1.1 400", "HTTP/1.1 414", "HTTP/1.1 431"];
        let refused = answer.is_empty() || refused.iter().any(|with| answer.starts_with(with));
        assert!(refused, "{answer}");
    }
    assert!(
        bed.says(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .starts_with("HTTP/1.1 200 ")
    );
}

#[test]
fn who_is_slow_is_dropped_and_who_is_too_many_is_refused() {
    let short = Duration::from_millis(300);
    let bed = bed(Limits {
        connections: 3,
        receive: short,
        all: short * 3,
    });
    let begun = Instant::now();
    let slow: Vec<TcpStream> = (0..3).map(|_| bed.connect()).collect();
    // They are taken one after the other; the fourth is closed without a word once they are.
    let mut refused = String::from("not yet");
    while bed.served.refused.get() == 0 && begun.elapsed() < LONG {
        refused = bed.says(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_eq!(refused, "");
    for mut stream in slow {
        let _ = stream.write_all(b"GET /metr");
        let said = rest(stream);
        assert!(!said.contains("200"), "{said}");
    }
    assert!(begun.elapsed() < LONG);
    // Their places are free again.
    let mut answer = String::new();
    while !answer.starts_with("HTTP/1.1 200 ") && begun.elapsed() < LONG {
        answer = bed.says(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    bed.stop.send_replace(true);
    let ended = || TcpStream::connect(bed.at).is_err();
    while !ended() && begun.elapsed() < LONG {
        std::thread::yield_now();
    }
    assert!(ended());
}
