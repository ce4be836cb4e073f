//! A connection between two containers, of TCP or SCTP, on which both ends talk all the time.
//!
//! What each end has heard is counted by itself: a connection that is cut in one direction only must show.

use crate::{Protocol, SOON, sctp};
use fairway_lab::{Error, Ns, Result, poll};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// See the module's head.
#[derive(Debug)]
pub struct Talk {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By the client, by the server.
    heard: [AtomicU64; 2],
    stop: AtomicBool,
}

/// Between two words of an end.
const PAUSE: Duration = Duration::from_millis(10);

impl Talk {
    /// Connects from one namespace to an address of another.
    ///
    /// # Errors
    /// Where the connection does not come about.
    pub fn start(from: &Ns, (to, ip): (&Ns, IpAddr), port: u16) -> Result<Self> {
        Self::by(Protocol::Tcp, from, to, SocketAddr::new(ip, port))
    }

    /// The same by SCTP.
    ///
    /// # Errors
    /// Where the association does not come about, or the kernel has no SCTP.
    pub fn sctp(from: &Ns, (to, ip): (&Ns, IpAddr), port: u16) -> Result<Self> {
        Self::by(Protocol::Sctp, from, to, SocketAddr::new(ip, port))
    }

    fn by(protocol: Protocol, from: &Ns, to: &Ns, at: SocketAddr) -> Result<Self> {
        let os = |source| Error::Os {
            what: format!("a connection from {} to {at}", from.name()),
            source,
        };
        let is_sctp = protocol == Protocol::Sctp;
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, at.port()));
        let bind = || match is_sctp {
            true => sctp::listener(any),
            false => TcpListener::bind(any),
        };
        let listener = to.inside(bind)?.map_err(os)?;
        let connect = || match is_sctp {
            true => sctp::connected(at, SOON),
            false => TcpStream::connect_timeout(&at, SOON),
        };
        let client = from.inside(connect)?.map_err(os)?;
        let (server, _) = listener.accept().map_err(os)?;
        let shared = Arc::<Shared>::default();
        let mut threads = Vec::new();
        for (end, stream) in [client, server].into_iter().enumerate() {
            stream.set_read_timeout(Some(PAUSE)).map_err(os)?;
            stream.set_write_timeout(Some(PAUSE)).map_err(os)?;
            if !is_sctp {
                stream.set_nodelay(true).map_err(os)?;
            }
            let shared = shared.clone();
            threads.push(std::thread::spawn(move || shared.talk(end, stream)));
        }
        Ok(Self { shared, threads })
    }

    /// Bytes that the client and the server have heard.
    pub fn heard(&self) -> [u64; 2] {
        [0, 1].map(|end| self.shared.heard[end].load(Ordering::Relaxed))
    }

    /// Both ends hear more than they did.
    ///
    /// # Errors
    /// Where one of them does not.
    pub fn goes_on(&self) -> Result<()> {
        let before = self.heard();
        poll(SOON, "both ends hear each other", || {
            let now = self.heard();
            now[0] > before[0] + 3 && now[1] > before[1] + 3
        })
    }

    /// Neither end hears anything any more.
    ///
    /// # Errors
    /// Where one of them still does.
    pub fn is_cut(&self) -> Result<()> {
        poll(SOON, "the connection is cut", || {
            self.quiet_for(Duration::from_millis(500)).is_ok()
        })
    }

    /// Neither end hears anything for so long.
    ///
    /// # Errors
    /// Where one of them does.
    pub fn quiet_for(&self, time: Duration) -> Result<()> {
        let before = self.heard();
        // Whoever hears something ends the wait.
        match poll(time, "", || self.heard() != before) {
            Err(_) => Ok(()),
            Ok(()) => Err(Error::Deadline {
                what: format!("silence; heard: {before:?}, then {:?}", self.heard()),
                limit: time,
            }),
        }
    }
}

impl Shared {
    fn talk(&self, end: usize, mut stream: TcpStream) {
        // A read that has a limit is not taken up again by the kernel once it was interrupted.
        let late = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            )
        };
        let (mut bytes, mut said) = ([0; 512], None::<Instant>);
        while !self.stop.load(Ordering::Relaxed) {
            if said.is_none_or(|said| said.elapsed() >= PAUSE) {
                said = Some(Instant::now());
                match stream.write(b".") {
                    Err(error) if !late(&error) => return,
                    _ => {}
                }
            }
            match stream.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    self.heard[end].fetch_add(count as u64, Ordering::Relaxed);
                }
                Err(error) if late(&error) => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
