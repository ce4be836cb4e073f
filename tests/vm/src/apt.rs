//! Debian's packages, its backports suite included, without touching /etc/apt.
//!
//! The suite needs a QEMU with the `igb` network card (8 and later) and a kernel with
//! modules; bookworm has the former in backports only. So apt is told of its own
//! source list, index and archive folder within the cache; the mirror is the one that
//! the machine already uses. An index that grew old names files that the mirror no
//! longer has: a failed download is tried once more with a fresh one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cache;
use crate::error::{VmError, run};

/// apt with an index of its own.
#[derive(Debug)]
pub(crate) struct Apt {
    folder: PathBuf,
    /// The release itself: `bookworm`.
    pub(crate) stable: String,
    /// The backports suite: `bookworm-backports`.
    pub(crate) backports: String,
}

impl Apt {
    /// Writes the source list, and fetches the index where there is none yet.
    pub(crate) fn new(cache: &Cache) -> Result<Self, VmError> {
        let codename = codename()?;
        let mirror = mirror()?;
        let apt = Self {
            folder: cache.folder().join("apt"),
            stable: codename.clone(),
            backports: format!("{codename}-backports"),
        };
        for dir in ["lists/partial", "archives/partial"] {
            let dir = apt.folder.join(dir);
            fs::create_dir_all(&dir).map_err(VmError::file("create", &dir))?;
        }
        let list: String = ["", "-updates", "-backports"]
            .map(|suite| {
                let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
                format!("deb [signed-by={keys}] {mirror} {codename}{suite} main\n")
            })
            .concat();
        let path = apt.folder.join("sources.list");
        fs::write(&path, list).map_err(VmError::file("write", &path))?;
        if !apt.has_index()? {
            apt.update()?;
        }
        Ok(apt)
    }

    /// The first dependency of a package in a suite, for packages that only stand for
    /// another (`linux-image-amd64`).
    pub(crate) fn stands_for(&self, package: &'static str, suite: &str) -> Result<String, VmError> {
        let text = self.run("apt-cache", |c| {
            c.args(["show", "--no-all-versions", "-t", suite, package])
        })?;
        String::from_utf8_lossy(&text)
            .lines()
            .find_map(|l| l.strip_prefix("Depends: "))
            .and_then(|l| l.split([' ', ',']).next())
            .map(str::to_owned)
            .ok_or(VmError::NoKernelPackage(package))
    }

    /// Downloads a package's file into `into` and unpacks it to `into/tree`.
    pub(crate) fn unpack(&self, package: &str, into: &Path) -> Result<PathBuf, VmError> {
        self.fresh_if_it_fails(|| {
            self.run("apt-get", |c| {
                c.args(["download", "-q", package]).current_dir(into)
            })
        })?;
        let deb = fs::read_dir(into)
            .map_err(VmError::file("read", into))?
            .flatten()
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|e| e == "deb"))
            .ok_or(VmError::NotDebian(into.to_owned()))?;
        let tree = into.join("tree");
        run("dpkg", "dpkg", |c| c.arg("-x").args([&deb, &tree]))?;
        fs::remove_file(&deb).map_err(VmError::file("remove", &deb))?;
        Ok(tree)
    }

    /// Installs a package from backports; needs root.
    pub(crate) fn install(&self, package: &str) -> Result<(), VmError> {
        self.fresh_if_it_fails(|| {
            self.run("apt-get", |c| {
                c.args(["install", "-q", "-y", "--no-install-recommends"])
                    .args(["-o", "DPkg::Lock::Timeout=300", "-t", &self.backports])
                    .arg(package)
                    .env("DEBIAN_FRONTEND", "noninteractive")
            })
        })?;
        Ok(())
    }

    fn update(&self) -> Result<(), VmError> {
        self.run("apt-get", |c| c.args(["update", "-q"])).map(drop)
    }

    fn fresh_if_it_fails(
        &self,
        work: impl Fn() -> Result<Vec<u8>, VmError>,
    ) -> Result<Vec<u8>, VmError> {
        work().or_else(|_| {
            self.update()?;
            work()
        })
    }

    fn has_index(&self) -> Result<bool, VmError> {
        let lists = self.folder.join("lists");
        let mut entries = fs::read_dir(&lists).map_err(VmError::file("read", &lists))?;
        Ok(entries.any(|e| e.is_ok_and(|e| e.path().is_file() && e.file_name() != "lock")))
    }

    fn run(
        &self,
        program: &'static str,
        configure: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<Vec<u8>, VmError> {
        let dir = self.folder.display();
        run(program, "apt", |c| {
            for option in [
                format!("Dir::Etc::sourcelist={dir}/sources.list"),
                "Dir::Etc::sourceparts=/dev/null".to_owned(),
                format!("Dir::State::lists={dir}/lists"),
                format!("Dir::Cache={dir}"),
                "APT::Sandbox::User=root".to_owned(),
                "APT::Keep-Downloaded-Packages=false".to_owned(),
                // One that is cut off must not leave an empty index as a success.
                "APT::Update::Error-Mode=any".to_owned(),
            ] {
                c.arg("-o").arg(option);
            }
            configure(c.env("LC_ALL", "C"))
        })
    }
}

/// The release's name, `bookworm`.
fn codename() -> Result<String, VmError> {
    let path = Path::new("/etc/os-release");
    let text = fs::read_to_string(path).map_err(VmError::file("read", path))?;
    let value = |key: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(key))
            .map(|v| v.trim_matches('"').to_owned())
    };
    match (value("ID=").as_deref(), value("VERSION_CODENAME=")) {
        (Some("debian"), Some(name)) => Ok(name),
        _ => Err(VmError::NotDebian(path.to_owned())),
    }
}

/// The first mirror in the machine's source lists, in either of the two formats.
fn mirror() -> Result<String, VmError> {
    let deb822 = Path::new("/etc/apt/sources.list.d/debian.sources");
    let lines = Path::new("/etc/apt/sources.list");
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    mirror_in(&read(deb822), &read(lines)).ok_or(VmError::NotDebian(lines.to_owned()))
}

fn mirror_in(deb822: &str, lines: &str) -> Option<String> {
    let of_deb822 = deb822
        .lines()
        .find_map(|l| l.strip_prefix("URIs:"))
        .and_then(|uris| uris.split_whitespace().next());
    let of_lines = || {
        lines
            .lines()
            .filter_map(|l| l.strip_prefix("deb "))
            .find_map(|l| l.split_whitespace().find(|w| w.starts_with("http")))
    };
    of_deb822.or_else(of_lines).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_found_in_either_format() {
        let new = "Types: deb\n# URIs: http://no/\nURIs: http://a/debian http://b\nSuites: x\n";
        let old = "# deb http://no/ x main\ndeb [arch=amd64] https://c/debian x main\n";
        assert_eq!(mirror_in(new, old).unwrap(), "http://a/debian");
        assert_eq!(mirror_in("", old).unwrap(), "https://c/debian");
        assert_eq!(mirror_in("", ""), None);
    }
}
