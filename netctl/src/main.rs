//! The administrator's command line.
//!
//! It turns a command into one request to the daemon and the answer into a table or a document; it knows
//! nothing of addresses itself, so that what the daemon says is what is. Exit status: 0 done, 1 refused,
//! failed, or something does not hold (`ipam check`, `conf check`, `doctor`) or is not there (`endpoint show`); 2 usage; 3 the daemon is not
//! there.

mod args;
mod args_attach;
mod args_bgp;
mod args_policy;
mod args_rate;
mod attach;
mod cli;
mod clock;
mod conf;
mod conformance;
mod document;
mod error;
mod files;
mod follow;
mod manifest;
mod manual;
mod output;
mod progress;
mod sheet;
mod terminal;
mod top;
mod verbs;
mod watch;

use clap::Parser;
use cli::{Cli, Noun};
use document::Note;
use error::NetctlError;
use fairway_conformance::stand_in;
use output::Format;
use std::{
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    // The conformance suite gives plugins an IPAM plugin that is this very program by another name.
    if stand_in::is_called() {
        return ExitCode::from(stand_in::answer());
    }
    let cli = Cli::parse();
    match run(&cli) {
        Ok(status) => ExitCode::from(status),
        Err(NetctlError::Usage(error)) => error.exit(),
        // Whoever reads has seen enough (`netctl … | head`).
        Err(NetctlError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Where nobody hears it, the status still tells.
            let _ = writeln!(io::stderr(), "{}", error.shown());
            ExitCode::from(error.status())
        }
    }
}

/// Does what was asked for; the exit status.
fn run(cli: &Cli) -> Result<u8, NetctlError> {
    let job = match &cli.noun {
        Noun::Completions { shell } => {
            cli::completions(*shell, &mut io::stdout())?;
            return Ok(0);
        }
        Noun::Man { folder } => {
            manual::write(folder)?;
            return Ok(0);
        }
        Noun::Conformance(conformance) => return show(conformance.run()?.as_ref(), cli),
        Noun::Conf { verb } => return show(&verb.run(), cli),
        Noun::Attach(_) | Noun::Detach(_) if cli.watch => {
            return Err(cli::usage("--watch: attach and detach change something"));
        }
        Noun::Attach(args) => return attach::attach(args, &cli.socket(), cli.output),
        Noun::Detach(args) => return attach::detach(args, &cli.socket(), cli.output),
        Noun::Top => return top::top(&cli.socket(), cli.output, cli.watch),
        Noun::Status => verbs::status(),
        Noun::Doctor(doctor) => doctor.job(),
        Noun::Flows(flows) if flows.follow => {
            if cli.watch {
                return Err(cli::usage("--watch: --follow goes on by itself"));
            }
            return follow::follow(flows.drops, &cli.socket(), cli.output);
        }
        Noun::Flows(flows) => flows.job(),
        Noun::Apply(apply) => apply.job()?,
        Noun::Get(get) => get.job()?,
        Noun::Delete(delete) => delete.job()?,
        Noun::Policy { verb } => verb.job()?,
        Noun::Rate { verb } => verb.job()?,
        Noun::Bgp { verb } => verb.job()?,
        Noun::Pool { verb } => verb.job()?,
        Noun::Network { verb } => verb.job()?,
        Noun::Route { verb } => verb.job(),
        Noun::Endpoint { verb } => verb.job(),
        Noun::Ipam { verb } => verb.job(),
        Noun::Claim { verb } => verb.job()?,
        Noun::Node { verb } => verb.job(),
    };
    if cli.watch {
        if !job.watchable {
            return Err(cli::usage(
                "--watch goes with what only looks: status, get, ls, show, why, explain, audit, history, check, peers, neighbor, routes; flows has --follow",
            ));
        }
        return watch::watch(&job, &cli.socket(), cli.output);
    }
    let mut client = watch::connect(&cli.socket())?;
    let mut meter = progress::Meter::on_stderr();
    let answer = job.ask(&mut client, &mut |progress| meter.show(progress));
    meter.end();
    let answer = answer?;
    let screen = terminal::Screen::of_stdout();
    let document = output::document(answer.as_ref(), cli.output, &screen)?;
    let text = match (&cli.output, &job.note) {
        (Format::Table, Note::Below(note)) => format!("{document}{note}\n"),
        (Format::Table, Note::Instead(note)) => format!("{note}\n"),
        _ => document,
    };
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(NetctlError::Output)?;
    Ok(answer.status())
}

/// Prints an answer that no daemon was asked for; the exit status.
fn show(answer: &dyn document::Document, cli: &Cli) -> Result<u8, NetctlError> {
    if cli.watch {
        return Err(cli::usage(
            "--watch: nobody but the daemon tells of changes",
        ));
    }
    let screen = terminal::Screen::of_stdout();
    let document = output::document(answer, cli.output, &screen)?;
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(document.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(NetctlError::Output)?;
    Ok(answer.status())
}
