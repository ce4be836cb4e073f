//! Runs other programs: with a time limit, and with nothing left over.
//!
//! Tests start daemons that leave their parent (containerd's shims, conmon). This process is
//! therefore their "subreaper": orphans become its children, are reaped while the program runs
//! (a test that waits for a process to go must not see a zombie), and killed after it.

use anyhow::{Context, Error, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Killed(Signal),
    TimedOut(Duration),
}

impl End {
    pub(crate) fn ok(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Killed(signal) => write!(f, "killed by {signal}"),
            Self::TimedOut(limit) => write!(f, "not done after {} s, killed", limit.as_secs()),
        }
    }
}

/// cargo, in the repository's top folder.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(cargo, args)
}

/// A program, in the repository's top folder.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(crate::cache::root());
    // `cargo run` tells this program of its own package, and in which folder that lies. A build script that asks for
    // such names would find them changed with each clone, and what it makes would be built anew with all that needs it.
    let own = |name: &OsStr| name.to_str().is_some_and(of_own_package);
    for (name, _) in std::env::vars_os().filter(|(name, _)| own(name)) {
        command.env_remove(name);
    }
    command
}

fn of_own_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The command line, for people.
pub(crate) fn line(command: &Command) -> String {
    let name = |text: &OsStr| text.to_string_lossy().into_owned();
    let program = name(command.get_program());
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let words = std::iter::once(program).chain(command.get_args().map(name));
    words.collect::<Vec<_>>().join(" ")
}

/// Runs it with the terminal as its own; anything but exit status 0 is an error.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    println!("$ {}", line(command));
    match wait(command, limit)? {
        end if end.ok() => Ok(()),
        end => bail!("`{}`: {end}", line(command)),
    }
}

/// Runs them all at once, each with the terminal as its own; the first that ends otherwise than with 0 is the error.
pub(crate) fn run_all(commands: &mut [Command], limit: Duration) -> Result<()> {
    let lines: Vec<String> = commands.iter().map(line).collect();
    lines.iter().for_each(|line| println!("$ {line}"));
    let ends = wait_all(&mut commands.iter_mut().collect::<Vec<_>>(), limit)?;
    match lines.iter().zip(ends).find(|(_, end)| !end.ok()) {
        None => Ok(()),
        Some((line, end)) => bail!("`{line}`: {end}"),
    }
}

/// Runs it and hands each piece of its output to the terminal and, by lines, to `seen`.
pub(crate) fn watch(
    command: &mut Command,
    limit: Duration,
    seen: impl Fn(&str) + Send + Sync,
) -> Result<End> {
    println!("$ {}", line(command));
    let (out, out_end) = std::io::pipe()?;
    let (err, err_end) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(out_end).stderr(err_end);
    thread::scope(|scope| {
        scope.spawn(|| tee(out, std::io::stdout(), &seen));
        scope.spawn(|| tee(err, std::io::stderr(), &seen));
        let end = wait(command, limit);
        // Ours would keep the pipes open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        end
    })
}

fn tee(mut from: impl Read, mut to: impl Write, seen: &impl Fn(&str)) {
    let (mut chunk, mut line) = ([0; 4096], Vec::new());
    while let Ok(n @ 1..) = from.read(&mut chunk) {
        let _ = to.write_all(&chunk[..n]).and_then(|()| to.flush());
        for byte in &chunk[..n] {
            if *byte == b'\n' {
                seen(&String::from_utf8_lossy(&line));
                line.clear();
            } else {
                line.push(*byte);
            }
        }
    }
}

/// Starts it, waits for it, and takes down whatever it left.
fn wait(command: &mut Command, limit: Duration) -> Result<End> {
    let ends = wait_all(&mut [command], limit)?;
    ends.into_iter().next().context("it has no end")
}

