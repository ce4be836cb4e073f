//! Commands of the documentation, run as they are written.
//!
//! Every fenced block of `sh` of a page runs, in order, in one shell, in network, mount and process namespaces of
//! its own: whatever a page forgets to clean up vanishes with them. A line that begins with `!` must fail. Blocks of
//! `sh guest` are a script of their own, for a kernel that this machine may not have: they run in the VM suite's guest.

use crate::{bin_dir, plugin_dir};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Blocks that run everywhere.
pub const HERE: &str = "```sh";
/// Blocks that run in a guest.
pub const GUEST: &str = "```sh guest";

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Folders with pages.
const FOLDERS: [&str; 4] = ["docs", "docs/concepts", "docs/objects", "docs/plugins"];

/// A file of the project.
pub fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// The README and all pages.
///
/// # Errors
/// Where a folder cannot be read.
pub fn all() -> io::Result<Vec<PathBuf>> {
    let mut pages = vec![path("README.md")];
    for folder in FOLDERS {
        for entry in fs::read_dir(path(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ext| ext == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// What stands in a page's blocks that begin with that line.
pub fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            _ if line == fence => {
                inside = true;
                blocks.push(String::new());
            }
            "```" => inside = false,
            _ if !inside => {}
            _ => {
                if let Some(block) = blocks.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
        }
    }
    blocks
}

/// What a page says to type, in blocks that begin with that line.
pub fn script(page: &str, fence: &str) -> String {
    let typed = |line: &str| match (line, line.strip_prefix("! ")) {
        // The plugins are built before the suite starts.
        ("cargo xtask dist", _) => String::new(),
        (_, Some(fails)) => format!("if {fails}; then exit 99; fi\n"),
        (line, None) => format!("{line}\n"),
    };
    blocks(page, fence).concat().lines().map(typed).collect()
}

/// Private `/run` and `/tmp`, the plugins and programs in `dist`, and there the script. The clone may itself be
/// under `/tmp`, so what is needed of it is bound before that is hidden. `/proc` is that of the process namespace:
/// the reference plugins look themselves up there.
const ISOLATED: &str = r#"
set -eu
mount -t proc none /proc
mkdir -p "$0/dist/cni" "$0/dist/bin"
exec 3< "$0"
mount --bind "$1" "$0/dist/cni"
mount --bind "$3" "$0/dist/bin"
mount -t tmpfs none /run
mount -t tmpfs none /tmp
mkdir -p /run/netns /tmp/here
mount --rbind /proc/self/fd/3 /tmp/here
exec 3<&-
cd /tmp/here
exec bash -eux -o pipefail -c "$2"
"#;

/// Runs a script as a user would, for so many seconds at most.
///
/// # Errors
/// What it printed where it failed.
pub fn run(script: &str, seconds: u32) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let dir = tempfile::tempdir().map_err(told)?;
    let output = Command::new("timeout")
        .args(["--kill-after=5", &seconds.to_string()])
        .args([
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
        ])
        .args(["bash", "-c", ISOLATED])
        .arg(dir.path())
        .arg(fs::canonicalize(plugin_dir()).map_err(told)?)
        .arg(script)
        .arg(fs::canonicalize(bin_dir()).map_err(told)?)
        .stdin(Stdio::null())
        .output()
        .map_err(told)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_apart() {
        let page = "text\n```sh\na\n! b | c\ncargo xtask dist\n```\n```console\nd\n```\n```sh guest\ne\n```\n```sh\nf\n```";
        assert_eq!(script(page, HERE), "a\nif b | c; then exit 99; fi\nf\n");
        assert_eq!(script(page, GUEST), "e\n");
    }
}
