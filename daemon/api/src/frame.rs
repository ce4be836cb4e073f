//! Framing: how long a message may be.

/// The longest request.
pub const MAX_REQUEST: usize = 256 * 1024;
/// The longest answer.
pub const MAX_REPLY: usize = 64 * 1024 * 1024;
