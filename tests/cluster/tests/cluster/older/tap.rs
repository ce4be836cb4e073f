//! A socket beside the daemon's that passes on what is said, and keeps it.

use anyhow::{Context as _, Result, ensure};
use fairway_lab::{Value, json, serde_json};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longer than any answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests and their last answers, as `{"ask": …, "answer": …}`.
type Said = Arc<Mutex<Vec<Value>>>;

/// See the module's head. Its thread ends with the test's process.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) socket: PathBuf,
    said: Said,
}

impl Tap {
    /// Listens at `socket`, for the daemon at `to`.
    pub(super) fn new(socket: PathBuf, to: PathBuf) -> io::Result<Self> {
        let listener = UnixListener::bind(&socket)?;
        let said = Said::default();
        let kept = said.clone();
        thread::spawn(move || {
            // One caller after the other, so that what they say is in order.
            for caller in listener.incoming().flatten() {
                let Ok(daemon) = UnixStream::connect(&to) else {
                    continue;
                };
                while let Ok(true) = pass(&caller, &daemon, &kept) {}
            }
        });
        Ok(Self { socket, said })
    }

    pub(super) fn said(&self) -> Vec<Value> {
        let said = self.said.lock();
        said.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request and its answers; false: there was none.
fn pass(caller: &UnixStream, daemon: &UnixStream, said: &Said) -> io::Result<bool> {
    let ask = match read(caller) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
        ask => ask?,
    };
    write(daemon, &ask)?;
    loop {
        let answer = read(daemon)?;
        let value: Value = serde_json::from_slice(&answer)?;
        let last = is_last(&value);
        if last {
            let ask: Value = serde_json::from_slice(&ask)?;
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(json!({"ask": ask, "answer": value}));
        }
        write(caller, &answer)?;
        if last {
            return Ok(true);
        }
    }
}

fn is_last(answer: &Value) -> bool {
    answer.get("ok").is_some() || answer.get("error").is_some()
}

/// Asks as it is written, without today's client; gives the last answer.
pub(super) fn ask(socket: &Path, request: &Value) -> Result<Value> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write(&stream, request.to_string().as_bytes())?;
    loop {
        let answer = read(&stream).with_context(|| request.to_string())?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(
            answer["v"] == request["v"] || answer.get("error").is_some(),
            "{answer}"
        );
        if is_last(&answer) {
            return Ok(answer);
        }
    }
}

fn read(mut stream: &UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or_default()];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn write(mut stream: &UnixStream, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(body)
}
