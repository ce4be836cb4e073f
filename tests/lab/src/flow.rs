//! Pings one after the other, and which of them were not answered.
//!
//! The one that was sent last may be on its way when they end, and on a busy machine a few more: they are no loss.

use crate::{Error, Guarded, Ns, Result};
use nix::sys::signal::Signal;
use std::net::IpAddr;
use std::time::Duration;

/// Between two of them.
pub const EVERY: Duration = Duration::from_millis(5);
/// More than so many at the end that nobody has answered are no matter of time: half a second's.
const ON_THEIR_WAY: u64 = 100;
/// For ping to end when it is told to.
const END: Duration = Duration::from_secs(60);

/// A ping every [`EVERY`], until they are told to end.
#[derive(Debug)]
pub struct Flow(Guarded);

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// So many were sent.
    pub sent: u64,
    /// So many of them were not answered.
    pub lost: u64,
}

impl Answers {
    /// How long all that were lost took, about.
    pub fn cut(&self) -> Duration {
        EVERY * u32::try_from(self.lost).unwrap_or(u32::MAX)
    }
}

impl Flow {
    /// Starts it.
    ///
    /// # Errors
    /// Where ping does not start.
    pub fn start(from: &Ns, to: IpAddr) -> Result<Self> {
        let every = EVERY.as_secs_f64().to_string();
        let ping = from.command("ping").args(["-n", "-i", &every]);
        Ok(Self(ping.arg(to.to_string()).spawn()?))
    }

    /// Waits until the first ones are answered.
    ///
    /// # Errors
    /// Where they are not within `limit`.
    pub fn runs(&mut self, limit: Duration) -> Result {
        self.0.wait_for(limit, "icmp_seq=20 ")
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where ping does not end, or says nothing.
    pub fn end(mut self) -> Result<Answers> {
        self.0.signal(Signal::SIGINT)?;
        self.0.wait(END)?;
        let said = self.0.log();
        answers(&said).ok_or_else(|| Error::Said {
            command: "ping".to_owned(),
            text: said,
        })
    }
}

/// What ping's own words tell of its packets.
fn answers(said: &str) -> Option<Answers> {
    let summary = said
        .lines()
        .find(|line| line.contains("packets transmitted"))?;
    let sent: u64 = summary.split_whitespace().next()?.parse().ok()?;
    let answer = |line: &str| {
        let number = line.split_once("icmp_seq=")?.1.split(' ').next()?;
        let arrived = line.contains("time=") && !line.contains("DUP!");
        arrived.then(|| number.parse::<u64>().ok())?
    };
    let (mut last, mut received) = (0, 0);
    for number in said.lines().filter_map(answer) {
        received += 1;
        // There are sixteen bits for it, which last for five minutes.
        let near = |round: u64| number + (round << 16);
        let round = last >> 16;
        let number = match near(round) {
            one if one + 0x8000 < last => near(round + 1),
            one if round > 0 && one > last + 0x8000 => near(round - 1),
            one => one,
        };
        last = last.max(number);
    }
    let tail = sent.saturating_sub(last);
    let on_their_way = if tail <= ON_THEIR_WAY { tail } else { 0 };
    Some(Answers {
        sent,
        lost: sent.saturating_sub(received + on_their_way),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sent: u64, answered: impl IntoIterator<Item = u64>) -> Answers {
        let line = |number| {
            let number = number & 0xffff;
            format!("64 bytes from 10.0.0.1: icmp_seq={number} ttl=64 time=0.042 ms\n")
        };
        let lines: String = answered.into_iter().map(line).collect();
        let all =
            format!("{lines}\n--- 10.0.0.1 ping statistics ---\n{sent} packets transmitted, …\n");
        answers(&all).unwrap()
    }

    #[test]
    fn what_is_missed_is_lost_and_what_is_on_its_way_is_not() {
        let lost = |sent, answered: Vec<u64>| told(sent, answered).lost;
        assert_eq!(lost(300, (1..=300).collect()), 0);
        assert_eq!(lost(303, (1..=300).collect()), 0);
        assert_eq!(lost(303, (2..=300).collect()), 1);
        assert_eq!(lost(303, (1..=100).chain(151..=300).collect()), 50);
        // In no order, and from the first to the last.
        assert_eq!(lost(300, (1..=300).rev().collect()), 0);
        // They have stopped.
        assert_eq!(lost(500, (1..=300).collect()), 200);
        assert_eq!(lost(500, Vec::new()), 500);
        assert_eq!(told(500, 1..=300).cut(), Duration::from_secs(1));
    }

    #[test]
    fn numbers_begin_anew_after_sixteen_bits() {
        assert_eq!(told(140_000, 1..=140_000).lost, 0);
        assert_eq!(
            told(140_005, (1..=140_000).filter(|n| *n != 70_000)).lost,
            1
        );
        // Those at the turn change places.
        let turned = (1..=65_535).chain([65_537, 65_536]).chain(65_538..=66_000);
        assert_eq!(told(66_000, turned).lost, 0);
    }

    #[test]
    fn what_ping_says_of_others_is_no_answer() {
        let said = "From 10.0.0.9 icmp_seq=1 Destination Host Unreachable\n\
                    64 bytes from 10.0.0.1: icmp_seq=2 ttl=64 time=0.1 ms\n\
                    64 bytes from 10.0.0.1: icmp_seq=2 ttl=64 time=0.1 ms (DUP!)\n\
                    2 packets transmitted, 1 received, +1 errors, 50% packet loss, time 5ms\n";
        assert_eq!(answers(said).unwrap(), Answers { sent: 2, lost: 1 });
        assert_eq!(answers("ping: no route"), None);
    }
}
