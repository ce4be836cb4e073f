//! The peers, and the neighbour that counts: one thread, whatever their number.

use super::handshake::{Who, session};
use super::sink::Sink;
use super::{Plan, feed};
use anyhow::{Context as _, Result, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// The speaker's addresses: on the peers' network, and on the one of the neighbour that counts.
pub(super) const SPEAKER: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(10, 8, 0, 1)];
/// Who counts.
pub(super) const SINK: Who = Who {
    asn: 64_900,
    address: Ipv4Addr::new(10, 8, 0, 2),
};
/// Nothing comes for so long: there is nothing more.
const QUIET: Duration = Duration::from_millis(400);
/// Who has not told all by then is not waited for.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
const CHUNK: usize = 512 * 1024;

/// One that tells.
pub(super) fn peer(number: u32) -> Who {
    let [.., low] = number.to_be_bytes();
    Who {
        asn: 65_001 + number,
        address: Ipv4Addr::new(10, 9, 1, 1 + low),
    }
}

/// What they have to say.
pub(super) fn feeds(plan: Plan) -> Result<Vec<Vec<u8>>> {
    let all = (0..plan.peers).map(|number| {
        let who = peer(number);
        feed::of(number, (who.asn, who.address), plan.prefixes, plan.total())
    });
    all.collect()
}

/// Sessions that stand.
pub(super) struct Crowd {
    /// The last is the one that counts.
    streams: Vec<TcpStream>,
    sink: Sink,
    buffer: Vec<u8>,
}

impl Crowd {
    /// On the calling thread's network. All sessions stand, and nothing is said on them any more.
    pub(super) fn join(plan: Plan) -> Result<Crowd> {
        let [near, far] = SPEAKER;
        let peers = (0..plan.peers).map(|number| session(peer(number), near));
        let mut streams: Vec<TcpStream> = peers.collect::<Result<_>>()?;
        streams.push(session(SINK, far)?);
        for stream in &streams {
            stream.set_nonblocking(true)?;
        }
        let mut crowd = Crowd {
            streams,
            sink: Sink::new(plan.total()),
            buffer: vec![0; CHUNK],
        };
        crowd.settle()?;
        ensure!(crowd.sink.count == 0, "prefixes before any was told");
        Ok(crowd)
    }

    /// Tells all, until the one that counts was told all; how long that took. [`LIMIT`], where it was not told all by then.
    pub(super) fn tell(&mut self, feeds: &[Vec<u8>]) -> Result<Duration> {
        let mut left: Vec<&[u8]> = feeds.iter().map(Vec::as_slice).collect();
        let begun = Instant::now();
        while !self.sink.has_all() {
            if begun.elapsed() > LIMIT {
                return Ok(LIMIT);
            }
            self.turn(&mut left, LIMIT)?;
        }
        Ok(begun.elapsed())
    }

    /// Until nothing is said any more.
    pub(super) fn settle(&mut self) -> Result<()> {
        let begun = Instant::now();
        while self.turn(&mut [], QUIET)? {
            ensure!(begun.elapsed() < LIMIT * 2, "there is no end to it");
        }
        Ok(())
    }

    /// Hears and says what can be heard and said; whether there was any in that time.
    fn turn(&mut self, left: &mut [&[u8]], wait: Duration) -> Result<bool> {
        let says = |at: usize| left.get(at).is_some_and(|left| !left.is_empty());
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(self.streams.len());
        for (at, stream) in self.streams.iter().enumerate() {
            let out = match says(at) {
                true => PollFlags::POLLOUT,
                false => PollFlags::empty(),
            };
            fds.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN | out));
        }
        if poll(&mut fds, PollTimeout::try_from(wait)?)? == 0 {
            return Ok(false);
        }
        let events: Vec<PollFlags> = fds.iter().filter_map(PollFd::revents).collect();
        let last = self.streams.len() - 1;
        for (at, (stream, events)) in self.streams.iter_mut().zip(events).enumerate() {
            if events.contains(PollFlags::POLLOUT)
                && let Some(left) = left.get_mut(at)
            {
                match stream.write(left) {
                    Ok(sent) => *left = &left[sent..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error).context(format!("peer {at}")),
                }
            }
            if !events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
                continue;
            }
            match stream.read(&mut self.buffer) {
                Ok(0) => bail!("peer {at}: the speaker closed the connection"),
                Ok(count) if at == last => self.sink.hear(&self.buffer[..count])?,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context(format!("peer {at}")),
            }
        }
        Ok(true)
    }
}
