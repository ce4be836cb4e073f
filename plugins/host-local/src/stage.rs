//! An address file that has its content before it has its name.
//!
//! The reference plugin creates the file and then writes it: killed in between it leaves an empty one,
//! which blocks the address for ever. Here the file is written without a name (`O_TMPFILE`) and linked
//! when it is whole; `link(2)` refuses a name that exists, so of two who want an address one gets it,
//! locks or no locks.

use crate::{
    error::StoreError,
    folder::Folder,
    mark::{Mark, odd_time},
};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, openat, renameat, renameat2},
    sys::{
        stat::{Mode, futimens},
        time::TimeSpec,
    },
    unistd::{UnlinkatFlags, linkat, unlinkat},
};
use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsRawFd as _, OwnedFd},
    time::Duration,
};

/// The name where the file system has no nameless files. One name is enough, as the lock is held; the
/// reference plugin passes over it, and what a killed process left is overwritten by the next.
const NAME: &str = ".fairway-new";

/// For a file that is not there yet.
const NEW: OFlag = OFlag::O_CREAT
    .union(OFlag::O_EXCL)
    .union(OFlag::O_WRONLY)
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NOFOLLOW);

/// A file with its content, not yet in its place.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    folder: &'a Folder,
    content: Vec<u8>,
    file: File,
    named: bool,
    /// The time that the file got from us, in ns since 1970.
    odd: Option<i64>,
}

impl<'a> Staged<'a> {
    /// Writes `content` to a file without a name, or with a passing one where that cannot be.
    pub(crate) fn new(folder: &'a Folder, content: Vec<u8>) -> Result<Self, StoreError> {
        let made = means::nameless().then(|| nameless(folder, &content));
        match made {
            Some(Ok((file, odd))) => Ok(Staged {
                folder,
                content,
                file,
                named: false,
                odd,
            }),
            _ => Staged::named(folder, &content),
        }
    }

    /// Writes `content` to a file with a passing name.
    pub(crate) fn named(folder: &'a Folder, content: &[u8]) -> Result<Self, StoreError> {
        let made = with_name(folder, content);
        crate::crash::point();
        let (file, odd) = made.map_err(StoreError::io("write", folder.path_of(NAME)))?;
        Ok(Staged {
            folder,
            content: content.to_vec(),
            file,
            named: true,
            odd,
        })
    }

    /// Does it have a passing name?
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Does `mark` have the odd time to the nanosecond? Then no other file will ever have this mark.
    pub(crate) fn bears(&self, mark: &Mark) -> bool {
        self.odd == Some(mark.mtime)
    }

    /// Gives the file its name; `false` where that name is taken.
    pub(crate) fn link(&mut self, name: &str) -> Result<bool, StoreError> {
        let linked = if self.named {
            self.link_named(name)
        } else {
            self.link_nameless(name)
        };
        crate::crash::point();
        match linked {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(_) if !self.named => {
                // No /proc, or a file system that makes nameless files and cannot link them.
                *self = Staged::named(self.folder, &std::mem::take(&mut self.content))?;
                self.link(name)
            }
            Err(errno) => Err(self.folder.fail("create", name)(errno)),
        }
    }

    fn link_nameless(&self, name: &str) -> nix::Result<()> {
        let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        linkat(
            AT_FDCWD,
            open.as_str(),
            self.folder.fd(),
            name,
            AtFlags::AT_SYMLINK_FOLLOW,
        )
    }

    fn link_named(&mut self, name: &str) -> nix::Result<()> {
        let fd = self.folder.fd();
        match means::hard_link(fd, NAME, name) {
            // At once: it changes the file's times, which the index is about to note.
            Ok(()) => return unlinkat(fd, NAME, UnlinkatFlags::NoRemoveDir),
            Err(errno) if !is_missing(errno) => return Err(errno),
            Err(_) => {}
        }
        match means::rename_new(fd, NAME, name) {
            Err(errno) if is_missing(errno) => self.create(name),
            other => other,
        }
    }

    /// The last resort, where the file system has no other way (some of FUSE, 9p and SMB): made under its
    /// name and then written, as the reference does it. A kill in between leaves an empty file, which the
    /// next operation that looks at the files removes.
    fn create(&mut self, name: &str) -> nix::Result<()> {
        let fd = self.folder.fd();
        let file = openat(fd, name, NEW, Mode::S_IRUSR | Mode::S_IWUSR)?;
        crate::crash::point();
        match write(file.into(), &self.content) {
            Ok((file, odd)) => {
                (self.file, self.odd) = (file, odd);
                let _ = unlinkat(fd, NAME, UnlinkatFlags::NoRemoveDir);
                Ok(())
            }
            Err(error) => {
                let _ = unlinkat(fd, name, UnlinkatFlags::NoRemoveDir);
                Err(Errno::from_raw(error.raw_os_error().unwrap_or_default()))
            }
        }
    }

    /// Puts the file, which has a passing name, in the place of another.
    pub(crate) fn replace(self, name: &str) -> Option<()> {
        replace(self.folder.fd(), NAME, name).ok()
    }
}

/// Puts the file `new` of a folder in the place of `name`, at once.
///
/// By exchanging the two where that is possible: a plain rename over a file makes ext4 flush the new one
/// to the disk (0.2 ms, far more on a busy one), which nothing here needs.
pub(crate) fn replace(folder: &OwnedFd, new: &str, name: &str) -> nix::Result<()> {
    match renameat2(folder, new, folder, name, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => {
            crate::crash::point();
            unlinkat(folder, new, UnlinkatFlags::NoRemoveDir)
        }
        Err(_) => renameat(folder, new, folder, name),
    }
}

