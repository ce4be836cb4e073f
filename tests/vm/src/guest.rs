//! Runs one command in a guest and hears it to its end.
//!
//! What can go wrong: the guest panics, hangs, or QEMU never starts. In each case QEMU
//! is gone when [`Guest::run`] returns, and the error bears the end of the console.

use std::io::{Seek, Write};
use std::process::Child;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::error::VmError;
use crate::hear::{Console, Heard, lines_of};
use crate::initrd;
use crate::kernel::{Kernel, Series};
use crate::qemu;

/// A guest to be: a machine with the network cards and modules that a command wants.
#[derive(Debug, Clone)]
pub struct Guest {
    kernel: Series,
    memory: u32,
    cpus: u32,
    kernel_arguments: String,
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
    /// Debian's newer kernel, two CPUs, 1 GiB, no network card. Its files are the machine's, read-only below
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
            kernel: Series::Backports,
            memory: 1024,
            cpus: 2,
            kernel_arguments: String::new(),
            arguments: Vec::new(),
            modules: Vec::new(),
            environment: environment
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .to_vec(),
        }
    }

    /// Another kernel.
    #[must_use]
    pub fn kernel(mut self, series: Series) -> Self {
        self.kernel = series;
        self
    }

    /// So many CPUs. With one, tests take turns.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// Adds arguments for the kernel.
    #[must_use]
    pub fn kernel_arguments(mut self, arguments: &str) -> Self {
        self.kernel_arguments.push(' ');
        self.kernel_arguments.push_str(arguments);
        self
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
        let kernel = Kernel::get(&cache, self.kernel)?;
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
            kernel_arguments: &self.kernel_arguments,
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