/// The same for several at once: reaping takes whatever child there is, so that two of these calls may not run beside
/// each other.
fn wait_all(commands: &mut [&mut Command], limit: Duration) -> Result<Vec<End>> {
    nix::sys::prctl::set_child_subreaper(true)?;
    let mut ended = BTreeMap::new();
    let mut pids = Vec::new();
    let mut started = Ok(());
    for command in commands {
        match command.spawn() {
            Ok(child) => pids.push(Pid::from_raw(child.id().cast_signed())),
            Err(error) => {
                let text = format!("cannot start `{}`", line(command));
                started = Err(Error::new(error).context(text));
                break;
            }
        }
    }
    let mut all = || {
        reap(&mut ended);
        pids.iter().all(|pid| ended.contains_key(pid))
    };
    if started.is_ok() && fairway_lab::poll(limit, "", &mut all).is_ok() {
        // Some are about to end by themselves, after cleaning up.
        let alone = || {
            reap(&mut BTreeMap::new());
            descendants().is_empty()
        };
        let _ = fairway_lab::poll(Duration::from_secs(3), "", alone);
    } else {
        let late: Vec<Pid> = pids
            .iter()
            .copied()
            .filter(|pid| !ended.contains_key(pid))
            .collect();
        kill_all(&descendants());
        let mut gone = || {
            reap(&mut ended);
            pids.iter().all(|pid| ended.contains_key(pid))
        };
        let _ = fairway_lab::poll(Duration::from_secs(10), "", &mut gone);
        ended.extend(late.into_iter().map(|pid| (pid, End::TimedOut(limit))));
    }
    let gone = || {
        let left = descendants();
        kill_all(&left);
        reap(&mut BTreeMap::new());
        left.is_empty()
    };
    fairway_lab::poll(Duration::from_secs(10), "what it started is gone", gone)?;
    started?;
    Ok(pids.iter().filter_map(|pid| ended.remove(pid)).collect())
}

/// Reaps whatever has ended, and notes how.
fn reap(ended: &mut BTreeMap<Pid, End>) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => _ = ended.insert(pid, End::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                ended.insert(pid, End::Killed(signal));
            }
            Err(Errno::EINTR) => {}
            _ => return,
        }
    }
}

fn kill_all(pids: &[i32]) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
}

/// All processes below this one.
fn descendants() -> Vec<i32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|s| s.parse::<i32>().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name in brackets may hold anything, also brackets and spaces.
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1));
        if let Some(parent) = parent.and_then(|word| word.parse::<i32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut found = vec![std::process::id().cast_signed()];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}

/// For tests that start programs: reaping takes every child of the process, the other tests' too.
#[cfg(test)]
pub(crate) fn alone() -> impl Drop {
    use std::sync::{Mutex, PoisonError};
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn what_cargo_says_of_this_package_is_not_handed_on() {
        let _alone = alone();
        let mut env = command("env", &[]);
        let output = env.output().unwrap();
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        // Cargo says it to tests, too.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        assert!(seen.contains("PATH=") && !seen.contains("CARGO_PKG_"));
        assert!(!seen.contains("CARGO_MANIFEST_"), "{seen}");
    }

    #[test]
    fn daemons_and_hung_programs_do_not_stay() {
        let _alone = alone();
        let sh = |script: &str| command("sh", &["-c", script]);
        let second = Duration::from_secs(1);
        let mut daemon = sh("setsid sleep 77 & echo one; echo two >&2; exit 3");
        let lines = Mutex::new(Vec::new());
        let seen = |line: &str| lines.lock().unwrap().push(line.to_owned());
        assert_eq!(watch(&mut daemon, 20 * second, seen).unwrap(), End::Code(3));
        let mut lines = lines.into_inner().unwrap();
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
        let end = wait(&mut sh("sleep 77 & sleep 77"), second).unwrap();
        assert_eq!(end, End::TimedOut(second));
        let mut several = [sh("sleep 0.1"), sh("exit 4"), sh("sleep 77")];
        let mut several: Vec<&mut Command> = several.iter_mut().collect();
        let ends = wait_all(&mut several, second).unwrap();
        assert_eq!(ends, [End::Code(0), End::Code(4), End::TimedOut(second)]);
        let error = run_all(&mut [sh("sleep 77"), command("/nosuch", &[])], 9 * second);
        assert!(format!("{:#}", error.unwrap_err()).contains("cannot start `nosuch`"));
        let error = run_all(&mut [sh("exit 0"), sh("exit 6")], second).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c exit 6`: exit status 6");
        assert_eq!(
            wait(&mut sh("kill -9 $$"), second).unwrap(),
            End::Killed(Signal::SIGKILL)
        );
        assert_eq!(descendants(), [] as [i32; 0]);
        assert!(run(&mut command("/nosuch", &[]), second).is_err());
    }
}
