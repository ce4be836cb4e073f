//! systemd hears now and then that somebody who asks gets an answer, where the unit has `WatchdogSec=`.
//!
//! A thread of its own asks through the socket, as a plugin does: so what is told is not that some part of the process
//! still runs, but that a plugin would be served. The daemon answers without its store, too, and then is not to be
//! started again. Where no answer comes nothing is told, and systemd makes an end of it in time.

use fairway_api::{Method, client::Client};
use sd_notify::NotifyState;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;
use std::{io, thread};

/// Goes on telling as long as it lives.
#[derive(Debug)]
pub struct Watchdog(#[expect(dead_code, reason = "its end is what the thread hears")] Sender<()>);

impl Watchdog {
    /// Where systemd wants to hear anything; `None` where it does not.
    ///
    /// # Errors
    /// Where there can be no thread.
    pub fn start(socket: &Path) -> io::Result<Option<Self>> {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return Ok(None);
        };
        let socket = socket.to_owned();
        start(limit, move |wait| answers(&socket, wait).then(tell)).map(Some)
    }
}

/// Asks three times within the limit: one answer may be late.
fn start(
    limit: Duration,
    mut ask: impl FnMut(Duration) -> Option<()> + Send + 'static,
) -> io::Result<Watchdog> {
    let every = (limit / 3).max(Duration::from_millis(1));
    let (end, ended) = mpsc::channel();
    let name = thread::Builder::new().name("watchdog".to_owned());
    name.spawn(move || {
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            ask(every);
        }
    })?;
    Ok(Watchdog(end))
}

fn answers(socket: &Path, wait: Duration) -> bool {
    let client = Client::connect(socket, wait);
    let asked = client.and_then(|client| {
        let mut client = client.answer_timeout(wait);
        client.call::<fairway_api::admin::Info>(Method::Info)
    });
    asked.is_ok()
}

fn tell() {
    // Where systemd cannot be told, it does what it does to a daemon that is silent.
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::RecvTimeoutError::Disconnected;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_asks_again_and_again_and_ends_with_its_guard() {
        let (asked, asks) = mpsc::channel();
        let guard = start(Duration::from_millis(3), move |_| asked.send(()).ok()).unwrap();
        for _ in 0..3 {
            asks.recv_timeout(LONG).unwrap();
        }
        drop(guard);
        let end = std::iter::repeat_with(|| asks.recv_timeout(LONG)).find(Result::is_err);
        assert_eq!(end, Some(Err(Disconnected)));
    }

    #[test]
    fn nobody_and_somebody_silent_are_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let wait = Duration::from_millis(50);
        assert!(!answers(&socket, wait));
        let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(!answers(&socket, wait));
    }
}
