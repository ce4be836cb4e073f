//! Servers in containers, and clients that see who answers.

use fairway_tests_netns::{Ns, Result, ensure, poll};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(10);
/// How soon what must not be answered counts as such.
const SILENCE: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(50);

/// Answers each client of TCP and UDP with its name and the client's address, until it is dropped.
pub(super) struct Server {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// On these ports of all addresses of a namespace.
    pub(super) fn start(ns: &Ns, name: &str, tcp: u16, udp: u16) -> Result<Self> {
        let (listener, socket) = ns
            .inside(|| -> std::io::Result<_> {
                let listener = TcpListener::bind(("::", tcp))?;
                let socket = UdpSocket::bind(("::", udp))?;
                listener.set_nonblocking(true)?;
                socket.set_read_timeout(Some(TICK))?;
                Ok((listener, socket))
            })?
            .unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let (name, flag) = (name.to_owned(), Arc::clone(&end));
        let text = move |peer: SocketAddr| format!("{name} {}", peer.ip().to_canonical());
        let answer = text.clone();
        let streams = thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((mut stream, peer)) => {
                        let _ = stream.write_all(answer(peer).as_bytes());
                    }
                    Err(_) => thread::park_timeout(TICK / 5),
                }
            }
        });
        let flag = Arc::clone(&end);
        let datagrams = thread::spawn(move || {
            let mut bytes = [0; 64];
            while !flag.load(Ordering::Relaxed) {
                if let Ok((_, peer)) = socket.recv_from(&mut bytes) {
                    let _ = socket.send_to(text(peer).as_bytes(), peer);
                }
            }
        });
        Ok(Self {
            end,
            threads: vec![streams, datagrams],
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Who answers there, and whom it takes the client for.
pub(super) fn tcp(from: &Ns, to: &str, port: u16) -> Option<String> {
    let to = SocketAddr::new(to.parse().unwrap(), port);
    from.inside(|| {
        let mut stream = TcpStream::connect_timeout(&to, ANSWER).ok()?;
        stream.set_read_timeout(Some(ANSWER)).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    })
    .unwrap()
}

/// The same by datagrams of a fresh socket, one after the other until there is an answer: the first may be lost while
/// neighbours are looked for.
pub(super) fn udp(from: &Ns, to: &str, port: u16) -> Option<String> {
    let client = Client::new(from, to);
    let ask = || client.ask(port, SILENCE);
    poll(ANSWER, "an answer", ask).ok()
}

/// A socket that goes on sending from the same port.
pub(super) struct Client {
    socket: UdpSocket,
    to: IpAddr,
}

impl Client {
    pub(super) fn new(from: &Ns, to: &str) -> Self {
        let to: IpAddr = to.parse().unwrap();
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = from.inside(|| UdpSocket::bind(any).unwrap()).unwrap();
        Self { socket, to }
    }

    pub(super) fn ask(&self, port: u16, wait: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut bytes = [0; 64];
        // What an earlier question brought, errors too, is none.
        self.socket.set_nonblocking(true).unwrap();
        while self.socket.recv_from(&mut bytes).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
        self.socket.send_to(b"?", (self.to, port)).ok()?;
        let (length, _) = self.socket.recv_from(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// Asks until that name answers.
    pub(super) fn gets(&self, port: u16, name: &str) -> Result {
        poll(3 * ANSWER, &format!("{name} answers"), || {
            self.ask(port, SILENCE)
                .is_some_and(|text| text.starts_with(name))
        })
    }
}

/// Nobody answers there.
pub(super) fn silent(from: &Ns, to: &str, ports: (u16, u16)) -> Result {
    let at = SocketAddr::new(to.parse().unwrap(), ports.0);
    let stream = from.inside(|| TcpStream::connect_timeout(&at, SILENCE).is_err())?;
    ensure(stream, format!("no connection to {at}"))?;
    let answer = Client::new(from, to).ask(ports.1, SILENCE);
    ensure(
        answer.is_none(),
        format!("no answer from {to}, udp {}", ports.1),
    )
}
