//! A root folder of its own, in which packages come and go.
//!
//! It is unpacked from a tar with a Debian's essential programs, and gone after the test. What is in it is compared by
//! lists of all its files.

use anyhow::{Context, Result, bail, ensure};
use fairway_lab::{Ns, tempfile::TempDir};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// See the module's head.
#[derive(Debug)]
pub struct Chroot {
    ns: Ns,
    folder: TempDir,
}

/// Files by path; what a link says, or how long a file is.
pub type Files = BTreeMap<PathBuf, String>;

/// What package managers keep for themselves.
const THEIRS: [&str; 8] = [
    "var/lib/dpkg",
    "var/lib/rpm",
    "usr/lib/sysimage",
    "var/log",
    "var/cache",
    "var/lib/systemd",
    "tmp",
    "dev",
];

impl Chroot {
    /// With Debian's essential programs.
    ///
    /// # Errors
    /// Where the tar is not there.
    pub fn debian() -> Result<Self> {
        let root = Self::empty()?;
        let tar = crate::given("FAIRWAY_CHROOT")?;
        let unpack = root.ns.command("tar").arg("-xf").arg(tar).arg("-C");
        unpack.arg(root.folder.path()).run()?;
        Ok(root)
    }

    /// With a shell and its tools (busybox) alone.
    ///
    /// # Errors
    /// Where there is no static busybox.
    pub fn busybox() -> Result<Self> {
        let root = Self::empty()?;
        let bin = root.path("bin");
        fs::create_dir(&bin)?;
        fs::copy("/bin/busybox", bin.join("busybox")).context("busybox-static")?;
        for name in ["sh", "rmdir"] {
            std::os::unix::fs::symlink("busybox", bin.join(name))?;
        }
        Ok(root)
    }

    fn empty() -> Result<Self> {
        Ok(Self {
            ns: Ns::new("chroot")?,
            folder: fairway_lab::tempfile::tempdir()?,
        })
    }

    /// A path inside, as seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// Runs a program in it; gives its output.
    ///
    /// # Errors
    /// Where it fails; with its words.
    pub fn run(&self, line: &[&str]) -> Result<String> {
        let command = self.ns.command("chroot").arg(self.folder.path());
        let clean = command.args(line).env_clear().env("LC_ALL", "C");
        let path = "/usr/sbin:/usr/bin:/sbin:/bin";
        let clean = clean
            .env("PATH", path)
            .env("DEBIAN_FRONTEND", "noninteractive");
        let output = clean.output()?;
        ensure!(
            output.status.success(),
            "{line:?}: {} {}",
            output.stdout,
            output.stderr
        );
        Ok(output.stdout)
    }

    /// Runs rpm on it.
    ///
    /// # Errors
    /// Where it fails; with its words.
    pub fn rpm(&self, args: &[&str]) -> Result<String> {
        let command = self.ns.command("rpm").arg("--root").arg(self.folder.path());
        let output = command.args(args).output()?;
        let text = format!("{}{}", output.stdout, output.stderr);
        ensure!(output.status.success(), "rpm {args:?}: {text}");
        ensure!(!text.contains("scriptlet failed"), "rpm {args:?}: {text}");
        Ok(output.stdout)
    }

    /// Puts a file inside.
    ///
    /// # Errors
    /// Where that is not possible.
    pub fn bring(&self, file: &Path, inside: &str) -> Result<()> {
        fs::create_dir_all(self.path("tmp"))?;
        fs::copy(file, self.path(inside)).with_context(|| file.display().to_string())?;
        Ok(())
    }

    /// All that is in it but what package managers keep for themselves.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn files(&self) -> Result<Files> {
        let mut found = Files::new();
        self.walk(self.folder.path(), &mut found)?;
        Ok(found)
    }

    fn walk(&self, folder: &Path, found: &mut Files) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let inside = path.strip_prefix(self.folder.path())?.to_owned();
            if THEIRS.iter().any(|theirs| inside.starts_with(theirs)) {
                continue;
            }
            let meta = fs::symlink_metadata(&path)?;
            let what = match fs::read_link(&path) {
                Ok(target) => format!("-> {}", target.display()),
                Err(_) if meta.is_dir() => "folder".to_owned(),
                Err(_) => format!("{} bytes", meta.len()),
            };
            found.insert(inside, what);
            if meta.is_dir() {
                self.walk(&path, found)?;
            }
        }
        Ok(())
    }
}

/// What has changed between two lists, but for folders that went: dpkg removes those that are empty and that no package
/// has, and it does not know the packages of the tar.
pub fn changed(before: &Files, after: &Files) -> Vec<String> {
    let other = |(path, what): &(&PathBuf, &String)| before.get(*path) != Some(*what);
    let is = after.iter().filter(other);
    let is = is.map(|(path, what)| format!("{}: {what}", path.display()));
    let was = before.iter().filter(|(path, _)| !after.contains_key(*path));
    let was = was.filter(|(_, what)| *what != "folder");
    is.chain(was.map(|(path, _)| format!("{} is gone", path.display())))
        .collect()
}

/// Both packages of that ending, the plugins' first.
///
/// # Errors
/// Where they are not there.
pub fn packages(ending: &str) -> Result<[PathBuf; 2]> {
    let folder = crate::given("FAIRWAY_PACKAGES_DIR")?;
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }

    found.sort_by_key(|path| !path.to_string_lossy().contains("cni-plugins"));
    match <[PathBuf; 2]>::try_from(found) {
        Ok(both) => Ok(both),
        Err(found) => bail!("{}: {found:?}", folder.display()),
    }
}
