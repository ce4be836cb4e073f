//! A way to a member that a test can hold up or cut.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
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
    held: Held,
    task: JoinHandle<()>,
}

/// What came from a client and was not let pass.
type Held = Arc<Mutex<Vec<u8>>>;

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
        let held = Held::default();
        let ways = (state.clone(), live.clone(), held.clone());
        let task = tokio::spawn(accept(listener, target, ways));
        Self {
            address,
            state,
            live,
            held,
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

    /// Has a request with that text in it come, and was it not let pass?
    pub(crate) fn holds(&self, text: &str) -> bool {
        let held = self.held.lock().expect("no panic");
        held.windows(text.len()).any(|part| part == text.as_bytes())
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
    (state, live, held): (Arc<watch::Sender<State>>, Arc<AtomicUsize>, Held),
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        let (state, live, held) = (state.subscribe(), live.clone(), held.clone());
        if !state.borrow().open {
            continue;
        }
        tokio::spawn(async move {
            live.fetch_add(1, Ordering::SeqCst);
            connect(client, target, state, held).await;
            live.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn connect(client: TcpStream, target: SocketAddr, state: watch::Receiver<State>, held: Held) {
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
        () = pump(from_client, to_server, state.clone(), up, Some(held)) => {}
        () = pump(from_server, to_client, state, down, None) => {}
        _ = cut.wait_for(|state| state.generation != generation) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    passes: impl Fn(Mode) -> bool,
    held: Option<Held>,
) {
    let mut bytes = vec![0; 65_536];
    // What waits: a request comes in several pieces as often as not.
    let (mut waiting, mut told) = (Vec::new(), 0);
    loop {
        let passing = passes(state.borrow_and_update().mode);
        if passing && !waiting.is_empty() {
            if to.write_all(&waiting).await.is_err() {
                return;
            }
            (waiting, told) = (Vec::new(), 0);
        }
        if let Some(held) = held.as_ref().filter(|_| !passing) {
            held.lock().expect("no panic").extend(&waiting[told..]);
            told = waiting.len();
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            read = from.read(&mut bytes) => {
                let Ok(n @ 1..) = read else { return };
                waiting.extend(&bytes[..n]);
            }
        }
    }
}
