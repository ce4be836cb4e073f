//! What failed tests said, kept for the end: a suite's own account of them is far above by then.

use std::fmt;

/// What is shown of one test, its name with it: an error stands at the end, below what was logged before it. The whole
/// stands where the test ran.
const FIRST: usize = 6;
const LAST: usize = 24;
/// Of one line.
const CHARACTERS: usize = 240;

/// What the test harness prints below `---- NAME stdout ----`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    tests: Vec<Vec<String>>,
    inside: bool,
}

impl Failures {
    /// Takes in a line of the harness.
    pub(crate) fn line(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            self.tests.push(Vec::new());
            self.inside = true;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.inside = false;
        }
        if let (true, Some(test)) = (self.inside, self.tests.last_mut()) {
            test.push(line.to_owned());
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.tests.extend(other.tests);
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.tests.is_empty() {
            writeln!(f, "\n== what failed")?;
        }
        for test in &self.tests {
            let told = told(test);
            let (first, rest) = told.split_at(FIRST.min(told.len()));
            let (between, last) = rest.split_at(rest.len().saturating_sub(LAST));
            first.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            if !between.is_empty() {
                writeln!(f, "… {} lines", between.len())?;
            }
            last.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

fn cut(line: &str) -> &str {
    let end = line.char_indices().nth(CHARACTERS);
    end.map_or(line, |(end, _)| &line[..end])
}

/// What is neither empty nor of a backtrace.
fn told(test: &[String]) -> Vec<&str> {
    let mut in_backtrace = false;
    let tells = |line: &&str| {
        let text = line.trim_start();
        in_backtrace =
            text.eq_ignore_ascii_case("stack backtrace:") || in_backtrace && is_frame(text);
        !in_backtrace && !text.is_empty()
    };
    test.iter().map(|line| cut(line)).filter(tells).collect()
}

/// As `12: main` and `at ./src/main.rs:1:2`.
fn is_frame(text: &str) -> bool {
    let number = text.split_once(": ").map(|(number, _)| number);
    text.starts_with("at ") || number.is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_tests_said_is_kept_and_nothing_else() {
        let mut failures = Failures::default();
        for line in "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nError: one\n  of two\n\n\nfailures:\n    a\n\n\
                     test result: FAILED. 0 passed; 1 failed\n---- b ----\ntwo\n\nfailures:\n    b"
            .lines()
        {
            failures.line(line);
        }
        assert_eq!(
            failures.to_string(),
            "\n== what failed\n---- a stdout ----\nError: one\n  of two\n---- b ----\ntwo\n"
        );
        assert_eq!(Failures::default().to_string(), "");
    }

    #[test]
    fn of_much_the_ends_are_kept() {
        let mut failures = Failures::default();
        failures.line("---- a stdout ----");
        (0..100).for_each(|n| failures.line(&format!("line {n}")));
        failures.line(&"ä".repeat(1000));
        let text = failures.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1..4],
            ["== what failed", "---- a stdout ----", "line 0"]
        );
        assert_eq!(lines[FIRST + 2], "… 72 lines");
        assert_eq!(lines[FIRST + 3], "line 77");
        assert_eq!(lines[FIRST + LAST + 2], "ä".repeat(CHARACTERS));
        assert_eq!(lines.len(), FIRST + LAST + 3);
    }

    #[test]
    fn a_backtrace_takes_no_room() {
        let mut failures = Failures::default();
        for line in "---- a stdout ----\nError: late\n\nCaused by:\n    0: the lease\n    is over\n\nStack backtrace:\n\
                     \x20  0: anyhow::error::from\n             at ./src/a.rs:1:2\n  12: main"
            .lines()
        {
            failures.line(line);
        }
        let text = failures.to_string();
        assert!(
            text.ends_with("Error: late\nCaused by:\n    0: the lease\n    is over\n"),
            "{text}"
        );
    }
}
