//! The data folder as lines: path, kind, mode and content of everything below it.

use crate::Lines;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// One line per file and folder.
pub(crate) fn lines(root: &Path) -> Lines {
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found.sort();
    let mut lines = Lines::default();
    lines.put("files", found);
    lines
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else {
            continue;
        };
        let path = format!("{prefix}{}", entry.file_name().display());
        let mode = meta.permissions().mode() & 0o7777;
        if meta.is_dir() {
            found.push(format!("{path}/ {mode:o}"));
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            let text = fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            found.push(format!("{path} {mode:o} {text:?}"));
        }
    }
}
