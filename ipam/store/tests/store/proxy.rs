//! A way to a member that a test can hold up or cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Requests pass, answers do not.
    NoAnswers,
    /// Nothing passes; connections stay.
    Frozen,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Connections of an older one are cut.
    generation: u64,
    /// New connections are taken.
    open: bool,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    live: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Open,
            generation: 0,
            open: true,
        }));
        let live = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, target, state.clone(), live.clone()));
        Self {
            address,
            state,
            live,
            task,
        }
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// Cuts all connections, and new ones as soon as they come.
    pub(crate) fn close(&self) {
        self.state.send_modify(|state| state.open = false);
        self.cut();
    }

    pub(crate) fn reopen(&self) {
        self.state.send_modify(|state| {
            state.open = true;
            state.mode = Mode::Open;
        });
    }

    /// Connections that are there now.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    state: Arc<watch::Sender<State>>,
    live: Arc<AtomicUsize>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        let (state, live) = (state.subscribe(), live.clone());
        if !state.borrow().open {
            continue;
        }
        tokio::spawn(async move {
            live.fetch_add(1, Ordering::SeqCst);
            connect(client, target, state).await;
            live.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn connect(client: TcpStream, target: SocketAddr, state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let generation = state.borrow().generation;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = state.clone();
    let up = |mode| mode != Mode::Frozen;
    let down = |mode| mode == Mode::Open;
    tokio::select! {
        () = pump(from_client, to_server, state.clone(), up) => {}
        () = pump(from_server, to_client, state, down) => {}
        _ = cut.wait_for(|state| state.generation != generation) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    passes: impl Fn(Mode) -> bool,
) {
    let mut bytes = vec![0; 65_536];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if state.wait_for(|state| passes(state.mode)).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}