/// Does the file system lack this way of giving a name? The words for it differ.
fn is_missing(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::EPERM | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL | Errno::EMLINK
    )
}

/// Ways to give a file a name that must be free; the tests do without.
mod means {
    use super::*;

    #[cfg(test)]
    thread_local! {
        pub(crate) static NONE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    pub(super) fn hard_link(folder: &OwnedFd, old: &str, new: &str) -> nix::Result<()> {
        #[cfg(test)]
        if NONE.get() {
            return Err(Errno::EPERM);
        }
        linkat(folder, old, folder, new, AtFlags::empty())
    }

    pub(super) fn rename_new(folder: &OwnedFd, old: &str, new: &str) -> nix::Result<()> {
        #[cfg(test)]
        if NONE.get() {
            return Err(Errno::EINVAL);
        }
        renameat2(folder, old, folder, new, RenameFlags::RENAME_NOREPLACE)
    }

    /// May a file be made without a name?
    pub(super) fn nameless() -> bool {
        #[cfg(test)]
        return !NONE.get();
        #[cfg(not(test))]
        true
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // Unwinding stands for SIGKILL in the tests: there nothing is cleaned up either.
        if self.named && !std::thread::panicking() {
            let _ = unlinkat(self.folder.fd(), NAME, UnlinkatFlags::NoRemoveDir);
        }
    }
}

fn nameless(folder: &Folder, content: &[u8]) -> std::io::Result<(File, Option<i64>)> {
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    write(
        openat(folder.fd(), ".", flags, Mode::S_IRUSR | Mode::S_IWUSR)?.into(),
        content,
    )
}

fn with_name(folder: &Folder, content: &[u8]) -> std::io::Result<(File, Option<i64>)> {
    let _ = unlinkat(folder.fd(), NAME, UnlinkatFlags::NoRemoveDir);
    write(
        openat(folder.fd(), NAME, NEW, Mode::S_IRUSR | Mode::S_IWUSR)?.into(),
        content,
    )
}

/// The odd time makes the file one that cannot be mistaken for another; see [`crate::mark`].
fn write(mut file: File, content: &[u8]) -> std::io::Result<(File, Option<i64>)> {
    file.write_all(content)?;
    let odd = odd_time(Duration::ZERO);
    let set = futimens(&file, &TimeSpec::UTIME_OMIT, &odd).is_ok();
    let nanos = odd.tv_sec() * 1_000_000_000 + odd.tv_nsec();
    // A whole second could be anybody's.
    Ok((file, (set && odd.tv_nsec() != 0).then_some(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// As on a file system without nameless files.
    #[test]
    fn with_a_passing_name() {
        let dir = crate::tests::scratch();
        let folder = Folder::open_or_create(dir.path()).unwrap();
        let names = || fs::read_dir(dir.path()).unwrap().count();
        fs::write(
            dir.path().join(NAME),
            "left by a killed process, and longer",
        )
        .unwrap();
        let mut staged = Staged::named(&folder, b"a\r\neth0").unwrap();
        assert!(staged.link("10.0.0.1").unwrap());
        assert_eq!(names(), 1, "the passing name is gone");
        let mark = folder.mark("10.0.0.1".parse().unwrap()).unwrap();
        drop(staged);
        assert_eq!(folder.mark("10.0.0.1".parse().unwrap()).unwrap(), mark);

        let mut other = Staged::named(&folder, b"b\r\neth0").unwrap();
        assert!(!other.link("10.0.0.1").unwrap());
        assert!(other.link("10.0.0.2").unwrap());
        drop(other);
        drop(Staged::named(&folder, b"c").unwrap());
        let read = |name| fs::read_to_string(Path::new(dir.path()).join(name)).unwrap();
        assert_eq!(
            (read("10.0.0.1").as_str(), read("10.0.0.2").as_str()),
            ("a\r\neth0", "b\r\neth0")
        );
        assert_eq!(names(), 2);

        Staged::named(&folder, b"new")
            .unwrap()
            .replace("10.0.0.2")
            .unwrap();
        assert_eq!((read("10.0.0.2").as_str(), names()), ("new", 2));
    }
    /// As on a file system that has none of the ways.
    #[test]
    fn by_creating_it() {
        use crate::{crash::crash_after, tests::small};

        means::NONE.set(true);
        let net = small();
        assert_eq!(net.add("a").unwrap(), ["10.0.0.2"]);
        assert_eq!(net.add("b").unwrap(), ["10.0.0.3"]);
        assert!(net.add_exactly("c", "10.0.0.3").is_err());
        assert_eq!(net.files()["10.0.0.3"], "b\r\neth0");
        assert!(!net.path(NAME).exists());
        let mut torn = 0;
        for nth in 0..100 {
            let ended = crash_after(nth, || net.add("new").unwrap()).is_some();
            torn += net.files().values().filter(|text| text.is_empty()).count();
            net.del("new");
            let left = net.files().into_keys().collect::<Vec<_>>();
            assert_eq!(left, ["10.0.0.2", "10.0.0.3"], "killed after {nth}");
            if ended {
                break;
            }
        }
        assert_eq!(torn, 1);
        means::NONE.set(false);
    }
}
