//! The administrator's list of kernel settings that may be changed: one pattern a line. Without a list all may.

use crate::conf::Sysctl;
use crate::error::Error;
use crate::pattern::Pattern;
use std::{fs, io::ErrorKind, path::Path};

/// Where the reference plugin looks for it.
pub(crate) const LIST: &str = "/etc/cni/tuning/allowlist.conf";

/// Fails for the first setting that no line allows.
pub(crate) fn judge(list: &Path, sysctls: &[Sysctl]) -> Result<(), Error> {
    if sysctls.is_empty() {
        return Ok(());
    }
    let text = match fs::read_to_string(list) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(Error::File {
                op: "read",
                path: list.to_owned(),
                source,
            });
        }
    };
    let mut patterns = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let pattern = Pattern::parse(line).ok_or_else(|| Error::Pattern {
            path: list.to_owned(),
            line: index + 1,
            pattern: line.to_owned(),
        })?;
        patterns.push(pattern);
    }
    let allowed = |sysctl: &&Sysctl| patterns.iter().any(|one| one.is_in(&sysctl.name));
    match sysctls.iter().find(|sysctl| !allowed(sysctl)) {
        None => Ok(()),
        Some(sysctl) => Err(Error::NotAllowed {
            field: sysctl.field.clone(),
            path: list.to_owned(),
        }),
    }
}
