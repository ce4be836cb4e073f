//! How far long work is: a bar on a terminal, lines otherwise, both on standard error.

use fairway_api::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// At most one line in this time, so that a log stays readable.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Shows progress.
pub(crate) enum Meter {
    Bar(Option<ProgressBar>),
    Lines(Lines<io::Stderr>),
}

impl Meter {
    /// A bar where standard error is a terminal.
    pub(crate) fn on_stderr() -> Meter {
        match io::stderr().is_terminal() {
            true => Meter::Bar(None),
            false => Meter::Lines(Lines::to(io::stderr())),
        }
    }

    pub(crate) fn show(&mut self, progress: &Progress) {
        match self {
            Meter::Lines(lines) => lines.show(progress, Instant::now()),
            Meter::Bar(bar) if progress.is_note() => {
                let bar = bar.take();
                bar.inspect(ProgressBar::finish_and_clear);
                Lines::to(io::stderr()).show(progress, Instant::now());
            }
            Meter::Bar(bar) => {
                let bar = bar.get_or_insert_with(|| {
                    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
                });
                bar.set_style(style(progress.total.is_some()));
                match progress.total {
                    Some(total) => bar.set_length(total),
                    None => bar.unset_length(),
                }
                bar.set_message(progress.what.clone());
                bar.set_position(progress.done);
                bar.tick();
            }
        }
    }

    /// Takes the bar away; lines stay.
    pub(crate) fn end(&mut self) {
        if let Meter::Bar(Some(bar)) = self {
            bar.finish_and_clear();
        }
    }
}

fn style(bounded: bool) -> ProgressStyle {
    let template = match bounded {
        true => "{msg} [{bar:30}] {pos}/{len}",
        false => "{spinner} {msg} {pos}",
    };
    // The templates are ours: they are sound.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Progress as lines: each new task, each end, and in between not too many.
pub(crate) struct Lines<W> {
    to: W,
    last: Option<(Instant, Progress)>,
}

impl<W: Write> Lines<W> {
    pub(crate) fn to(to: W) -> Lines<W> {
        Lines { to, last: None }
    }

    pub(crate) fn show(&mut self, progress: &Progress, now: Instant) {
        let due = match &self.last {
            None => true,
            Some((_, last)) if last == progress => false,
            Some((_, last)) if last.what != progress.what => true,
            Some((at, _)) => {
                now.duration_since(*at) >= LINE_EVERY || progress.total == Some(progress.done)
            }
        };
        if !due {
            return;
        }
        let Progress { what, done, total } = progress;
        // Progress that cannot be shown is no reason to stop the work.
        let _ = match total {
            Some(0) => writeln!(self.to, "{what}"),
            Some(total) => writeln!(self.to, "{what}: {done} of {total}"),
            None if *done == 0 => writeln!(self.to, "{what}"),
            None => writeln!(self.to, "{what}: {done}"),
        };
        self.last = Some((now, progress.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_not_too_many() {
        let mut lines = Lines::to(Vec::new());
        let start = Instant::now();
        let mut show = |what: &str, done, total, millis| {
            let what = what.to_owned();
            lines.show(
                &Progress { what, done, total },
                start + Duration::from_millis(millis),
            );
        };
        for done in 0..=10 {
            show("blocks", done, Some(10), done * 150);
        }
        show("nodes", 0, None, 1600);
        show("nodes", 0, None, 9000);
        show("nodes", 3, None, 9100);
        show("the store is away", 0, Some(0), 9200);
        let text = String::from_utf8(lines.to).unwrap();
        assert_eq!(
            text,
            "blocks: 0 of 10\nblocks: 7 of 10\nblocks: 10 of 10\nnodes\nnodes: 3\nthe store is away\n"
        );
    }

    #[test]
    fn the_templates_are_sound() {
        for bounded in [true, false] {
            style(bounded);
        }
        for template in ["{msg} [{bar:30}] {pos}/{len}", "{spinner} {msg} {pos}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
