//! What is found in configurations, and where.

use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// No ADD succeeds with it, or a runtime does not load it.
    Error,
    /// It works, and hardly as it was meant.
    Warning,
    /// Good to know.
    Note,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        })
    }
}

/// One of them, in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// The field's path; empty for the whole.
    pub(crate) path: String,
    pub(crate) level: Level,
    pub(crate) text: String,
}

/// Warnings and notes of one document that are told; nobody reads more.
const MOST: usize = 200;

/// All of one document.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    said: Vec<Said>,
    known: HashSet<(String, String)>,
}

impl Heard {
    pub(crate) fn say(&mut self, level: Level, path: impl Into<String>, text: impl Into<String>) {
        let said = Said {
            path: path.into(),
            level,
            text: text.into(),
        };
        // Errors count for the status, so they are told however many there are.
        if level != Level::Error && self.said.len() >= MOST {
            return;
        }
        // One field may be read by several parsers, each of which says the same.
        if self.known.insert((said.path.clone(), said.text.clone())) {
            self.said.push(said);
        }
    }

    pub(crate) fn said(self) -> Vec<Said> {
        self.said
    }

    pub(crate) fn error(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.say(Level::Error, path, text);
    }

    pub(crate) fn warn(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.say(Level::Warning, path, text);
    }

    pub(crate) fn note(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.say(Level::Note, path, text);
    }
}
