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
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use ratatui::crossterm::{
    cursor::Show,
    event::{self, Event},
    execute,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::{
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, TryRecvError},
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
    taken(|terminal| show(terminal, &told, &signal, Tones { colour }))
        .map_err(NetctlError::Terminal)?;
    if let Ok(number @ 1..) = i32::try_from(signal.load(Ordering::SeqCst)) {
        // Whoever sent it sees that it was heard.
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
    Ok(0)
}

/// Takes the terminal, and gives it back, whatever became of the use of it.
fn taken(show: impl FnOnce(&mut ratatui::DefaultTerminal) -> io::Result<()>) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    give_back_on_panic();
    let done = show(&mut terminal);
    // It hides the cursor while it draws.
    let shown = terminal.show_cursor();
    // Why it ended says more than that it could not be given back then.
    done.and(ratatui::try_restore()).and(shown)
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
    let (keys, mut is_old) = (keyboard()?, true);
    loop {
        is_old |= hear(&mut view, &mut before, told)?;
        // Where nothing is new, thousands of containers need not be sorted once more.
        if std::mem::take(&mut is_old) {
            terminal.draw(|frame| draw(frame, &mut view, tones))?;
        }
        if signal.load(Ordering::SeqCst) != 0 {
            return Ok(());
        }
        wait(keys.as_fd())?;
        if event::poll(Duration::ZERO)? {
            // Keys, and another size.
            is_old = true;
            if let Event::Key(key) = event::read()?
                && view.key(key) == After::Quit
            {
                return Ok(());
            }
        }
    }
}

/// Where keys come from, as crossterm has it.
fn keyboard() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    match stdin.is_terminal() {
        true => stdin.as_fd().try_clone_to_owned(),
        false => File::open("/dev/tty").map(OwnedFd::from),
    }
}

/// Waits for a key, a signal or the end of a tick. Of a terminal that was hung up nothing is to be read ever again, and
/// crossterm would try without end.
fn wait(keys: BorrowedFd<'_>) -> io::Result<()> {
    let mut fds = [PollFd::new(keys, PollFlags::POLLIN)];
    let tick = PollTimeout::try_from(TICK).unwrap_or(PollTimeout::ZERO);
    match poll(&mut fds, tick) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    match fds[0].revents() {
        Some(events) if events.intersects(gone) => Err(io::Error::other("it was hung up")),
        _ => Ok(()),
    }
}

/// Takes what was told; was there any? Nobody asks any more where the thread has come to its end, and it has none: a
/// screen that stands still would tell nobody.
fn hear(
    view: &mut View,
    before: &mut Option<Box<Sample>>,
    told: &Receiver<Told>,
) -> io::Result<bool> {
    let mut any = false;
    loop {
        match told.try_recv() {
            Ok(news) => take(view, before, news),
            Err(TryRecvError::Empty) => return Ok(any),
            Err(TryRecvError::Disconnected) => {
                return Err(io::Error::other("whoever asks the daemon has ended"));
            }
        }
        any = true;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::between::tests::sample;
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    #[test]
    fn what_is_told_is_heard_and_so_is_that_nobody_tells() {
        let (tell, told) = mpsc::channel();
        let (mut view, mut before) = (View::default(), None);
        let mut heard = || hear(&mut view, &mut before, &told).map(|any| (any, view.lost.clone()));
        assert_eq!(heard().unwrap(), (false, None));
        tell.send(Err("away".to_owned())).unwrap();
        assert_eq!(heard().unwrap(), (true, Some("away".to_owned())));
        tell.send(Ok(Box::new(sample(1_000, 1)))).unwrap();
        tell.send(Ok(Box::new(sample(2_000, 2)))).unwrap();
        assert_eq!(heard().unwrap(), (true, None));
        drop(tell);
        assert!(heard().is_err());
        let sent = view.top.unwrap().containers[1].sent.bytes;
        assert_eq!(sent, 2_000_000, "both looks were taken, in their order");
    }

    const CHILD: &str = "FAIRWAY_TEST_ENDS_BY";

    /// Takes the terminal and ends by what the variable says: run by the test below, on a terminal of its own.
    #[test]
    fn ends_on_a_terminal() {
        let Some(how) = std::env::var_os(CHILD) else {
            return;
        };
        let done = taken(|terminal| {
            terminal.draw(|frame| frame.render_widget("drawn", frame.area()))?;
            assert!(how != "panic", "the end");
            Err(io::Error::other("the end"))
        });
        writeln!(io::stdout(), "{}", done.unwrap_err()).unwrap();
    }

    #[test]
    fn a_panic_and_an_error_give_the_terminal_back() {
        for how in ["panic", "error"] {
            let program = std::env::current_exe().unwrap();
            let line = format!(
                "stty cols 80 rows 24; '{}' --exact top::live::tests::ends_on_a_terminal --nocapture; stty -a",
                program.display()
            );
            let output = Command::new("script")
                .args(["--quiet", "--flush", "--command", &line, "/dev/null"])
                .env(CHILD, how)
                .env("TERM", "xterm-256color")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let out = String::from_utf8_lossy(&output.stdout);
            let (on, after) = out.rsplit_once("\x1b[?1049l").unwrap_or_default();
            assert!(
                on.contains("\x1b[?1049h") && on.contains("drawn"),
                "{how}: {out:?}"
            );
            // The cursor is back, lines are edited and shown again, and why it ended can be read.
            let shown = out.rfind("\x1b[?25h") > out.rfind("\x1b[?25l");
            assert!(shown, "{how}: the cursor is hidden: {out:?}");
            // A release is not unwound: what is not done when the panic is told is never done.
            let (before, _) = out.split_once("the end").unwrap_or_default();
            assert!(before.contains("\x1b[?25h"), "{how}: {out:?}");
            assert!(after.contains("the end"), "{how}: {out:?}");
            for word in ["isig icanon", " echo "] {
                assert!(after.contains(word), "{how}: {word}: {after:?}");
            }
        }
    }
}
