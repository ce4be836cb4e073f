//! Writing a history down, and reading it again.
//!
//! Each line is written as its call ends, from many threads. A run that is killed leaves all but the calls
//! that were under way.

use super::{Ask, Call, Line, Outcome};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Writes a history; shared by all threads of a test.
#[derive(Debug)]
pub struct Recorder {
    begin: Instant,
    path: PathBuf,
    file: Mutex<File>,
}

impl Recorder {
    /// A new history in this file.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            begin: Instant::now(),
            path: path.to_owned(),
            file: Mutex::new(File::create(path)?),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Microseconds since the history began.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Makes a call and writes it down; gives its outcome.
    ///
    /// # Errors
    /// Where the line cannot be written: the history would prove nothing.
    pub fn call(
        &self,
        node: &str,
        ask: Ask,
        make: impl FnOnce(&Ask) -> Outcome,
    ) -> io::Result<Outcome> {
        let start = self.now();
        let outcome = make(&ask);
        let call = Call {
            start,
            end: self.now(),
            node: node.to_owned(),
            ask,
            outcome: outcome.clone(),
        };
        self.write(&Line::Call(call))?;
        Ok(outcome)
    }

    /// Writes down what was done to the cluster.
    ///
    /// # Errors
    /// As [`Recorder::call`].
    pub fn fault(&self, what: impl Into<String>) -> io::Result<()> {
        self.write(&Line::Fault {
            at: self.now(),
            what: what.into(),
        })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// As [`Recorder::call`].
    pub fn write(&self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&bytes)
    }
}

/// Reads a history.
///
/// # Errors
/// Where a line is none; the error says which.
pub fn read(path: &Path) -> io::Result<Vec<Line>> {
    let lines = BufReader::new(File::open(path)?).lines().enumerate();
    let parse = |(index, line): (usize, io::Result<String>)| {
        serde_json::from_str(&line?).map_err(|error| {
            let text = format!("{}:{}: {error}", path.display(), index + 1);
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    };
    lines.map(parse).collect()
}
