//! Instead of a speaker: what peers tell is passed on as it is. Nothing can be quicker, so this is what the generator, the
//! sockets and the machine take by themselves.

use super::crowd::SINK;
use super::handshake::{Who, answer};
use super::side::{ASN, ROUTER};
use super::sink::whole;
use anyhow::{Context as _, Result};
use fairway_lab::Ns;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const CHUNK: usize = 256 * 1024;

/// Begins to listen there; it ends with the connections.
pub(super) fn start(ns: &Ns, peers: u32) -> Result<()> {
    let listener = ns.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 179)))??;
    thread::spawn(move || {
        if let Err(error) = run(&listener, peers) {
            eprintln!("the relay: {error:#}");
        }
    });
    Ok(())
}

fn run(listener: &TcpListener, peers: u32) -> Result<()> {
    let me = Who {
        asn: ASN,
        address: ROUTER,
    };
    let (mut from, mut to) = (Vec::new(), None);
    for _ in 0..=peers {
        let (mut stream, whose) = listener.accept()?;
        answer(&mut stream, me)?;
        match whose.ip() == IpAddr::V4(SINK.address) {
            true => to = Some(stream),
            false => from.push(stream),
        }
    }
    let to = Arc::new(Mutex::new(to.context("nobody counts")?));
    for stream in from {
        let to = Arc::clone(&to);
        // The connections end before all is said at the end of each round.
        thread::spawn(move || drop(pass(stream, &to)));
    }
    Ok(())
}

/// Whole messages at once, since there are others that tell.
fn pass(mut from: TcpStream, to: &Mutex<TcpStream>) -> Result<()> {
    let mut rest = Vec::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        rest.extend_from_slice(&chunk[..count]);
        let mut end = 0;
        while let Some(length) = whole(&rest[end..]) {
            end += length;
        }
        if let Ok(mut to) = to.lock() {
            to.write_all(&rest[..end])?;
        }
        rest.drain(..end);
    }
}
