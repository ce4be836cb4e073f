//! The programs of Kubernetes that the k8s suite runs: Debian's source package, built once into the cache.
//!
//! Debian has them as source only, with all that it depends on within. It is unpacked, mended where it is too old
//! for today's Go, and built aside, under a lock: what has its final name is whole, also after a kill. The source list is of
//! its own, for few machines have one for sources. A build takes some eight minutes of two cores, three of them the kubelet's.
//!
//! Two things are mended. One library is replaced by Debian's newer one: the one within crashes at the first custom resource.
//! And the check of types takes an empty text for null, since both have come to be at one place in memory.

use crate::packages::{self, Need};
use crate::{cache, exec};
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// `tests/k8s/src/programs.rs` looks there.
const FOLDER: &str = "k8s/kubernetes-1.20.2";
const PROGRAMS: [&str; 3] = ["kube-apiserver", "kubectl", "kubelet"];
const PACKAGE: &str = "kubernetes";
const SUITE: &str = "bookworm";
const GO: &str = "/usr/lib/go-1.19/bin";
const REFLECT: &str = "/usr/share/gocode/src/github.com/modern-go/reflect2";
const ASIDE: &str = "building";

/// Where the check of types is, what it asks, and what it is to ask.
const EMPTY: (&str, &str, &str) = (
    "vendor/github.com/go-openapi/validate/type.go",
    "if data == nil || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data)) {",
    "if data == nil {",
);

const NEEDS: &[Need] = &[
    ("/usr/lib/go-1.19/bin/go", "golang-1.19-go"),
    ("rsync", "rsync"),
    ("jq", "jq"),
    ("make", "make"),
    ("xz", "xz-utils"),
    (REFLECT, "golang-github-modern-go-reflect2-dev"),
];

/// Sees to it that all programs are in the cache. One that has some of them keeps those.
pub(crate) fn ensure() -> Result<String> {
    let folder = cache::dir()?.join(FOLDER);
    if missing(&folder).is_empty() {
        return Ok("from the cache".to_owned());
    }
    packages::ensure(&[NEEDS])?;
    let parent = folder.parent().context("the cache has a folder")?;
    fs::create_dir_all(parent)?;
    // The lock goes with the file, however this process ends.
    let lock = File::create(parent.join("lock"))?;
    lock.lock()?;
    let missing = missing(&folder);
    if missing.is_empty() {
        return Ok("somebody else built it".to_owned());
    }
    println!(
        "building Kubernetes' {} into {} (once)",
        missing.join(", "),
        folder.display()
    );
    let aside = parent.join(ASIDE);
    // What a killed process left.
    remove(&aside)?;
    let source = aside.join("source");
    fs::create_dir_all(&source)?;
    unpack(&download(&aside)?, &source)?;
    replace_reflect(&source)?;
    mend_empty(&source)?;
    build(&source, &aside, &missing)?;
    // Tests may be running what is there already.
    fs::create_dir_all(&folder)?;
    for program in &missing {
        fs::rename(
            source.join("_output/bin").join(program),
            folder.join(program),
        )?;
    }
    remove(&aside)?;
    Ok(format!("built {}", missing.join(", ")))
}

fn missing(folder: &Path) -> Vec<&'static str> {
    let missing = |program: &&str| !folder.join(program).is_file();
    PROGRAMS.into_iter().filter(missing).collect()
}

