//! The daemon's socket: messages, framing, a client.
//!
//! One frame is a length (4 bytes, big endian) and that many bytes of JSON. A caller sends a request; the
//! daemon answers with any number of `progress` and `early` frames and then one `ok` or `error` frame; then
//! the next request may follow on the same connection.

pub mod admin;
pub mod call;
pub mod client;
pub mod definition;
pub mod endpoint;
pub mod frame;
pub mod ipam;
mod message;
mod method;
mod parts;
pub mod released;
mod socket;
mod trace;

pub use client::{Breakage, Client, ClientError, Pending};
pub use message::{
    Body, ErrorBody, Method, Nothing, PROGRESS_EVERY, Progress, Reply, Request, VERSION,
};
pub use method::Part;
pub use parts::Parts;
pub use socket::{DEFAULT_SOCKET, SOCKET_VARIABLE, socket_path, socket_path_from};
pub use trace::{TRACE_VARIABLE, Trace};
