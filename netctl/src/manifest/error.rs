//! What can be wrong with files of objects.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Why the objects could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// The system says so.
    #[error("{}: cannot be read", shown(file))]
    Unreadable { file: PathBuf, source: io::Error },
    /// More than anybody would write.
    #[error("{}: more than {} MiB", shown(file), limit / 1024 / 1024)]
    TooLong { file: PathBuf, limit: usize },
    /// Not YAML, not JSON, or no object.
    #[error("{}, {wrong}", shown(file))]
    Syntax { file: PathBuf, wrong: Wrong },
    /// Files without objects.
    #[error("no objects in {}", names(paths))]
    Nothing { paths: Vec<PathBuf> },
    /// More than goes in one request.
    #[error(
        "{objects} objects are {bytes} bytes, where one request holds {}: apply them in parts",
        fairway_api::frame::MAX_REQUEST
    )]
    TooMuch { objects: usize, bytes: usize },
    /// Standard input can be read but once.
    #[error("-f -: given twice")]
    StdinTwice,
}

/// Where in a file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) document: usize,
    /// Where it is known.
    pub(super) line: Option<usize>,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(crate) struct Wrong {
    place: Place,
    why: String,
}

impl Wrong {
    pub(super) fn at(place: Place, why: impl Into<String>) -> Wrong {
        let why = why.into();
        Wrong { place, why }
    }

    /// The file is no UTF-8.
    pub(super) fn not_text(line: usize) -> Wrong {
        let (document, line) = (0, Some(line));
        Wrong::at(Place { document, line }, "not UTF-8 text")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.document, self.line) {
            (0, Some(line)) => write!(f, "line {line}"),
            (document, Some(line)) => write!(f, "document {document}, line {line}"),
            (document, None) => write!(f, "document {document}"),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// A file's name for people.
pub(super) fn shown(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    }
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    names.join(", ")
}
