//! Which boot of the kernel this is.

use crate::error::Error;
use std::fs;

const FILE: &str = "/proc/sys/kernel/random/boot_id";

/// Its random id.
pub(crate) fn id() -> Result<String, Error> {
    let id = fs::read_to_string(FILE).map_err(Error::io("read", FILE))?;
    Ok(id.trim().to_owned())
}
