//! The closing summary: one line per part, with its result and time.

use anyhow::{Result, bail};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};
use std::time::Duration;

/// What came of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Passed,
    Failed(String),
    /// Not run, and why that is no failure here.
    Left(String),
}

/// One line of the summary.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    pub(crate) time: Duration,
    /// Of processors, by the programs that it ran: much less than `time` for each of them says that it waited.
    pub(crate) computed: Duration,
    /// For example how many tests.
    pub(crate) note: String,
}

impl Part {
    /// Runs one part and times it; the note is what the closure returns.
    pub(crate) fn of(name: &str, work: impl FnOnce() -> Result<String>) -> Self {
        println!("\n== {name}");
        let begin = std::time::Instant::now();
        let before = computed();
        let (mark, note) = match work() {
            Ok(note) => (Mark::Passed, note),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                (Mark::Failed(format!("{error:#}")), String::new())
            }
        };
        Self {
            name: name.to_owned(),
            mark,
            time: begin.elapsed(),
            computed: computed().saturating_sub(before),
            note,
        }
    }
}

/// What the programs that have ended took of processors.
fn computed() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN);
    let times = usage.map_or([TimeVal::zero(); 2], |usage| {
        [usage.user_time(), usage.system_time()]
    });
    times
        .iter()
        .map(|time| {
            let micros = u64::try_from(time.num_microseconds()).unwrap_or(0);
            Duration::from_micros(micros)
        })
        .sum()
}

/// Prints the summary; any failed part is an error.
pub(crate) fn finish(parts: &[Part]) -> Result<()> {
    let wide = parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
    println!();
    for part in parts {
        let (sign, why) = match &part.mark {
            Mark::Passed => ("✓", part.note.as_str()),
            Mark::Failed(why) => ("✗", why.lines().next().unwrap_or_default()),
            Mark::Left(why) => ("-", why.as_str()),
        };
        let (time, computed) = (part.time.as_secs_f64(), part.computed.as_secs_f64());
        let name = &part.name;
        println!("{sign} {name:wide$}  {time:>7.1} s  {computed:>7.1} s of processors  {why}");
    }
    let failed = parts
        .iter()
        .filter(|part| matches!(part.mark, Mark::Failed(_)));
    let failed: Vec<_> = failed.map(|part| part.name.as_str()).collect();
    match failed.as_slice() {
        [] => Ok(()),
        names => bail!("failed: {}", names.join(", ")),
    }
}
