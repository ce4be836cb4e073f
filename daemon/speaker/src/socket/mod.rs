//! TCP sockets as BGP wants them: with a key (RFC 2385), and with a bound on how far away a neighbour may be (RFC 5082).

mod key;
mod ttl;

pub use key::Whose;

use fairway_bgp::session::config::{Password, Ttl};
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait to be taken up.
const BACKLOG: u32 = 128;

/// How packets to a neighbour and from it may travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How far.
    pub ttl: Ttl,
    /// It is of another AS.
    pub external: bool,
}

/// Listens there. An IPv6 address is for IPv6 alone.
///
/// # Errors
/// The kernel's: the address is not there, somebody else listens.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = new(at.ip())?;
    socket.set_reuseaddr(true)?;
    if at.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    socket.bind(at)?;
    // The kernel answers before anybody knows who it is, so what it sends has to come from far enough up.
    ttl::send(&socket, at.ip(), ttl::MOST)?;
    socket.listen(BACKLOG)
}

/// Connects to a neighbour, from an address of ours where one is named.
///
/// # Errors
/// The kernel's: nobody listens, no route. A wrong key shows as silence, so the caller bounds the time.
pub async fn connect(
    to: SocketAddr,
    from: Option<IpAddr>,
    key: Option<&Password>,
    reach: Reach,
) -> io::Result<TcpStream> {
    let socket = new(to.ip())?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    if let Some(key) = key {
        key::set(&socket, Whose::of(to.ip()), Some(key))?;
    }
    ttl::set(&socket, to.ip(), reach)?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What was accepted from a neighbour is held to its bound.
///
/// # Errors
/// The kernel's.
pub fn accepted(stream: &TcpStream, reach: Reach) -> io::Result<()> {
    ttl::set(stream, stream.peer_addr()?.ip(), reach)?;
    stream.set_nodelay(true)
}

/// Connections from there have this key from now on, or none.
///
/// # Errors
/// The kernel's: it has no TCP-MD5, or no room.
pub fn set_key(listener: &TcpListener, whose: Whose, key: Option<&Password>) -> io::Result<()> {
    key::set(listener, whose, key)
}

fn new(ip: IpAddr) -> io::Result<TcpSocket> {
    match ip {
        IpAddr::V4(_) => TcpSocket::new_v4(),
        IpAddr::V6(_) => TcpSocket::new_v6(),
    }
}