/// Go leaves files that not even their owner may write.
fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        let mut command = exec::command("chmod", &["-R", "u+w"]);
        exec::run(command.arg(folder), Duration::from_secs(60))?;
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// The package's original source, with apt told of an index of its own.
fn download(aside: &Path) -> Result<PathBuf> {
    for folder in ["apt/lists/partial", "apt/archives/partial"] {
        fs::create_dir_all(aside.join(folder))?;
    }
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let list = aside.join("apt/sources.list");
    let mirror = mirror()?;
    fs::write(
        &list,
        format!("deb-src [signed-by={keys}] {mirror} {SUITE} main\n"),
    )?;
    let apt = |args: &[&str]| {
        let mut command = exec::command("apt-get", args);
        let at = aside.display();
        for option in [
            format!("Dir::Etc::sourcelist={}", list.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={at}/apt/lists"),
            format!("Dir::Cache={at}/apt"),
            "APT::Sandbox::User=root".to_owned(),
            "APT::Update::Error-Mode=any".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        let command = command.current_dir(aside).env("LC_ALL", "C");
        exec::run(command, Duration::from_secs(600))
    };
    apt(&["update", "-q"])?;
    apt(&["source", "--download-only", "-q", PACKAGE])?;
    let mut files = fs::read_dir(aside)?.flatten().map(|entry| entry.path());
    let found = files.find(|path| path.to_string_lossy().contains(".orig.tar."));
    found.context("the package has no original source")
}

/// The mirror that the machine uses.
fn mirror() -> Result<String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (new, old) = (
        read("/etc/apt/sources.list.d/debian.sources"),
        read("/etc/apt/sources.list"),
    );
    let of_new = new.lines().find_map(|line| line.strip_prefix("URIs:"));
    let of_old = old.lines().find(|line| line.starts_with("deb "));
    let words = of_new.or(of_old).unwrap_or_default().split_whitespace();
    let mut urls = words.filter(|word| word.starts_with("http"));
    let url = urls.next().context("apt knows no mirror")?;
    Ok(url.to_owned())
}

fn unpack(archive: &Path, source: &Path) -> Result<()> {
    let mut command = exec::command("tar", &["--extract", "--strip-components=1"]);
    command
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(source);
    exec::run(&mut command, Duration::from_secs(300))
}

fn replace_reflect(source: &Path) -> Result<()> {
    let within = source.join("vendor/github.com/modern-go/reflect2");
    let code = |path: &Path| matches!(path.extension().and_then(OsStr::to_str), Some("go" | "s"));
    for entry in fs::read_dir(&within)?.flatten() {
        if code(&entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    for entry in fs::read_dir(REFLECT)?.flatten() {
        if code(&entry.path()) {
            fs::copy(entry.path(), within.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn mend_empty(source: &Path) -> Result<()> {
    let (path, old, new) = EMPTY;
    let path = source.join(path);
    let text = fs::read_to_string(&path)?;
    let there = text.matches(old).count();
    ensure!(there == 1, "{}: {there} places to mend", path.display());
    fs::write(&path, text.replace(old, new))?;
    Ok(())
}

fn build(source: &Path, aside: &Path, programs: &[&str]) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from(GO)).chain(std::env::split_paths(&path));
    let home = aside.join("home");
    fs::create_dir(&home)?;
    let what: Vec<_> = programs.iter().map(|one| format!("cmd/{one}")).collect();
    let mut command = Command::new("make");
    command
        .arg(format!("WHAT={}", what.join(" ")))
        .current_dir(source)
        .env("PATH", std::env::join_paths(folders)?)
        .env("HOME", home)
        // What is there is all that is to be had.
        .env("GOFLAGS", "-mod=vendor")
        .env("GOPROXY", "off")
        .env("KUBE_GIT_VERSION", "v1.20.2")
        .env("KUBE_GIT_COMMIT", "unknown")
        .env("KUBE_GIT_TREE_STATE", "archive")
        .env("KUBE_GIT_MAJOR", "1")
        .env("KUBE_GIT_MINOR", "20");
    // Several times what it takes alone.
    exec::run(&mut command, Duration::from_secs(3600))?;
    let built = |program: &str| source.join("_output/bin").join(program).exists();
    ensure!(programs.iter().all(|one| built(one)), "make built nothing");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_has_is_not_built_again() -> Result<()> {
        let folder = fairway_lab::tempfile::tempdir()?;
        assert_eq!(missing(&folder.path().join("none")), PROGRAMS);
        fs::write(folder.path().join("kubectl"), "")?;
        fs::write(folder.path().join("kube-apiserver"), "")?;
        assert_eq!(missing(folder.path()), ["kubelet"]);
        fs::write(folder.path().join("kubelet"), "")?;
        assert!(missing(folder.path()).is_empty());
        Ok(())
    }
}
