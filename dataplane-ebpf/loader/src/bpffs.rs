//! The filesystem that keeps maps and programs while no process has them.
//!
//! It must outlive the daemon, so it is mounted where the machine has it; in a container without the host's
//! `/sys/fs/bpf` pins would go with the container, which is the operator's choice to make by mounts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{FsType, statfs};

use crate::error::{Error, Result};

const BPFFS: FsType = FsType(nix::libc::BPF_FS_MAGIC);
const SYSFS: FsType = FsType(nix::libc::SYSFS_MAGIC);

/// Makes the folder, in a bpffs. Where there is none it is mounted: below `/sys/fs/bpf` there, which the
/// kernel keeps for it, anywhere else on the folder itself.
pub(crate) fn ensure(folder: &Path) -> Result<()> {
    let there = nearest(folder);
    match filesystem(&there)? {
        BPFFS => {}
        SYSFS => mount_at(&there)?,
        _ => {
            make(folder)?;
            mount_at(folder)?;
        }
    }
    make(folder)
}

/// The folder, or what there is of its path.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.exists());
    there.unwrap_or_else(|| Path::new("/")).to_owned()
}

fn filesystem(path: &Path) -> Result<FsType> {
    let stat = statfs(path).map_err(|errno| failed("look at", path)(errno.into()))?;
    Ok(stat.filesystem_type())
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(failed("make", folder))
}

fn mount_at(path: &Path) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = mount(Some("bpf"), path, Some("bpf"), flags, Some("mode=0700"));
    mounted.map_err(|errno| failed("mount a bpf filesystem at", path)(errno.into()))
}

/// Removes a folder of pins; nothing is wrong where there is none.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

pub(crate) fn failed(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Pins { op, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_path_that_is_not_there_the_part_that_is() {
        assert_eq!(
            nearest(Path::new("/sys/fs/none/of/that")),
            Path::new("/sys/fs")
        );
        assert_eq!(nearest(Path::new("/none")), Path::new("/"));
        assert_eq!(filesystem(Path::new("/sys")).unwrap(), SYSFS);
    }
}
