//! What failed tests said, kept for the end: a suite's own account of them is far above by then.

use std::fmt;

/// Of one test; the whole stands where the test ran.
const LINES: usize = 40;

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
            let end = test.iter().rposition(|line| !line.trim().is_empty());
            let test = &test[..end.map_or(0, |last| last + 1)];
            for line in test.iter().take(LINES) {
                writeln!(f, "{line}")?;
            }
            if test.len() > LINES {
                writeln!(f, "… and {} lines", test.len() - LINES)?;
            }
        }
        Ok(())
    }
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
    fn one_test_does_not_fill_the_screen() {
        let mut failures = Failures::default();
        failures.line("---- a stdout ----");
        (0..LINES + 6).for_each(|n| failures.line(&n.to_string()));
        let text = failures.to_string();
        assert!(text.ends_with("… and 7 lines\n"), "{text}");
        assert_eq!(text.lines().count(), LINES + 3);
    }
}
