//! The terminal: taken, drawn on, and given back as it was, whatever ends it: a key, a signal, a panic.
//!
//! A thread of its own asks the daemon, so that keys are heard while it does not answer.

use super::{
    between::between,
    draw::{Tones, draw},
    sample::{Sample, Sampler},
    view::{After, View},
};
use crate::{error::NetctlError, watch};
use fairway_api::Client;
use fairway_api::ClientError;
use ratatui::crossterm::{
    cursor::Show,
    event::{self, Event},
    execute,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// For how long keys are waited for; signals and news are looked for in between.
const TICK: Duration = Duration::from_millis(100);

/// What is told of each look.
type Told = Result<Box<Sample>, String>;

/// Shows it until it is ended.
pub(super) fn run(client: Client, socket: &Path, colour: bool) -> Result<u8, NetctlError> {
    // Before the terminal is taken: a signal would leave it as it is then.
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGTERM, SIGHUP, SIGINT] {
        let value = usize::try_from(number).unwrap_or(0);
        signal_hook::flag::register_usize(number, signal.clone(), value)
            .map_err(NetctlError::Terminal)?;
    }
    let told = ask(client, socket.to_owned());
    let mut terminal = ratatui::try_init().map_err(NetctlError::Terminal)?;
    give_back_on_panic();
    let done = show(&mut terminal, &told, &signal, Tones { colour });
    // It hides the cursor while it draws.
    let shown = terminal.show_cursor();
    ratatui::try_restore()
        .and(shown)
        .map_err(NetctlError::Terminal)?;
    done.map_err(NetctlError::Terminal)?;
    if let Ok(number @ 1..) = i32::try_from(signal.load(Ordering::SeqCst)) {
        // Whoever sent it sees that it was heard.
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
    Ok(0)
}

/// ratatui gives the terminal back on a panic, but for the cursor.
fn give_back_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Where it cannot be shown, the panic is told all the same.
        let _ = execute!(io::stdout(), Show);
        before(panic);
    }));
}

fn show(
    terminal: &mut ratatui::DefaultTerminal,
    told: &Receiver<Told>,
    signal: &AtomicUsize,
    tones: Tones,
) -> io::Result<()> {
    let (mut view, mut before) = (View::default(), None);
    loop {
        for news in told.try_iter() {
            take(&mut view, &mut before, news);
        }
        terminal.draw(|frame| draw(frame, &mut view, tones))?;
        if signal.load(Ordering::SeqCst) != 0 {
            return Ok(());
        }
        if event::poll(TICK)?
            && let Event::Key(key) = event::read()?
            && view.key(key) == After::Quit
        {
            return Ok(());
        }
    }
}

fn take(view: &mut View, before: &mut Option<Box<Sample>>, news: Told) {
    match news {
        Ok(sample) => {
            // The first look has none before it: all stands still.
            let former = before.as_ref().unwrap_or(&sample);
            view.top = Some(between(former, &sample));
            view.lost = None;
            *before = Some(sample);
        }
        Err(lost) => view.lost = Some(lost),
    }
}

/// Looks every second, also over a restart of the daemon, until nobody listens.
fn ask(client: Client, socket: PathBuf) -> Receiver<Told> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut sampler = Some(Sampler::new(client));
        loop {
            let news = look(&mut sampler, &socket).map(Box::new);
            let news = news.map_err(|error| NetctlError::from(error).to_string());
            if tell.send(news).is_err() {
                return;
            }
            watch::pause(watch::EVERY);
        }
    });
    told
}

fn look(sampler: &mut Option<Sampler>, socket: &Path) -> Result<Sample, ClientError> {
    let mut asking = match sampler.take() {
        Some(sampler) => sampler,
        None => Sampler::new(watch::connect(socket)?),
    };
    let sample = asking.look()?;
    *sampler = Some(asking);
    Ok(sample)
}
