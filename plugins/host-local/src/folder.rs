//! The folder of a network: one file per address given out, named after it.
//!
//! All access goes through one descriptor of the folder and never follows a symbolic link in it: whoever
//! may write there must not make a root process read or overwrite a file elsewhere.

use crate::{
    error::StoreError,
    mark::{Mark, odd_time},
    record::{RECORD_MAX, Record},
    stage::Staged,
};
use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, OFlag, open, openat},
    sys::{
        stat::{Mode, SFlag, fstat, fstatat, futimens},
        statfs::{
            BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC, FsType, OVERLAYFS_SUPER_MAGIC,
            TMPFS_MAGIC, fstatfs,
        },
        time::TimeSpec,
    },
    unistd::{UnlinkatFlags, unlinkat},
};
use std::{
    fs::{DirBuilder, File},
    io::Read as _,
    net::IpAddr,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt as _, FileExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// An address file: who has the address, and which file says so.
#[derive(Debug)]
pub(crate) struct AddressFile {
    pub(crate) mark: Mark,
    pub(crate) size: u32,
    pub(crate) record: Record,
}

impl AddressFile {
    /// A file of which nothing can be told.
    pub(crate) fn unreadable() -> Self {
        AddressFile {
            mark: Mark::default(),
            size: 0,
            record: Record::Other,
        }
    }
}

/// Which folder, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    pub(crate) dev: u64,
    pub(crate) mark: Mark,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// `None` where there is none.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        match open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Folder {
                fd,
                path: path.to_owned(),
            })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(StoreError::io("open", path)(errno)),
        }
    }

    /// Opens it, made with its parents where it is not there.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = Folder::open(path)? {
            return Ok(folder);
        }
        let made = DirBuilder::new().recursive(true).mode(0o755).create(path);
        made.map_err(StoreError::io("create the folder", path))?;
        let gone = || StoreError::io("open", path)(Errno::ENOENT);
        Folder::open(path)?.ok_or_else(gone)
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The path of an entry, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// For `map_err` on what was tried with the entry `name`.
    pub(crate) fn fail(
        &self,
        action: &'static str,
        name: &str,
    ) -> impl FnOnce(Errno) -> StoreError {
        StoreError::io(action, self.path_of(name))
    }

    /// The lock file; made where it is not there.
    pub(crate) fn lock_file(&self) -> Result<File, StoreError> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        // Without O_CREAT first: a file system that has become read-only can still be locked for reading.
        let file = match openat(&self.fd, "lock", flags, Mode::empty()) {
            Err(Errno::ENOENT) => openat(
                &self.fd,
                "lock",
                flags | OFlag::O_CREAT,
                Mode::S_IRUSR | Mode::S_IWUSR,
            ),
            other => other,
        };
        file.map(File::from).map_err(self.fail("open", "lock"))
    }

    /// Is it beyond doubt that no other kernel has this folder at the same time?
    pub(crate) fn is_local(&self) -> bool {
        fstatfs(&self.fd).is_ok_and(|stat| is_local(stat.filesystem_type()))
    }

    /// Is `file` the lock file that whoever comes now would open? By its number: a lock file that is alive
    /// shows no links on some file systems, and one that has been replaced may have others.
    pub(crate) fn is_lock_file(&self, file: &File) -> bool {
        let Ok(ours) = fstat(file) else {
            return false;
        };
        fstatat(&self.fd, "lock", AtFlags::AT_SYMLINK_NOFOLLOW)
            .is_ok_and(|there| (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino))
    }

    /// Device, inode and times of the folder itself.
    pub(crate) fn stamp(&self) -> Result<Stamp, StoreError> {
        let stat = fstat(&self.fd).map_err(StoreError::io("stat", &self.path))?;
        Ok(Stamp {
            dev: stat.st_dev,
            mark: Mark::of(&stat),
        })
    }

    /// Gives the folder a time that no later change will give it, and reads back what it bears now.
    ///
    /// `None` where the file system or our rights do not let us, or somebody was faster.
    pub(crate) fn settle(&self) -> Option<Stamp> {
        let odd = odd_time(Duration::from_secs(5));
        futimens(&self.fd, &TimeSpec::UTIME_OMIT, &odd).ok()?;
        crate::crash::point();
        let stamp = self.stamp().ok()?;
        // File systems round down, to seconds at worst.
        (stamp.mark.mtime.div_euclid(1_000_000_000) == odd.tv_sec()).then_some(stamp)
    }

    /// The addresses that have a file, in no order.
    pub(crate) fn addresses(&self) -> Result<Vec<IpAddr>, StoreError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let fail = || StoreError::io("list", &self.path);
        #[cfg(test)]
        LISTINGS.set(LISTINGS.get() + 1);
        let dir = Dir::openat(&self.fd, ".", flags, Mode::empty()).map_err(fail())?;
        let mut found = Vec::new();
        for entry in dir {
            let entry = entry.map_err(fail())?;
            found.extend(address_of(entry.file_name().to_bytes()));
        }
        Ok(found)
    }

    /// Reads an address file; `None` where there is none.
    pub(crate) fn address_file(&self, ip: IpAddr) -> Result<Option<AddressFile>, StoreError> {
        let name = ip.to_string();
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = match openat(&self.fd, name.as_str(), flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT) => return Ok(None),
            // A link, a socket: taken, by whom we cannot tell.
            Err(Errno::ELOOP | Errno::ENXIO) => return self.strange_file(&name),
            Err(errno) => return Err(self.fail("open", &name)(errno)),
        };
        let stat = fstat(&file).map_err(self.fail("stat", &name))?;
        if !is_regular(stat.st_mode) {
            return self.strange_file(&name);
        }
        let mut bytes = Vec::with_capacity(128);
        let read = (&file).take(RECORD_MAX as u64).read_to_end(&mut bytes);
        read.map_err(StoreError::io("read", self.path_of(&name)))?;
        Ok(Some(AddressFile {
            mark: Mark::of(&stat),
            size: size(stat.st_size),
            record: Record::parse(&bytes),
        }))
    }

    fn strange_file(&self, name: &str) -> Result<Option<AddressFile>, StoreError> {
        let strange = |(mark, size)| AddressFile {
            mark,
            size,
            record: Record::Other,
        };
        Ok(self.entry(name)?.map(strange))
    }

    /// Mark and size of an address's file; `None` where there is none.
    pub(crate) fn mark(&self, ip: IpAddr) -> Result<Option<(Mark, u32)>, StoreError> {
        self.entry(&ip.to_string())
    }

    fn entry(&self, name: &str) -> Result<Option<(Mark, u32)>, StoreError> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some((Mark::of(&stat), size(stat.st_size)))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(self.fail("stat", name)(errno)),
        }
    }

    /// Removes an address's file; that it is gone already is fine.
    pub(crate) fn remove(&self, ip: IpAddr) -> Result<(), StoreError> {
        let name = ip.to_string();
        match unlinkat(&self.fd, name.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {
                crate::crash::point();
                Ok(())
            }
            Err(errno) => Err(self.fail("remove", &name)(errno)),
        }
    }

    /// The address given out last for the set of that number; `None` where that is not known.
    pub(crate) fn last_reserved(&self, set: usize) -> Option<IpAddr> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = openat(&self.fd, last_name(set).as_str(), flags, Mode::empty()).ok()?;
        let mut bytes = [0; 64];
        let length = File::from(file).read(&mut bytes).ok()?;
        let text = str::from_utf8(bytes.get(..length)?).ok()?;
        let ip: IpAddr = text.trim().parse().ok()?;
        Some(ip.to_canonical())
    }

    /// Remembers the address given out last. That this fails does no harm but to the order.
    ///
    /// Overwritten in place where the new text is not shorter, as one write cannot be seen half-done;
    /// truncating first, as the reference does, makes ext4 flush the file on close (0.2 ms).
    pub(crate) fn set_last_reserved(&self, set: usize, ip: IpAddr) -> Option<()> {
        let (name, text) = (last_name(set), ip.to_string());
        let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let in_place = openat(&self.fd, name.as_str(), flags, Mode::empty())
            .ok()
            .map(File::from);
        let length = in_place
            .as_ref()
            .and_then(|file| fstat(file).ok())
            .map(|stat| size(stat.st_size));
        match (in_place, length) {
            (Some(file), Some(length)) if (length as usize) <= text.len() => {
                file.write_all_at(text.as_bytes(), 0).ok()?;
            }
            _ => Staged::named(self, text.as_bytes()).ok()?.replace(&name)?,
        }
        crate::crash::point();
        Some(())
    }
}

