//! `netctl top`: who sends and gets how much on this node, and how the rest stands.
//!
//! On a terminal it is a screen that goes on; else, and as JSON or YAML, it is one document of two looks that are a
//! second apart, or with `--watch` one each second.

mod between;
mod draw;
mod live;
mod sample;
mod sheet;
mod view;

use crate::{
    error::NetctlError,
    output::{self, Format},
    terminal::Screen,
    watch,
};
use between::between;
use fairway_api::{Client, ClientError};
use sample::{Sample, Sampler};
use std::{
    io::{self, Write as _},
    path::Path,
};

/// Until it is ended, or once.
pub(crate) fn top(socket: &Path, format: Format, on: bool) -> Result<u8, NetctlError> {
    let client = watch::connect(socket)?;
    let screen = Screen::of_stdout();
    if format == Format::Table && screen.live {
        return live::run(client, socket, screen.colour);
    }
    let mut sampler = Sampler::new(client);
    let mut before = sampler.look()?;
    if !on {
        watch::pause(watch::EVERY);
        let top = between(&before, &sampler.look()?);
        let text = output::document(&top, format, &screen)?;
        return write(&text).map(|()| 0);
    }
    loop {
        watch::pause(watch::EVERY);
        match again(&mut sampler, socket) {
            Ok(after) => {
                let top = between(&before, &after);
                write(&output::one_of_many(&top, format, &screen)?)?;
                before = after;
            }
            Err(error) => {
                // Where nobody hears it, it goes on all the same.
                let _ = writeln!(io::stderr(), "{}", NetctlError::from(error).shown());
            }
        }
    }
}

/// One more look; where the daemon was lost, it is looked for.
fn again(sampler: &mut Sampler, socket: &Path) -> Result<Sample, ClientError> {
    match sampler.look() {
        Ok(sample) => Ok(sample),
        Err(error) => {
            let client: Client = watch::connect(socket).map_err(|_| error)?;
            *sampler = Sampler::new(client);
            sampler.look()
        }
    }
}

fn write(text: &str) -> Result<(), NetctlError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(NetctlError::Output)
}
