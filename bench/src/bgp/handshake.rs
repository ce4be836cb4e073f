//! Sessions come up.

use super::feed::CODING;
use anyhow::{Context as _, Result, bail};
use fairway_bgp::message::{Capability, Message, Open};
use fairway_bgp::wire::{self, Coding};
use fairway_bgp::{Asn, HoldTime, RouterId};
use fairway_lab::poll;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

const PORT: u16 = 179;
/// For the speaker to be there and to agree.
const SOON: Duration = Duration::from_secs(60);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// No run is so long.
const HOLD: u16 = 1800;

const OPEN: u8 = 1;
const KEEPALIVE: u8 = 4;

/// Who one is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    pub(super) asn: u32,
    pub(super) address: Ipv4Addr,
}

/// A session of one with the speaker at that address, whenever that is there.
pub(super) fn session(who: Who, speaker: Ipv4Addr) -> Result<TcpStream> {
    let mut last = None;
    let session = poll(SOON, "a session", || {
        once(who, speaker).map_err(|error| last = Some(error)).ok()
    });
    session.with_context(|| format!("{who:?}: {last:?}"))
}

fn once(who: Who, speaker: Ipv4Addr) -> Result<TcpStream> {
    let fd = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let at = |ip, port| SockaddrIn::from(SocketAddrV4::new(ip, port));
    bind(fd.as_raw_fd(), &at(who.address, 0))?;
    connect(fd.as_raw_fd(), &at(speaker, PORT))?;
    let mut stream = TcpStream::from(fd);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let router = RouterId::new(who.address.to_bits()).context("no identifier")?;
    let asn = Asn::new(who.asn).context("AS 0")?;
    let open = Open {
        asn,
        hold_time: HoldTime::new(HOLD).context("no hold time")?,
        router,
        capabilities: vec![
            Capability::Multiprotocol(1, 1),
            Capability::Refresh,
            Capability::FourOctets(asn),
        ],
    };
    say(&mut stream, &Message::Open(open))?;
    wait_for(&mut stream, OPEN)?;
    say(&mut stream, &Message::Keepalive)?;
    wait_for(&mut stream, KEEPALIVE)?;
    Ok(stream)
}

/// As the side that was connected to.
pub(super) fn answer(stream: &mut TcpStream, who: Who) -> Result<()> {
    let asn = Asn::new(who.asn).context("AS 0")?;
    let open = Open {
        asn,
        hold_time: HoldTime::new(HOLD).context("no hold time")?,
        router: RouterId::new(who.address.to_bits()).context("no identifier")?,
        capabilities: vec![Capability::FourOctets(asn)],
    };
    wait_for(stream, OPEN)?;
    say(stream, &Message::Open(open))?;
    say(stream, &Message::Keepalive)?;
    wait_for(stream, KEEPALIVE)
}

fn say(stream: &mut TcpStream, message: &Message) -> Result<()> {
    let mut bytes = Vec::new();
    let coding = match message {
        Message::Open(_) => Coding::default(),
        _ => CODING,
    };
    wire::write(message, &coding, &mut bytes)?;
    Ok(stream.write_all(&bytes)?)
}

/// The next message, which is to be this one.
fn wait_for(stream: &mut TcpStream, kind: u8) -> Result<()> {
    let mut header = [0; 19];
    stream.read_exact(&mut header)?;
    let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
    let mut body = vec![0; length.saturating_sub(19)];
    stream.read_exact(&mut body)?;
    if header[18] != kind {
        bail!("message {} instead of {kind}: {body:?}", header[18]);
    }
    Ok(())
}
