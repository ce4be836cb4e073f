//! Runs one command in a guest and hears it to its end.
//!
//! What can go wrong: the guest panics, hangs, or QEMU never starts. In each case QEMU
//! is gone when [`Guest::run`] returns, and the error bears the end of the console.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::error::VmError;
use crate::initrd;
use crate::kernel::Kernel;
use crate::qemu;

/// Lines of the console that are kept for an error.
const CONSOLE_LINES: usize = 60;

/// A guest to be: a machine with the network cards and modules that a command wants.
#[derive(Debug, Clone)]
pub struct Guest {
    memory: u32,
    cpus: u32,
    arguments: Vec<String>,
    modules: Vec<String>,
    environment: Vec<(String, String)>,
}

/// How a command in a guest went.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status; 128 + n after signal n.
    pub status: i32,
    /// Its stdout and stderr, as they came.
    pub output: String,
    /// The end of the kernel's console and of QEMU's stderr.
    pub console: String,
    /// From the start of QEMU to the start of the command.
    pub boot: Duration,
    /// From the start of QEMU to the end of the command.
    pub total: Duration,
}

impl Outcome {
    /// The output, where the command ended with status 0.
    ///
    /// # Errors
    /// [`VmError::Command`].
    pub fn ok(self) -> Result<String, VmError> {
        match self.status {
            0 => Ok(self.output),
            status => Err(VmError::Command {
                status,
                output: self.output,
            }),
        }
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    /// Two CPUs, 1 GiB, no network card. Its files are the machine's, read-only below
    /// and in memory above; /run is empty.
    #[must_use]
    pub fn new() -> Self {
        let environment = [
            ("HOME", "/root"),
            ("LC_ALL", "C.UTF-8"),
            (
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ),
            ("TERM", "dumb"),
            ("TMPDIR", "/run/tmp"),
        ];
        Self {
            memory: 1024,
            cpus: 2,
            arguments: Vec::new(),
            modules: Vec::new(),
            environment: environment
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .to_vec(),
        }
    }

    /// Adds arguments for QEMU, such as a network card.
    #[must_use]
    pub fn qemu_arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Loads modules before the command: drivers, that is, for the kernel loads by
    /// itself whatever a link type, qdisc or table asks for.
    #[must_use]
    pub fn modules<'a>(mut self, modules: impl IntoIterator<Item = &'a str>) -> Self {
        self.modules.extend(modules.into_iter().map(str::to_owned));
        self
    }

