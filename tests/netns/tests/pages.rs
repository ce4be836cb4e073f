//! The README's tour and the pages under `docs/` work as they are written.
//!
//! Every fenced block of `sh` of a page runs, in order, in one shell, in network, mount and process
//! namespaces of its own: whatever a page forgets to clean up vanishes with them. A line that begins
//! with `!` must fail.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use fairway_lab::plugin_dir;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where `fairwayd` and `netctl` are.
fn program_dir() -> PathBuf {
    let named = std::env::var_os("FAIRWAY_BIN_DIR").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(ROOT).join("dist/bin"))
}

/// What a page says to type.
fn script(page: &str) -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if !inside => {}
            // The plugins are built before the suite starts.
            "cargo xtask dist" => {}
            _ => {
                match line.strip_prefix("! ") {
                    Some(fails) => script.push_str(&format!("if {fails}; then exit 99; fi")),
                    None => script.push_str(line),
                }
                script.push('\n');
            }
        }
    }
    script
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/plugins", "docs/concepts"] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        pages.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    pages
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

/// Runs a script as a user would, and gives what it printed where it failed.
fn run(script: &str) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "120"])
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
        .arg(fs::canonicalize(plugin_dir()).unwrap())
        .arg(script)
        .arg(fs::canonicalize(program_dir()).unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
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

#[test]
fn every_page_works_as_written() {
    let mut ran = 0;
    for page in pages() {
        let script = script(&fs::read_to_string(&page).unwrap());
        if script.is_empty() {
            continue;
        }
        if let Err(output) = run(&script) {
            panic!("{}: {output}", page.display());
        }
        ran += 1;
    }
    assert!(ran >= 5, "only {ran} pages have something to type");
}

#[test]
fn a_page_that_does_not_work_is_noticed() {
    assert!(run("false").is_err());
    assert!(run("echo x | grep y | cat").is_err());
    assert!(run(&script("```sh\n! true\n```")).is_err());
    assert!(run(&script("```sh\n! false\n```\ntext\n```console\nfalse\n```")).is_ok());
}

/// docs/errors.md names every code that there is.
#[test]
fn every_error_code_is_documented() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/errors.md")).unwrap();
    for (number, name, _) in fairway_cni::Code::ALL {
        assert!(
            page.contains(&format!("\n| {number} |")),
            "{name} ({number})"
        );
    }
}
