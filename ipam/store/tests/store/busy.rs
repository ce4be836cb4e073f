//! A member that sheds load. Real ones do so when their disk is thousands of entries behind, which no test
//! can bring about at will; so one is played, with etcd's words.

use crate::bed::*;
use fairway_store::kv::Committed;
use fairway_store::{StoreError, open};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked, and how often it is to say no.
#[derive(Default)]
struct Played {
    connections: AtomicUsize,
    requests: AtomicUsize,
    no: AtomicUsize,
}

/// Starts it; gives its URL.
async fn play(played: Arc<Played>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            played.connections.fetch_add(1, SeqCst);
            tokio::spawn(serve(stream, played.clone()));
        }
    });
    format!("http://{address}")
}

async fn serve(stream: TcpStream, played: Arc<Played>) {
    let handshake = h2::server::Builder::new().handshake::<_, &[u8]>(stream);
    let mut connection = handshake.await.expect("HTTP/2");
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let mut answer = http::Response::new(());
        let headers = answer.headers_mut();
        headers.insert("content-type", "application/grpc".parse().expect("a value"));
        let sheds = || {
            played.requests.fetch_add(1, SeqCst);
            let less = |no: usize| no.checked_sub(1);
            played.no.fetch_update(SeqCst, SeqCst, less).is_ok()
        };
        // How it does is not asked of the others, and so answered always.
        if request.uri().path().starts_with("/etcdserverpb.KV/") && sheds() {
            headers.insert("grpc-status", 8.into());
            let words = "etcdserver: too many requests".parse().expect("a value");
            headers.insert("grpc-message", words);
            respond.send_response(answer, true).expect("it is sent");
            continue;
        }
        let mut stream = respond.send_response(answer, false).expect("it is sent");
        // A message of no bytes: each of its fields is zero, or empty.
        stream.send_data(&[0; 5], false).expect("it is sent");
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", 0.into());
        stream.send_trailers(trailers).expect("it is sent");
    }
}

#[test]
fn an_overloaded_member_is_given_time() {
    run(async {
        let played = Arc::new(Played::default());
        let store = open(&at(&[play(played.clone()).await])).await;
        let store = store.expect("it opens");
        played.no.store(3, SeqCst);
        assert_eq!(get(&*store, "a").await, None);
        assert_eq!(played.requests.swap(0, SeqCst), 4);
        // What was shed was not done, so a transaction may be tried again too.
        played.no.store(3, SeqCst);
        let done = store.commit(&txn(vec![], vec![put("a", "1")])).await;
        assert!(matches!(done, Ok(Committed::No { .. })), "{done:?}");
        assert_eq!(played.requests.swap(0, SeqCst), 4);
        assert_eq!(played.connections.load(SeqCst), 1);
        // Without an end.
        played.no.store(usize::MAX, SeqCst);
        let begun = Instant::now();
        let error = store.get(&key("a")).await.expect_err("no answer");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("too many requests"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(7), "too late");
        let requests = played.requests.load(SeqCst);
        assert!((3..=12).contains(&requests), "{requests} requests");
        assert_eq!(played.connections.load(SeqCst), 1);
        // That was long enough: the next call goes elsewhere, where there is another member.
        played.no.store(0, SeqCst);
        assert_eq!(get(&*store, "a").await, None);
        assert_eq!(played.connections.load(SeqCst), 2);
    });
}