/// File systems that one kernel at a time has. Not NFS, SMB, 9p, Ceph, nor FUSE and with it virtiofs; nor
/// what is not known here.
fn is_local(kind: FsType) -> bool {
    const XFS: FsType = FsType(0x5846_5342);
    const ZFS: FsType = FsType(0x2fc1_2fc1);
    [
        // ext2 and ext3 have the same number.
        EXT4_SUPER_MAGIC,
        XFS,
        BTRFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC,
        ZFS,
        OVERLAYFS_SUPER_MAGIC,
        TMPFS_MAGIC,
    ]
    .contains(&kind)
}

fn last_name(set: usize) -> String {
    format!("last_reserved_ip.{set}")
}

fn size(bytes: i64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn is_regular(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFREG
}

/// The address that a file is named after; `None` where the name is another, or not written as we would.
pub fn address_of(name: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(name).ok()?;
    let ip: IpAddr = text.parse().ok()?;
    (ip.to_string() == text).then_some(ip)
}

#[cfg(test)]
thread_local! {
    /// How often this thread has listed a folder.
    pub(crate) static LISTINGS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::statfs::{FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, OCFS2_SUPER_MAGIC, SMB_SUPER_MAGIC};

    #[test]
    fn local_is_what_is_known_to_be() {
        let dir = crate::tests::scratch();
        assert!(Folder::open(dir.path()).unwrap().unwrap().is_local());
        let proc = Folder::open(Path::new("/proc")).unwrap().unwrap();
        assert!(!proc.is_local());
        for shared in [
            FUSE_SUPER_MAGIC,
            NFS_SUPER_MAGIC,
            OCFS2_SUPER_MAGIC,
            SMB_SUPER_MAGIC,
        ] {
            assert!(!is_local(shared), "{shared:?}");
        }
    }
}
