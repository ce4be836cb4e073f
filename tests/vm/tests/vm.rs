//! Shows each guest test as a test; boots one guest per plan, and none that is not wanted.
//!
//! Guests run side by side, as many as is good for what their tests wait for, but for those whose tests measure
//! time: they come after all others, one by one.
//!
//! `cargo test -p fairway-tests-vm --test vm trunk` boots for the tests with that word in
//! their names only.

use std::collections::HashMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fairway_tests_vm::plan::{Plan, Verdict};
use fairway_tests_vm::plans::PLANS;
use libtest_mimic::{Arguments, Failed, Trial};

/// Download of the kernel (once) and boot, on a machine that does much else.
const BOOT_DEADLINE: Duration = Duration::from_secs(120);

/// Where the thread that hears a guest leaves what the tests wait for.
#[derive(Default)]
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    verdicts: HashMap<String, Verdict>,
    /// Why no further verdict will come.
    ended: Option<String>,
}

impl Board {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn wait(&self, test: &str) -> Result<(), Failed> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |s: &mut State| s.ended.is_none() && !s.verdicts.contains_key(test);
        let state = self.changed.wait_while(state, waiting);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        match (state.verdicts.remove(test), &state.ended) {
            (Some(verdict), _) => verdict.failure.map_or(Ok(()), |f| Err(f.into())),
            (None, Some(why)) => Err(why.into()),
            (None, None) => Err("woken for nothing".into()),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let (mut beside, mut alone) = (Vec::new(), Vec::new());
    for plan in PLANS {
        let shown = |name: &str| format!("{}::{name}", plan.name);
        let board = Arc::new(Board::default());
        let names: Vec<&'static str> = plan.tests.iter().map(|t| t.name).collect();
        let wanted: Vec<&'static str> = names
            .iter()
            .copied()
            .filter(|name| is_wanted(&arguments, &shown(name)))
            .collect();
        for name in names {
            let board = Arc::clone(&board);
            trials.push(Trial::test(shown(name), move || board.wait(name)));
        }
        if !arguments.list && !wanted.is_empty() {
            let guest = move || {
                // Its tests wait for an end, however it comes.
                let over = || board_of(plan, &wanted, &board);
                if catch_unwind(AssertUnwindSafe(over)).is_err() {
                    board.change(|s| s.ended = Some("its thread panicked".to_owned()));
                }
            };
            match plan.alone {
                true => alone.push(guest),
                false => beside.push(guest),
            }
        }
    }
    let guests = thread::spawn(move || {
        run(beside, at_once());
        run(alone, 1);
    });
    let conclusion = libtest_mimic::run(&arguments, trials);
    // A guest that has failed has said so, and is gone when this program is.
    let _ = guests.join();
    conclusion.exit_code()
}

/// Guests wait for their disks, links and deadlines while others compute, so there are more of them than processors;
/// with all of them at once, each would be so slow that what is waited for in it does not come in time.
fn at_once() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs guests in the order given, so many at a time.
fn run(guests: Vec<impl FnOnce() + Send>, at_once: usize) {
    let guests = Mutex::new(guests.into_iter());
    let next = || {
        let mut guests = guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.next()
    };
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(guest) = next() {
                    guest();
                }
            });
        }
    });
}

/// As libtest-mimic itself will decide.
fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    let hit = |filter: &String| match arguments.exact {
        true => name == filter,
        false => name.contains(filter.as_str()),
    };
    arguments.filter.iter().all(hit) && !arguments.skip.iter().any(hit)
}

/// Runs a plan's guest to its end and pins each verdict to the board.
fn board_of(plan: &Plan, names: &[&str], board: &Board) {
    let ended = hear(plan, names, board);
    board.change(|s| s.ended = Some(ended));
}

/// Says why no further verdict will come.
fn hear(plan: &Plan, names: &[&str], board: &Board) -> String {
    let plugins = fairway_lab::plugin_dir();
    let programs = fairway_lab::bin_dir();
    for (dir, name, variable) in [
        (&plugins, "bridge", "FAIRWAY_CNI_DIR"),
        (&programs, "fairwayd", "FAIRWAY_BIN_DIR"),
    ] {
        if !dir.join(name).exists() {
            let dir = dir.display();
            return format!("no {name} in {dir}: run `cargo xtask dist`, or set {variable}");
        }
    }
    let mut command = vec![env!("CARGO_BIN_EXE_guest-tests"), plan.name];
    command.extend(names);
    let tests = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let mut guest = (plan.guest)();
    for (name, dir) in [
        ("FAIRWAY_CNI_DIR", plugins),
        ("FAIRWAY_BIN_DIR", programs),
        ("FAIRWAY_REFERENCE_DIR", fairway_lab::reference_dir()),
    ] {
        guest = guest.env(name, &dir.to_string_lossy());
    }
    let mut on_line = |line: &str| match serde_json::from_str::<Verdict>(line) {
        Ok(verdict) => {
            eprintln!(
                "guest {}: {} {} ms",
                plan.name, verdict.test, verdict.millis
            );
            board.change(|s| drop(s.verdicts.insert(verdict.test.clone(), verdict)));
        }
        Err(_) => eprintln!("guest {}: {line}", plan.name),
    };
    let deadline = BOOT_DEADLINE + plan.limit * tests;
    match guest.run(&command, deadline, &mut on_line) {
        Ok(outcome) => {
            eprintln!(
                "guest {}: booted in {:.1?}, all in {:.1?}",
                plan.name, outcome.boot, outcome.total
            );
            format!(
                "the guest ended (status {}) without a verdict on this test",
                outcome.status
            )
        }
        Err(error) => error.to_string(),
    }
}
