//! What leaves a queue of a link, as the kernel counts it: whoever receives it has no part in that, however late
//! he comes to it.

use crate::{Error, Ns, Result};
use std::fmt;
use std::time::{Duration, Instant};

/// What has left a queue, in bytes of frames, at some time while somebody looked.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    begun: Instant,
    /// When the look was over.
    pub ended: Instant,
    /// Since the queue is there.
    pub bytes: u64,
}

impl Left {
    /// Looks at the root queue of a link.
    ///
    /// # Errors
    /// Where `tc` does not tell.
    pub fn of(ns: &Ns, link: &str) -> Result<Left> {
        let command = format!("tc -j -s qdisc show dev {link} root");
        let begun = Instant::now();
        let shown = ns.json(&command)?;
        let ended = Instant::now();
        let bytes = shown[0]["bytes"].as_u64();
        let bytes = bytes.ok_or_else(|| Error::Said {
            command,
            text: shown.to_string(),
        })?;
        Ok(Left {
            begun,
            ended,
            bytes,
        })
    }
}

/// Bits a second between two looks at a queue, in parts of a limit: as it takes its time to look, from the least
/// that it may have been to the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    /// From the begin of the first look to the end of the second.
    pub least: f64,
    /// From the end of the first to the begin of the second.
    pub most: f64,
}

impl Between {
    /// `limit`: in bits a second.
    ///
    /// # Errors
    /// Where the second look was at another queue.
    pub fn of(from: Left, to: Left, limit: u64) -> Result<Between> {
        let bytes = to.bytes.checked_sub(from.bytes);
        let bytes = bytes.ok_or_else(|| Error::Said {
            command: "tc".to_owned(),
            text: format!("the queue is another: {from:?}, {to:?}"),
        })?;
        let parts = |time: Duration| bytes as f64 * 8.0 / time.as_secs_f64() / limit as f64;
        Ok(Between {
            least: parts(to.ended - from.begun),
            most: parts(to.begun - from.ended),
        })
    }
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} to {:.3}", self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(begun: Instant, at: [u64; 2], bytes: u64) -> Left {
        let [begun, ended] = at.map(|at| begun + Duration::from_millis(at));
        Left {
            begun,
            ended,
            bytes,
        }
    }

    #[test]
    fn the_time_of_both_looks_is_in_doubt() {
        let begun = Instant::now();
        let (one, two) = (left(begun, [0, 100], 500), left(begun, [900, 1000], 2_500));
        let between = Between::of(one, two, 16_000).unwrap();
        let (least, most) = (1.0, 1.25);
        assert_eq!(between, Between { least, most });
        assert!(Between::of(two, one, 16_000).is_err());
    }
}
