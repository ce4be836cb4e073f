//! Scripts that are run by the program that tests them.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a script, by another process: what this one has open to write, a child that another thread starts at that
/// moment has open, too, until it becomes the program that it is to be; and for so long the script is busy.
///
/// # Errors
/// Where it cannot be written.
pub fn program(path: &Path, text: &str) -> io::Result<()> {
    let mut child = Command::new("sh")
        .args(["-ec", "cat > \"$0\"; chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(text.as_bytes())?;
    }
    let ended = child.wait()?;
    match ended.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("sh: {ended}"))),
    }
}
