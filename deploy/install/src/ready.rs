//! Whether containers could be attached now, asked as CNI has it: STATUS of each plugin of the configuration.
//!
//! A runtime that finds a configuration believes the node's network ready. So it is written only after the plugins
//! have said that they could serve it, the daemon and its store included.

use crate::{InstallError, conflist, plugins};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Asks the plugins of this suite in `folder`; plugins of others may not know the question, and are not asked.
///
/// # Errors
/// Says which is not ready, in its own words.
pub fn ask(
    folder: &Path,
    wanted: &conflist::Wanted,
    ours: &plugins::Wanted,
) -> Result<(), InstallError> {
    for (kind, conf) in wanted.plugins() {
        if ours.types().any(|name| name.as_str() == kind) {
            one(folder, kind, &conf)?;
        }
    }
    Ok(())
}

fn one(folder: &Path, kind: &str, conf: &[u8]) -> Result<(), InstallError> {
    let not_ready = |reason: String| InstallError::NotReady {
        kind: kind.to_owned(),
        reason,
    };
    let mut command = Command::new(folder.join(kind));
    command.env("CNI_COMMAND", "STATUS").env("CNI_PATH", folder);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut ask = || -> std::io::Result<_> {
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read it says so by its status.
            let _ = input.write_all(conf);
        }
        child.wait_with_output()
    };
    let output = ask().map_err(|error| not_ready(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let part = |key: &str| said[key].as_str().filter(|text| !text.is_empty());
    let words: Vec<_> = [part("msg"), part("details")]
        .into_iter()
        .flatten()
        .collect();
    match words[..] {
        [] => Err(not_ready(output.status.to_string())),
        _ => Err(not_ready(words.join("; "))),
    }
}
