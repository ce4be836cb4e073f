//! `fairwayd`: reads its settings, runs, and ends by a signal.

use clap::{CommandFactory, Parser};
use fairwayd::{Config, Error, Running, code::Coded as _, config::Flags, log, watchdog::Watchdog};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

fn main() -> ExitCode {
    let flags = Flags::parse();
    if flags.man {
        return man();
    }
    // What it writes is root's alone, also in a folder that somebody else has made for all to look into.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let cleanup = flags.cleanup;
    let config = match Config::read(flags) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("fairwayd: {error}");
            return ExitCode::from(2);
        }
    };
    log::start(config.log, std::env::var("RUST_LOG").ok().as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let done = runtime
        .map_err(|source| Error::System {
            what: "runtime",
            source,
        })
        .and_then(|runtime| {
            let done = runtime.block_on(async {
                match cleanup {
                    true => fairwayd::cleanup(config).await,
                    false => run(config).await,
                }
            });
            // A call of the kernel that hangs must not keep it from ending.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            done
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(code = error.number(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// The man page, of the flags' own words.
fn man() -> ExitCode {
    let man = clap_mangen::Man::new(Flags::command())
        .section("8")
        .manual("Fairway")
        .source(format!("fairway {}", env!("CARGO_PKG_VERSION")));
    match man.render(&mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fairwayd: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), Error> {
    let signal = |kind| {
        signal(kind).map_err(|source| Error::System {
            what: "signals",
            source,
        })
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut asked = std::pin::pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let socket = config.socket.clone();
    let mut running = tokio::select! {
        running = Running::start(config) => running?,
        () = &mut asked => return Ok(()),
    };
    told(sd_notify::NotifyState::Ready);
    let watchdog = Watchdog::start(&socket).map_err(|source| Error::System {
        what: "thread",
        source,
    })?;
    let ended = tokio::select! {
        () = &mut asked => Ok(()),
        error = running.failed() => Err(error),
    };
    drop(watchdog);
    told(sd_notify::NotifyState::Stopping);
    info!("stopping; containers keep their addresses");
    running.stop().await;
    ended
}

/// Tells systemd, where it has started us.
fn told(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        warn!(code = error.number(), "systemd cannot be told: {error}");
    }
}
