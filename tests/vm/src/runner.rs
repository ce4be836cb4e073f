//! The guest's side: runs tests, each in a process of its own, and reports.
//!
//! A test that hangs or crashes must cost its own verdict only: the others go on.

use std::io::{self, Write};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use fairway_lab::Ns;

use crate::plan::{GuestTest, Plan, Verdict};
use crate::plans::PLANS;

/// `guest-tests PLAN NAME…` runs these tests and prints a [`Verdict`] a line;
/// `guest-tests --one PLAN NAME` is one of them.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--one", plan, name] => find(plan, name).and_then(|(_, test)| (test.run)()),
        [plan, names @ ..] => all(plan, names),
        [] => Err(anyhow::anyhow!("usage: guest-tests PLAN NAME…")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn find(plan: &str, name: &str) -> anyhow::Result<(&'static Plan, GuestTest)> {
    let plans = PLANS.iter().filter(|p| p.name == plan);
    let mut tests = plans.flat_map(|p| p.tests.iter().map(move |t| (p, *t)));
    let test = tests.find(|(_, t)| t.name == name);
    test.with_context(|| format!("no {plan}::{name}"))
}

/// As many at a time as there are CPUs, in the order given.
fn all(plan: &str, names: &[&str]) -> anyhow::Result<()> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || -> anyhow::Result<()> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut line = serde_json::to_string(&judge(plan, name))?;
            line.push('\n');
            // One write: lines of two workers must not mix.
            io::stdout().lock().write_all(line.as_bytes())?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|w| match w.join() {
            Ok(done) => done,
            Err(_) => bail!("a worker panicked"),
        })
    })
}

fn judge(plan: &str, name: &str) -> Verdict {
    let started = Instant::now();
    let run = || -> anyhow::Result<Option<String>> {
        let this = std::env::current_exe()?;
        let command = Ns::host()?.command(this).args(["--one", plan, name]);
        let (of, _) = find(plan, name)?;
        let output = command.limit(of.limit).output()?;
        let said = format!("{}{}", output.stdout, output.stderr);
        Ok((!output.status.success()).then(|| format!("{}\n{said}", output.status)))
    };
    Verdict {
        test: name.to_owned(),
        failure: run().unwrap_or_else(|error| Some(format!("{error:?}"))),
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}