    /// Sets a variable of the command's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(n, _)| n != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Boots, runs the command, and ends the guest. `on_line` gets each line of output
    /// as it comes.
    ///
    /// # Errors
    /// [`VmError::Deadline`] where it takes longer than `deadline` (boot included),
    /// [`VmError::NoExit`] where the guest dies, and all that hinders the boot.
    pub fn run(
        &self,
        command: &[&str],
        deadline: Duration,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Outcome, VmError> {
        let cache = Cache::of_user()?;
        qemu::ensure(&cache)?;
        let kernel = Kernel::get(&cache)?;
        let token = token();
        let initrd = initrd::build(
            &kernel,
            &initrd::Run {
                token: &token,
                load: &self.modules,
                environment: &self.environment,
                command,
            },
        )?;
        let machine = qemu::Machine {
            memory: self.memory,
            cpus: self.cpus,
            arguments: &self.arguments,
        };
        let started = Instant::now();
        let mut qemu = Running(qemu::start(&kernel, unnamed(&initrd)?, &machine)?);
        let console = Console::of(&mut qemu.0);
        let lines = lines_of(&mut qemu.0);
        let mut heard = Heard::new(&token);
        loop {
            let left = deadline.saturating_sub(started.elapsed());
            match lines.recv_timeout(left) {
                Ok(line) => {
                    heard.line(&line, started.elapsed(), on_line);
                    if let Some(status) = heard.status {
                        return Ok(Outcome {
                            status,
                            output: heard.output,
                            console: console.text(),
                            boot: heard.boot,
                            total: started.elapsed(),
                        });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(VmError::Deadline {
                        after: deadline,
                        console: console.text(),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = qemu.0.wait().map_err(VmError::file("wait for", "QEMU"))?;
                    return Err(VmError::NoExit {
                        status,
                        console: console.text(),
                    });
                }
            }
        }
    }
}

/// QEMU, killed when this goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Takes the command's output apart from the harness's own lines.
struct Heard {
    token: String,
    output: String,
    /// The exit line is preceded by a line end that is not the command's; an empty
    /// line is therefore held back until it is known what follows.
    blank: bool,
    boot: Duration,
    status: Option<i32>,
}

impl Heard {
    fn new(token: &str) -> Self {
        Self {
            token: format!("{token} "),
            output: String::new(),
            blank: false,
            boot: Duration::ZERO,
            status: None,
        }
    }

    fn line(&mut self, line: &str, at: Duration, on_line: &mut dyn FnMut(&str)) {
        if let Some(own) = line.strip_prefix(&self.token) {
            match own.split_once(' ') {
                Some(("exit", status)) => self.status = status.parse().ok(),
                _ => self.boot = at,
            }
            return;
        }
        if std::mem::replace(&mut self.blank, line.is_empty()) {
            self.pass("", on_line);
        }
        if !self.blank {
            self.pass(line, on_line);
        }
    }

    fn pass(&mut self, line: &str, on_line: &mut dyn FnMut(&str)) {
        on_line(line);
        self.output.push_str(line);
        self.output.push('\n');
    }
}

/// The last lines of QEMU's stderr, collected by a thread that ends with QEMU.
struct Console(Arc<Mutex<VecDeque<String>>>);

impl Console {
    fn of(qemu: &mut Child) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = qemu.stderr.take() {
            let lines = Arc::clone(&lines);
            thread::spawn(move || {
                each_line(stderr, |line| {
                    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                    lines.push_back(line);
                    if lines.len() > CONSOLE_LINES {
                        lines.pop_front();
                    }
                    true
                });
            });
        }
        Self(lines)
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|l| format!("  {l}\n")).collect()
    }
}

fn lines_of(qemu: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = qemu.stdout.take() {
        thread::spawn(move || each_line(stdout, |line| sender.send(line).is_ok()));
    }
    receiver
}

/// Calls `take` with each line until the end, or until `take` has enough.
fn each_line(from: impl Read, mut take: impl FnMut(String) -> bool) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
        let line = String::from_utf8_lossy(&bytes);
        if !take(line.trim_end_matches(['\r', '\n']).to_owned()) {
            break;
        }
        bytes.clear();
    }
}

fn unnamed(data: &[u8]) -> Result<std::fs::File, VmError> {
    let write = || {
        let mut file = tempfile::tempfile()?;
        file.write_all(data)?;
        file.rewind()?;
        Ok(file)
    };
    write().map_err(VmError::file("fill", "a temporary file"))
}

/// Sixteen hexadecimal digits that no output has by chance.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("@{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(lines: &[&str]) -> Heard {
        let mut heard = Heard::new("@t");
        for line in lines {
            heard.line(line, Duration::from_secs(1), &mut |_| ());
        }
        heard
    }

    #[test]
    fn output_is_kept_apart_from_own_lines() {
        let heard = hear(&["@t boot", "a", "", "", "b", "", "@t exit 3"]);
        assert_eq!(heard.output, "a\n\n\nb\n");
        assert_eq!(heard.status, Some(3));
        assert_eq!(heard.boot, Duration::from_secs(1));
    }

    #[test]
    fn a_blank_last_line_of_the_command_stays() {
        assert_eq!(hear(&["a", "", "", "@t exit 0"]).output, "a\n\n");
        assert_eq!(hear(&["", "@t exit 0"]).output, "");
    }

    #[test]
    fn only_the_token_at_the_start_counts() {
        let heard = hear(&["x @t exit 0", "@tt exit 0"]);
        assert_eq!(heard.status, None);
        assert_eq!(heard.output, "x @t exit 0\n@tt exit 0\n");
    }
}
