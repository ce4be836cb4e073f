//! A loopback address that nobody else has.
//!
//! One port of it stays bound for as long as it is held: that is the lock, which the kernel lets go when
//! the process ends, however it ends.

use crate::{Error, Result};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};

/// Not one of etcd's ports.
const LOCK_PORT: u16 = 2370;

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) address: Ipv4Addr,
    _lock: TcpListener,
}

impl Held {
    pub(crate) fn take() -> Result<Self> {
        let mut last = None;
        for _ in 0..100 {
            let [a, b, c, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
            // Away from 127.0.0.0/16, where other programs live.
            let address = Ipv4Addr::new(127, a | 1, b, c.clamp(1, 254));
            match TcpListener::bind((address, LOCK_PORT)) {
                Ok(_lock) => return Ok(Self { address, _lock }),
                Err(source) => last = Some(source),
            }
        }
        let source = last.unwrap_or_else(|| std::io::Error::other("none tried"));
        Err(Error::Address { source })
    }
}
