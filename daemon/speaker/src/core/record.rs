//! Sessions, written down for whoever looks for what went wrong.
//!
//! A thread writes, so that a disk that is slow holds up no session; where it falls behind, or there is too much, recordings
//! end, and sessions go on. What happened at the end of the daemon is in them.

use fairway_bgp::session::Neighbour;
use fairway_bgp::session::record::Recorder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use tracing::{info, warn};

/// Of all recordings since the speaker began, in bytes.
const MOST: usize = 256 * 1024 * 1024;
/// Recordings of one neighbour that a folder has.
const FILES: u32 = 1_000;
/// What waits to be written, in bytes.
const WAITING: usize = 16 * 1024 * 1024;

type Piece = (Arc<File>, String);

/// Writes recordings, once there is one.
#[derive(Default)]
pub(super) struct Records {
    writer: Option<(Sender<Piece>, thread::JoinHandle<()>)>,
    waiting: Arc<AtomicUsize>,
    written: usize,
}

/// Of one session.
pub(super) struct Record {
    pub(super) pen: Recorder,
    file: Arc<File>,
    path: PathBuf,
}

impl Records {
    /// Of a session that begins. None where the file system has no room for it; that is told.
    pub(super) fn begin(
        &mut self,
        folder: &Path,
        address: IpAddr,
        neighbour: &Neighbour,
        seed: u64,
    ) -> Option<Record> {
        let begun = create(folder, address).and_then(|made| {
            self.start()?;
            Ok(made)
        });
        match begun {
            Ok((file, path)) => {
                info!("neighbour {address}: recorded in {}", path.display());
                Some(Record {
                    pen: Recorder::new(neighbour, seed),
                    file: Arc::new(file),
                    path,
                })
            }
            Err(error) => {
                warn!(
                    "neighbour {address}: it is not recorded in {}: {error}",
                    folder.display()
                );
                None
            }
        }
    }

    fn start(&mut self) -> io::Result<()> {
        if self.writer.is_none() {
            let (to, pieces) = channel::<Piece>();
            let waiting = Arc::clone(&self.waiting);
            let write = move || {
                while let Ok((file, text)) = pieces.recv() {
                    waiting.fetch_sub(text.len(), Ordering::Relaxed);
                    if let Err(error) = (&*file).write_all(text.as_bytes()) {
                        warn!("a recording of BGP has a gap: {error}");
                    }
                }
            };
            let thread = thread::Builder::new().name("bgp-record".to_owned());
            self.writer = Some((to, thread.spawn(write)?));
        }
        Ok(())
    }

    /// Has written what was added; whether the recording goes on.
    pub(super) fn write(&mut self, record: &mut Record) -> bool {
        let text = record.pen.take();
        self.written = self.written.saturating_add(text.len());
        let waiting = self.waiting.fetch_add(text.len(), Ordering::Relaxed);
        let why = match &self.writer {
            _ if self.written > MOST => "there is too much of them",
            _ if waiting > WAITING => "they are not written fast enough",
            Some((to, _)) if to.send((Arc::clone(&record.file), text)).is_ok() => return true,
            _ => "nobody writes them",
        };
        let path = record.path.display();
        warn!("the recording {path} of BGP ends: {why}");
        false
    }
}

impl Drop for Records {
    /// What waits is written.
    fn drop(&mut self) {
        if let Some((to, thread)) = self.writer.take() {
            drop(to);
            let _ = thread.join();
        }
    }
}

/// A new file, for root alone: what it says of routes is nobody else's business.
fn create(folder: &Path, address: IpAddr) -> io::Result<(File, PathBuf)> {
    fs::create_dir_all(folder)?;
    // A colon means a host to some that copy files.
    let name = address.to_string().replace(':', "_");
    for number in 1..=FILES {
        let path = folder.join(format!("{name}.{number}.bgp"));
        let mut open = OpenOptions::new();
        match open.create_new(true).append(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!(
        "there are {FILES} recordings of it"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_bgp::session::config::{Peer, Settings};
    use fairway_bgp::session::record::Recording;
    use fairway_bgp::session::{Input, RemoteAs, Speaker};
    use fairway_bgp::{Asn, RouterId, Time};
    use std::error::Error;
    use std::os::unix::fs::PermissionsExt as _;

    fn neighbour() -> Result<Neighbour, Box<dyn Error>> {
        let local = Speaker {
            asn: Asn::new(65000).ok_or("0")?,
            router: RouterId::new(1).ok_or("0")?,
        };
        let peer = Peer::At("fd00::2".parse()?);
        Ok(Neighbour::new(Settings::new(
            peer,
            local,
            RemoteAs::External,
        ))?)
    }

    #[test]
    fn each_session_has_a_file_and_what_waits_is_written() -> Result<(), Box<dyn Error>> {
        let lab = fairway_lab::tempfile::TempDir::new()?;
        let folder = lab.path().join("bgp");
        let (at, mut records) = ("fd00::2".parse()?, Records::default());
        for _ in 0..2 {
            let record = records.begin(&folder, at, &neighbour()?, 7);
            let mut record = record.ok_or("no recording")?;
            record.pen.told(Time::default(), &Input::Tick, &[]);
            assert!(records.write(&mut record));
        }
        drop(records);
        for name in ["fd00__2.1.bgp", "fd00__2.2.bgp"] {
            let path = folder.join(name);
            let recording = Recording::parse(&fs::read_to_string(&path)?)?;
            assert_eq!(recording.steps().count(), 1);
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        }
        Ok(())
    }

    #[test]
    fn too_much_is_not_written() -> Result<(), Box<dyn Error>> {
        let folder = fairway_lab::tempfile::TempDir::new()?;
        let mut records = Records::default();
        let at = "192.0.2.2".parse()?;
        let record = records.begin(folder.path(), at, &neighbour()?, 7);
        let mut record = record.ok_or("no recording")?;
        assert!(records.write(&mut record));
        records.written = MOST;
        record.pen.told(Time::default(), &Input::Tick, &[]);
        assert!(!records.write(&mut record));
        // Where nothing can be written, there is none, and that is all.
        let nowhere = folder.path().join("192.0.2.2.1.bgp");
        assert!(records.begin(&nowhere, at, &neighbour()?, 7).is_none());
        Ok(())
    }
}
