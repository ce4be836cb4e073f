//! Framing: 4 bytes of length, big endian, and that many bytes of JSON.
//!
//! The same functions serve the daemon (which reads without blocking) and the clients: they work on slices
//! and do no input or output, but for [`read`]. What can go wrong: the other side is of another version, is
//! no Fairway at all, or was killed in the middle of a frame. A length is judged before anything is
//! allocated for it: the first four bytes of, say, an HTTP request are a length of 1.2 GB.

use crate::message::{ErrorBody, Method, Reply, Request, VERSION};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Read};

/// The longest request: a GC that keeps 10,000 attachments is one of 800 KB.
pub const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// The longest frame of an answer.
pub const MAX_REPLY: usize = 64 * 1024 * 1024;
/// Bytes of rows that make a part of a list. The last row comes on top, whatever its length.
pub const PART: usize = 4 * 1024 * 1024;
/// Bytes of the length that leads each frame.
pub const HEADER: usize = 4;

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than allowed.
    #[error("a frame of {length} bytes, where {limit} are allowed")]
    TooLong {
        /// As the frame says, or as it would have been.
        length: usize,
        /// [`MAX_REQUEST`] or [`MAX_REPLY`].
        limit: usize,
    },
    /// Its length is zero.
    #[error("an empty frame")]
    Empty,
    /// The other side stopped in the middle of it.
    #[error("the frame ends after {have} of {want} bytes")]
    Truncated {
        /// Bytes that came, the length among them.
        have: usize,
        /// Bytes that should have come.
        want: usize,
    },
    /// Its body is not JSON.
    #[error("not JSON")]
    NotJson(#[source] serde_json::Error),
    /// Its body is JSON, and not a message.
    #[error("{field}")]
    NotMessage {
        /// Where: `v`, `method`, `params.attachment.ifname`, …
        field: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The other side speaks another version of the protocol.
    #[error("protocol version {theirs}, where this is version {ours}")]
    Version {
        /// The other side's.
        theirs: u64,
        /// [`VERSION`].
        ours: u32,
    },
    /// It cannot be written as JSON.
    #[error("cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

impl FrameError {
    /// What the daemon answers to such a request: code 1 for another version, else code 6. After it the
    /// daemon closes the connection, since the two may be out of step.
    pub fn to_error_body(&self) -> ErrorBody {
        let source = std::error::Error::source(self);
        ErrorBody {
            code: match self {
                FrameError::Version { .. } => 1,
                _ => 6,
            },
            message: format!("the request: {self}"),
            details: source.map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Judges the length that leads a frame.
///
/// # Errors
/// [`FrameError::TooLong`] past `limit`, [`FrameError::Empty`].
pub fn length(header: [u8; HEADER], limit: usize) -> Result<usize, FrameError> {
    // Saturates on 16-bit machines only, and then is too long all the same.
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    match length {
        0 => Err(FrameError::Empty),
        _ if length > limit => Err(FrameError::TooLong { length, limit }),
        _ => Ok(length),
    }
}

/// The body of the frame at the front of `bytes`; none where it is not all there yet. The whole frame is
/// [`HEADER`] bytes longer.
///
/// # Errors
/// As [`length`], as soon as the length is there.
pub fn split(bytes: &[u8], limit: usize) -> Result<Option<&[u8]>, FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    Ok(rest.get(..length(*header, limit)?))
}

/// A message as a frame.
///
/// # Errors
/// [`FrameError::TooLong`] past `limit`.
pub fn encode<T: Serialize>(message: &T, limit: usize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message).map_err(FrameError::Unwritable)?;
    let length = frame.len() - HEADER;
    match u32::try_from(length) {
        Ok(header) if length <= limit => {
            frame[..HEADER].copy_from_slice(&header.to_be_bytes());
            Ok(frame)
        }
        _ => Err(FrameError::TooLong { length, limit }),
    }
}

/// How many bytes something is in a frame.
pub fn size(of: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written is told when it is sent.
    let _unwritable = serde_json::to_writer(&mut count, of);
    count.0
}

/// The request in a frame's body.
///
/// # Errors
/// Where it is none; the error names the field. [`FrameError::Version`] is found also where nothing else
/// of it can be read.
pub fn request(body: &[u8]) -> Result<Request, FrameError> {
    match serde_json::from_slice::<Request>(body) {
        Ok(request) if request.v == VERSION => Ok(request),
        Ok(request) => Err(other(request.v.into())),
        // Once more, slowly: what is read through `flatten` has lost the name of the field.
        Err(whole) => match serde_path_to_error::deserialize::<_, Method>(json(body)?) {
            Err(error) => Err(FrameError::NotMessage {
                field: error.path().to_string(),
                source: error.into_inner(),
            }),
            Ok(_) => Err(not_a_message(whole)),
        },
    }
}

/// The answer's frame in a frame's body.
///
/// # Errors
/// As [`request`].
pub fn reply(body: &[u8]) -> Result<Reply, FrameError> {
    match serde_json::from_slice::<Reply>(body) {
        Ok(reply) if reply.v == VERSION => Ok(reply),
        Ok(reply) => Err(other(reply.v.into())),
        Err(error) => json(body).and_then(|_| Err(not_a_message(error))),
    }
}

/// Reads one frame's body; none where the other side has closed the connection between two frames. The
/// memory grows with what comes, not with what is promised.
///
/// # Errors
/// The outer one: what reading met. The inner one: what is wrong with the frame.
pub fn read(
    source: &mut impl Read,
    limit: usize,
) -> io::Result<Result<Option<Vec<u8>>, FrameError>> {
    let mut header = Vec::with_capacity(HEADER);
    source
        .by_ref()
        .take(HEADER as u64)
        .read_to_end(&mut header)?;
    let want = match <[u8; HEADER]>::try_from(header.as_slice()) {
        Ok(header) => match length(header, limit) {
            Ok(length) => length,
            Err(error) => return Ok(Err(error)),
        },
        Err(_) if header.is_empty() => return Ok(Ok(None)),
        Err(_) => {
            let (have, want) = (header.len(), HEADER);
            return Ok(Err(FrameError::Truncated { have, want }));
        }
    };
    let mut body = Vec::with_capacity(want.min(16 * 1024));
    source.by_ref().take(want as u64).read_to_end(&mut body)?;
    Ok(match body.len() == want {
        true => Ok(Some(body)),
        false => Err(FrameError::Truncated {
            have: HEADER + body.len(),
            want: HEADER + want,
        }),
    })
}

fn not_a_message(source: serde_json::Error) -> FrameError {
    let field = "message".to_owned();
    FrameError::NotMessage { field, source }
}

fn other(theirs: u64) -> FrameError {
    let ours = VERSION;
    FrameError::Version { theirs, ours }
}

/// What a body that could not be read holds, if it is JSON of our version at least.
fn json(body: &[u8]) -> Result<Value, FrameError> {
    let value: Value = serde_json::from_slice(body).map_err(FrameError::NotJson)?;
    match value.get("v").and_then(Value::as_u64) {
        Some(v) if v == u64::from(VERSION) => Ok(value),
        Some(v) => Err(other(v)),
        None => Err(FrameError::NotMessage {
            field: "v".to_owned(),
            source: serde::de::Error::custom("the protocol's version, a number, is missing"),
        }),
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
