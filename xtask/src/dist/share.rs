//! dist/share: man pages and completions, laid out as below /usr/share.
//!
//! The programs write them themselves. They are made beside what is there and then put in its place, so that
//! nothing of an older build stays.

use crate::exec;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// (shell, where it looks for netctl's completions).
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/netctl"),
    ("zsh", "zsh/site-functions/_netctl"),
    ("fish", "fish/vendor_completions.d/netctl.fish"),
];

/// Asks the programs in `bin`, and lays out in `share` what they say.
pub(crate) fn write(bin: &Path, share: &Path) -> Result<()> {
    let fresh = share.with_extension("fresh");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let manuals = [("netctl", "man/man1"), ("fairway-install", "man/man8")];
    let mut pages = 1;
    for (name, at) in manuals {
        let manual = fresh.join(at);
        let folder = manual.to_str().context("the path is no text")?;
        said(&bin.join(name), &["man", folder])?;
        let written = fs::read_dir(&manual)?.count();
        ensure!(written > 0, "{name} wrote no man page");
        pages += written;
    }
    let daemons = said(&bin.join("fairwayd"), &["--man"])?;
    put(&fresh.join("man/man8/fairwayd.8"), &daemons)?;
    for (shell, at) in COMPLETIONS {
        let script = said(&bin.join("netctl"), &["completions", shell])?;
        put(&fresh.join(at), &script)?;
    }
    if share.exists() {
        fs::remove_dir_all(share)?;
    }
    fs::rename(&fresh, share)?;
    let shells = COMPLETIONS.map(|(shell, _)| shell).join(", ");
    println!("dist/share: {pages} man pages, completions for {shells}");
    Ok(())
}

/// What a program prints, which must be something unless it writes files.
fn said(program: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let mut command = exec::command(program, args);
    let output = command.stdin(Stdio::null()).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success(),
        "{}: {complaint}",
        exec::line(&command)
    );
    Ok(output.stdout)
}

fn put(at: &Path, bytes: &[u8]) -> Result<()> {
    ensure!(!bytes.is_empty(), "{}: nothing to put there", at.display());
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(at, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Programs that say as much as the real ones do.
    fn programs(bin: &Path, netctl: &str) {
        let daemon = "#!/bin/sh\necho \"a page $1\"\n";
        let install = "#!/bin/sh\nmkdir -p $2; echo install > $2/fairway-install.8\n";
        for (name, script) in [
            ("netctl", netctl),
            ("fairwayd", daemon),
            ("fairway-install", install),
        ] {
            let file = bin.join(name);
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn what_an_older_build_left_goes_and_a_failure_leaves_all_as_it_was() {
        let _alone = exec::alone();
        let folder = fairway_lab::tempfile::tempdir().unwrap();
        let (bin, share) = (folder.path().join("bin"), folder.path().join("share"));
        fs::create_dir(&bin).unwrap();
        put(&share.join("man/man1/netctl-old.1"), b"old").unwrap();
        programs(
            &bin,
            "#!/bin/sh\n[ $1 = man ] || { echo \"for $2\"; exit; }\nmkdir -p $2; echo page > $2/netctl.1\n",
        );
        write(&bin, &share).unwrap();
        let read = |at: &str| fs::read_to_string(share.join(at)).unwrap();
        assert!(!share.join("man/man1/netctl-old.1").exists());
        assert_eq!(read("man/man1/netctl.1"), "page\n");
        assert_eq!(read("man/man8/fairwayd.8"), "a page --man\n");
        assert_eq!(read("man/man8/fairway-install.8"), "install\n");
        for (shell, at) in COMPLETIONS {
            assert_eq!(read(at), format!("for {shell}\n"));
        }
        programs(&bin, "#!/bin/sh\necho no such verb >&2; exit 2\n");
        let error = write(&bin, &share).unwrap_err().to_string();
        assert!(error.contains("no such verb"), "{error}");
        assert_eq!(read("man/man1/netctl.1"), "page\n");
    }
}
