//! Commands that pages show are commands that there are: verbs and options go, and pages are forgotten.

use super::Cli;
use clap::{Parser as _, error::ErrorKind};
use fairway_lab::page;
use std::fs;

/// What stands for something else: such a piece is no command to type.
const HOLES: [char; 8] = ['|', '[', ']', '…', '<', '$', '{', '}'];

/// Words as a shell makes them, as far as pages need it: `'…'` holds one together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, piece) in command.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

/// Lines that are shown as typed, and pieces of sentences.
fn commands(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut typed, mut named) = (Vec::new(), Vec::new());
    let mut fence = None;
    let mut sentence = |line| {
        let pieces = str::split(line, '`').skip(1).step_by(2);
        named.extend(pieces.filter(|piece| piece.starts_with("netctl ")));
    };
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(sort), None) => fence = Some(sort),
            (Some(_), Some(_)) => fence = None,
            (None, Some("console")) => {
                let prompt = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "));
                typed.extend(prompt.filter(|line| line.starts_with("netctl ")));
            }
            (None, Some(_)) => {}
            (None, None) => sentence(line),
        }
    }
    (typed, named)
}

/// What is wrong with a command; one in a sentence may leave out what is not its point.
fn wrong(command: &str, whole: bool) -> Option<String> {
    let command = command.split(" > ").next().unwrap_or(command);
    let error = Cli::try_parse_from(words(command)).err()?;
    let incomplete = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::InvalidValue
            | ErrorKind::ValueValidation
    );
    (whole || !incomplete).then(|| format!("{command}: {error}"))
}

#[test]
fn commands_of_pages_are_commands() {
    let (mut found, mut count) = (Vec::new(), 0);
    for path in page::all().unwrap() {
        let text = fs::read_to_string(&path).unwrap();
        let (typed, named) = commands(&text);
        let typed = typed.into_iter().map(|command| (command, true));
        let named = named.into_iter().map(|command| (command, false));
        for (command, whole) in typed.chain(named) {
            if command.contains(HOLES) {
                continue;
            }
            count += 1;
            let wrong = wrong(command, whole);
            found.extend(wrong.map(|text| format!("{}: {text}", path.display())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(count > 100, "only {count} commands");
}

#[test]
fn what_is_no_command_is_told() {
    assert_eq!(wrong("netctl ipam check --fix", true), None);
    assert_eq!(wrong("netctl claim rm --app", false), None);
    assert!(wrong("netctl claim rm --app", true).is_some());
    for command in [
        "netctl ipam chek",
        "netctl node rm n1 --now",
        "netctl pol ls",
    ] {
        assert!(wrong(command, false).is_some(), "{command}");
    }
    let text = "a `netctl top` b\n```console\n$ netctl status\n# ip link\n```\n```sh\nnetctl x\n```\n`netctl y`";
    assert_eq!(
        commands(text),
        (vec!["netctl status"], vec!["netctl top", "netctl y"])
    );
}
