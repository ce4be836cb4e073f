//! Where the daemon listens.

use std::{env, ffi::OsString, path::PathBuf};

/// Where the daemon listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/fairway/fairwayd.sock";
/// The environment's variable that tells otherwise.
pub const SOCKET_VARIABLE: &str = "FAIRWAY_SOCKET";

/// `FAIRWAY_SOCKET`, else [`DEFAULT_SOCKET`].
pub fn socket_path() -> PathBuf {
    socket_path_from(env::var_os(SOCKET_VARIABLE))
}

/// As [`socket_path`], by the variable's value; an empty one counts as none.
pub fn socket_path_from(variable: Option<OsString>) -> PathBuf {
    variable
        .filter(|path| !path.is_empty())
        .map_or_else(|| PathBuf::from(DEFAULT_SOCKET), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_beats_the_default() {
        let from = |text: &str| socket_path_from(Some(text.into()));
        assert_eq!(from("/tmp/s"), PathBuf::from("/tmp/s"));
        assert_eq!(from(""), PathBuf::from(DEFAULT_SOCKET));
        assert_eq!(socket_path_from(None), PathBuf::from(DEFAULT_SOCKET));
    }
}
