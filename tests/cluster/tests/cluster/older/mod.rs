//! What older versions have written and what their programs ask: today's daemon takes it over and answers.
//!
//! Each folder of tests/fixtures/older is a version. It was recorded from that version's own programs, by the same code
//! that reads it here: `FAIRWAY_RECORD` names the new folder, `FAIRWAY_BIN_DIR` and `FAIRWAY_CNI_DIR` the programs, and
//! the tests `older::` then write instead of reading. Who makes a release adds its folder; none is ever changed.
//!
//! | file | |
//! |---|---|
//! | `embedded.tar.gz`, `etcd.tar.gz` | the folder of the state of a daemon that was killed, on either store |
//! | `etcd.txt` | what was in etcd, as keys and values in turn |
//! | `embedded.json`, `etcd.json` | how the daemon itself told of it |
//! | `calls.jsonl` | what plugins and netctl have asked, in order, and what they were answered |

mod calls;
mod state;
mod tap;

use anyhow::{Context as _, Result, ensure};
use fairway_lab::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a version is to be recorded, if one is.
fn recording() -> Option<PathBuf> {
    std::env::var_os("FAIRWAY_RECORD").map(PathBuf::from)
}

/// All versions that were recorded.
fn versions() -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/older");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        found.push(entry?.path());
    }
    found.sort();
    ensure!(!found.is_empty(), "{} is empty", folder.display());
    Ok(found)
}

/// Runs `record` where a version is to be recorded, else `read` on each that was.
fn each(record: impl Fn(&Path) -> Result<()>, read: impl Fn(&Path) -> Result<()>) -> Result<()> {
    if let Some(folder) = recording() {
        fs::create_dir_all(&folder)?;
        return record(&folder);
    }
    for version in versions()? {
        read(&version).with_context(|| version.display().to_string())?;
    }
    Ok(())
}

/// What an older answer lacks in today's one; `same` says of which fields the value counts, too.
fn lacks(
    path: &str,
    old: &Value,
    new: &Value,
    same: &dyn Fn(&str) -> bool,
    found: &mut Vec<String>,
) {
    let wrong = |found: &mut Vec<String>| found.push(format!("{path}: was {old}, is {new}"));
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, old) in old {
                let path = format!("{path}.{key}");
                match new.get(key) {
                    Some(new) => lacks(&path, old, new, same, found),
                    None => found.push(format!("{path} is gone")),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            // There may be more, such as of tables that are new.
            if old.len() > new.len() {
                wrong(found);
            }
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                lacks(&format!("{path}[{at}]"), old, new, same, found);
            }
        }
        (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_)) => {
            if old != new && same(path) {
                wrong(found);
            }
        }
        _ if old == new => {}
        _ => wrong(found),
    }
}

#[test]
fn what_is_lacking_is_found() {
    let old = fairway_lab::json!({"a": 1, "b": [{"c": "x"}], "d": null});
    let found = |new: Value| {
        let mut found = Vec::new();
        lacks("", &old, &new, &|path| path != ".a", &mut found);
        found
    };
    let more = fairway_lab::json!({"a": 2, "b": [{"c": "x", "new": 1}], "d": null, "e": 1});
    assert_eq!(found(more), [""; 0]);
    let less = fairway_lab::json!({"a": "1", "b": [{"c": "y"}], "e": 1});
    let words = found(less);
    assert_eq!(words.len(), 3, "{words:?}");
}
