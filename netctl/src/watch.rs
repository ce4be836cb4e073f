//! `--watch`: the same question again and again, shown when the answer is another.
//!
//! The daemon may be restarted meanwhile: that is said once, and the watch goes on.

use crate::{
    document::Job,
    error::NetctlError,
    output::{self, Format},
    terminal::Screen,
};
use fairway_api::{
    Client, ClientError,
    client::{ANSWER_TIMEOUT, CONNECT_TIMEOUT},
};
use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

/// How often is asked.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// Clears the screen and goes to its first corner.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Connects as every verb does.
pub(crate) fn connect(socket: &Path) -> Result<Client, ClientError> {
    Ok(Client::connect(socket, CONNECT_TIMEOUT)?.answer_timeout(ANSWER_TIMEOUT))
}

/// Shows until it is interrupted; ends by itself only where nobody reads, or the daemon was never there
/// or refuses.
pub(crate) fn watch(job: &Job, socket: &Path, format: Format) -> Result<u8, NetctlError> {
    let mut client = Some(connect(socket)?);
    let mut shown = String::new();
    let mut said = String::new();
    loop {
        let answer = match client.take() {
            Some(client) => Ok(client),
            None => connect(socket),
        }
        .and_then(|mut connected| {
            let answer = job.ask(&mut connected, &mut |_| {})?;
            client = Some(connected);
            Ok(answer)
        });
        match answer {
            Ok(answer) => {
                // Each time anew: the terminal may have another size by now.
                let screen = Screen::of_stdout();
                let text = output::one_of_many(answer.as_ref(), format, &screen)?;
                if text != shown || !said.is_empty() {
                    show(&text, &screen)?;
                    shown = text;
                    said.clear();
                }
            }
            Err(ClientError::Refused(body)) if shown.is_empty() => {
                return Err(ClientError::Refused(body).into());
            }
            Err(error) => {
                let text = NetctlError::Daemon(error).shown();
                if text != said {
                    // Where nobody hears it, the watch goes on all the same.
                    let _ = writeln!(io::stderr(), "{text}");
                    said = text;
                }
            }
        }
        pause(EVERY);
    }
}

fn show(text: &str, screen: &Screen) -> Result<(), NetctlError> {
    let mut stdout = io::stdout().lock();
    let clear = if screen.live { CLEAR } else { "" };
    write!(stdout, "{clear}{text}")
        .and_then(|()| stdout.flush())
        .map_err(NetctlError::Output)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pause between two looks; nothing tells when the answer changes"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
