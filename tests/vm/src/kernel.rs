//! A Debian kernel for the guest: image and modules, unpacked, never installed.
//!
//! The image is unpacked once, in advance: under emulation the guest would spend
//! seconds on that at every boot. The modules stay compressed as they came; the guest
//! reads those it asks for through its view of the machine's files, so that there is no
//! list of modules to be kept in step with the tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::apt::Apt;
use crate::bzimage;
use crate::cache::Cache;
use crate::error::{VmError, run};

const PACKAGE: &str = "linux-image-amd64";

/// Which of Debian's kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// The release's own, which is what most nodes have: 6.1 in bookworm.
    Stable,
    /// Its backports suite's: 6.12 in bookworm's.
    Backports,
}

impl Series {
    /// Its cache entry; the number is raised whenever the layout changes.
    const fn entry(self) -> &'static str {
        match self {
            Series::Stable => "kernel-stable-1",
            Series::Backports => "kernel-1",
        }
    }

    fn suite(self, apt: &Apt) -> &str {
        match self {
            Series::Stable => &apt.stable,
            Series::Backports => &apt.backports,
        }
    }
}

/// A kernel in the cache.
#[derive(Debug, Clone)]
pub struct Kernel {
    folder: PathBuf,
    release: String,
}

impl Kernel {
    /// Debian's, downloaded where the cache has none.
    ///
    /// # Errors
    /// Where packages cannot be had, or the package is not built as expected.
    pub fn get(cache: &Cache, series: Series) -> Result<Self, VmError> {
        let folder = cache.get(series.entry(), |into| download(cache, series, into))?;
        let release = only_entry(&folder.join("lib/modules"))?;
        Ok(Self { folder, release })
    }

    /// The release as `uname -r` in the guest says it.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// The unpacked image.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.folder.join("vmlinux")
    }

    /// What belongs to /lib/modules: one folder, named by the release.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.folder.join("lib/modules")
    }

    /// The files of the named modules and of all that they need, in the order in which
    /// they load; modules that are built in are left out.
    ///
    /// # Errors
    /// [`VmError::NoModule`], and failures to read the indexes.
    pub fn load_order(&self, modules: &[&str]) -> Result<Vec<PathBuf>, VmError> {
        let folder = self.modules().join(&self.release);
        let read = |name| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(VmError::file("read", &path))
        };
        let order = load_order(&read("modules.dep")?, &read("modules.builtin")?, modules);
        match order {
            Ok(files) => Ok(files.into_iter().map(|f| folder.join(f)).collect()),
            Err(module) => Err(VmError::NoModule {
                release: self.release.clone(),
                module,
            }),
        }
    }
}

fn download(cache: &Cache, series: Series, into: &Path) -> Result<(), VmError> {
    let apt = Apt::new(cache)?;
    let package = apt.stands_for(PACKAGE, series.suite(&apt))?;
    let tree = apt.unpack(&package, into)?;
    let merged = tree.join("usr/lib/modules");
    let modules = match merged.is_dir() {
        true => merged,
        false => tree.join("lib/modules"),
    };
    let release = only_entry(&modules)?;
    let packed = tree.join(format!("boot/vmlinuz-{release}"));
    bzimage::unpack(&packed, &into.join("vmlinux"))?;
    fs::create_dir(into.join("lib")).map_err(VmError::file("create", into.join("lib")))?;
    let kept = into.join("lib/modules");
    fs::rename(&modules, &kept).map_err(VmError::file("rename into", &kept))?;
    run("depmod", "kmod", |c| c.arg("-b").arg(into).arg(&release))?;
    fs::remove_dir_all(&tree).map_err(VmError::file("remove", &tree))
}

/// The name of the only entry of a folder.
fn only_entry(folder: &Path) -> Result<String, VmError> {
    let mut names = fs::read_dir(folder)
        .map_err(VmError::file("read", folder))?
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned());
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(VmError::KernelImage {
            path: folder.to_owned(),
            reason: "not exactly one kernel release in here",
        }),
    }
}

/// `Err` bears the name of the module that is not there.
fn load_order(dep: &str, builtin: &str, modules: &[&str]) -> Result<Vec<String>, String> {
    let mut order: Vec<String> = Vec::new();
    for &module in modules {
        if builtin.lines().any(|file| name_of(file) == module) {
            continue;
        }
        let (file, needs) = dep
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(file, _)| name_of(file) == module)
            .ok_or(module)?;
        // The index names what a module needs in reverse order.
        let needs = needs.split_whitespace().rev().chain([file]);
        for file in needs {
            if !order.iter().any(|f| f == file) {
                order.push(file.to_owned());
            }
        }
    }
    Ok(order)
}

/// `kernel/net/8021q/8021q.ko.xz` → `8021q`, `-` and `_` being one, as for modprobe.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    base.split('.').next().unwrap_or(base).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/a.ko.xz: kernel/c.ko.xz kernel/b-d.ko.xz\n\
                       kernel/c.ko.xz: kernel/b-d.ko.xz\nkernel/b-d.ko.xz:\n";

    #[test]
    fn needed_modules_come_first_and_once() {
        let order = load_order(DEP, "kernel/in.ko\n", &["c", "in", "a"]).unwrap();
        assert_eq!(
            order,
            ["kernel/b-d.ko.xz", "kernel/c.ko.xz", "kernel/a.ko.xz"]
        );
        assert_eq!(load_order(DEP, "", &["b_d"]).unwrap().len(), 1);
    }

    #[test]
    fn an_unknown_module_is_named() {
        assert_eq!(load_order(DEP, "", &["a", "zz"]).unwrap_err(), "zz");
    }
}
