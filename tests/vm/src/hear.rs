//! What comes out of a guest: the command's output by stdout, the console by stderr.
//!
//! A pipe that nobody reads stops QEMU, so each has a thread that reads it to its end.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines of the console that are kept for an error.
const CONSOLE_LINES: usize = 60;

/// Takes the command's output apart from the harness's own lines.
pub(crate) struct Heard {
    token: String,
    pub(crate) output: String,
    /// The exit line is preceded by a line end that is not the command's; an empty
    /// line is therefore held back until it is known what follows.
    blank: bool,
    pub(crate) boot: Duration,
    pub(crate) status: Option<i32>,
}

impl Heard {
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: format!("{token} "),
            output: String::new(),
            blank: false,
            boot: Duration::ZERO,
            status: None,
        }
    }

    pub(crate) fn line(&mut self, line: &str, at: Duration, on_line: &mut dyn FnMut(&str)) {
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
pub(crate) struct Console(Arc<Mutex<VecDeque<String>>>);

impl Console {
    pub(crate) fn of(qemu: &mut Child) -> Self {
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

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|l| format!("  {l}\n")).collect()
    }
}

pub(crate) fn lines_of(qemu: &mut Child) -> Receiver<String> {
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
