//! Objects from files: what `apply -f` reads.
//!
//! A file is judged only for being YAML or JSON; what an object means is the daemon's to say. What can go
//! wrong: a file that means something else than kube-apiserver would make of it (so numbers and duplicate
//! keys are as there), a few lines of aliases that stand for gigabytes, and a file that is no text at all,
//! such as `/dev/zero`. Nothing is sent before all is read.

mod error;
mod json;
mod yaml;

pub(crate) use error::ManifestError;

use error::{Place, Wrong, shown};
use fairway_api::frame::MAX_REQUEST;
use serde_json::{Map, Value};
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What one file may hold: more than goes in a request anyway, since YAML can say a thing in more bytes.
const MAX_FILE: usize = 16 * 1024 * 1024;
/// Lists in lists in lists are somebody's mistake.
const MAX_LISTS: usize = 8;
/// A request has something around its objects.
const ENVELOPE: usize = 1024;

/// One document of a file.
#[derive(Debug, PartialEq)]
struct Document {
    value: Value,
    place: Place,
}

/// An object, and where it was read.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    /// `FILE, document 2, line 7`.
    pub(crate) place: String,
}

/// The objects of all these, in their order. `-` is standard input.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Object>, ManifestError> {
    let mut objects = Vec::new();
    let mut stdin = false;
    for path in paths {
        for file in files(path)? {
            let bytes = match file.as_os_str() == "-" {
                true if stdin => return Err(ManifestError::StdinTwice),
                true => {
                    stdin = true;
                    bytes(io::stdin().lock(), &file)?
                }
                false => {
                    let open = fs::File::open(&file);
                    bytes(open.map_err(|error| unreadable(&file, error))?, &file)?
                }
            };
            for document in documents(&file, &bytes)? {
                flatten(document.value, &file, document.place, 0, &mut objects)?;
            }
        }
    }
    if objects.is_empty() {
        let paths = paths.to_vec();
        return Err(ManifestError::Nothing { paths });
    }
    let bytes = objects
        .iter()
        .map(|object| object.value.to_string().len() + 1);
    let bytes = bytes.sum::<usize>() + ENVELOPE;
    match bytes > MAX_REQUEST {
        true => Err(ManifestError::TooMuch {
            objects: objects.len(),
            bytes,
        }),
        false => Ok(objects),
    }
}

/// The file, or those of the folder, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    if path.as_os_str() == "-" || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let file = entry.map_err(|error| unreadable(path, error))?.path();
        let fits = file.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension == *known)
        });
        if fits && !file.is_dir() {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn bytes(source: impl Read, file: &Path) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    source
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(file, error))?;
    match bytes.len() > MAX_FILE {
        true => Err(ManifestError::TooLong {
            file: file.to_owned(),
            limit: MAX_FILE,
        }),
        false => Ok(bytes),
    }
}

fn unreadable(file: &Path, source: io::Error) -> ManifestError {
    let file = file.to_owned();
    ManifestError::Unreadable { file, source }
}

/// JSON where it is called so or begins so; else YAML. What begins like JSON and is none may be YAML all
/// the same: `{kind: Pod}`.
fn documents(file: &Path, bytes: &[u8]) -> Result<Vec<Document>, ManifestError> {
    let wrong = |wrong| ManifestError::Syntax {
        file: file.to_owned(),
        wrong,
    };
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        wrong(Wrong::not_text(line))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if file
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        return json::documents(text).map_err(wrong);
    }
    if text.trim_start().starts_with('{')
        && let Ok(documents) = json::documents(text)
    {
        return Ok(documents);
    }
    yaml::documents(text).map_err(wrong)
}

/// Puts an object to the others, or those of a list.
fn flatten(
    value: Value,
    file: &Path,
    place: Place,
    depth: usize,
    objects: &mut Vec<Object>,
) -> Result<(), ManifestError> {
    let wrong = |why: &str| ManifestError::Syntax {
        file: file.to_owned(),
        wrong: Wrong::at(place, why),
    };
    let mut object = match value {
        // A document with nothing in it, or with comments only.
        Value::Null if depth == 0 => return Ok(()),
        Value::Object(object) => object,
        _ => return Err(wrong("not an object: it has no fields")),
    };
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or("");
    let Some(of) = kind.strip_suffix("List").map(ToOwned::to_owned) else {
        objects.push(Object {
            value: Value::Object(object),
            place: format!("{}, {place}", shown(file)),
        });
        return Ok(());
    };
    if depth == MAX_LISTS {
        return Err(wrong("lists in lists in lists: more than 8"));
    }
    let items = match object.remove("items") {
        Some(Value::Array(items)) => items,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(wrong("items: not a list")),
    };
    for mut item in items {
        if let (Value::Object(item), false) = (&mut item, of.is_empty()) {
            inherit(item, &of, object.get("apiVersion"));
        }
        flatten(item, file, place, depth + 1, objects)?;
    }
    Ok(())
}

/// The items of a `PodList` need not say that they are pods.
fn inherit(item: &mut Map<String, Value>, kind: &str, version: Option<&Value>) {
    if item.contains_key("kind") || item.contains_key("apiVersion") {
        return;
    }
    item.insert("kind".to_owned(), kind.into());
    if let Some(version) = version {
        item.insert("apiVersion".to_owned(), version.clone());
    }
}
