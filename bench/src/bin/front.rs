//! Stands in front of plugins, under their names, and notes what each call of a runtime takes.
//!
//! Whose plugins are called says the pod's namespace: the runtime has one folder of plugins, and calls the loopback plugin
//! by that name whatever a network's configuration says. The side's folder alone is in the plugin's `CNI_PATH`, so its own
//! delegates are not in front of anything. What this process costs by itself, each side pays.
//!
//! A line for each call: side, verb, type, container, begin (µs since 1970), time (µs), CPU time (µs), exit status.

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::env;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("fairway-bench-front: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u8> {
    let variable = |name: &str| env::var(name).with_context(|| name.to_owned());
    let args = variable("CNI_ARGS")?;
    let namespace = args.split(';');
    let mut namespace = namespace.filter_map(|pair| pair.strip_prefix("K8S_POD_NAMESPACE="));
    let side = namespace.next().context("no namespace in CNI_ARGS")?;
    let own = env::args().next().unwrap_or_default();
    let kind = Path::new(&own).file_name().context("no name")?;
    let folder = PathBuf::from(variable("FAIRWAY_BENCH_SIDES")?).join(side);
    let mut command = Command::new(folder.join(kind));
    command.env("CNI_PATH", &folder);

    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let begin = Instant::now();
    let status = command.status()?;
    let took = begin.elapsed();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let used = (used.user_time() + used.system_time()).num_microseconds();
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let code = code.unwrap_or(u8::MAX);
    let line = format!(
        "{side} {} {} {} {} {} {used} {code}\n",
        variable("CNI_COMMAND")?,
        kind.display(),
        variable("CNI_CONTAINERID")?,
        now.as_micros(),
        took.as_micros(),
    );
    // One write at the end of the file: lines of two calls do not mix.
    let calls = variable("FAIRWAY_BENCH_CALLS")?;
    let mut calls = File::options().append(true).create(true).open(calls)?;
    calls.write_all(line.as_bytes())?;
    Ok(code)
}
