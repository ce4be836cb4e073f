//! The command line's grammar: said once; help, completions and usage errors come from it.

use crate::{
    args_attach::{AttachArgs, DetachArgs},
    conf::ConfVerb,
    conformance::Conformance,
    error::NetctlError,
    output::Format,
    verbs::{
        Apply, BgpVerb, ClaimVerb, Delete, DoctorArgs, EndpointVerb, FlowsArgs, Get, IpamVerb,
        NetworkVerb, NodeVerb, PolicyVerb, PoolVerb, RateVerb, RouteVerb,
    },
};
use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use clap_complete::Shell;
use std::{io::Write, path::PathBuf};

/// Below the options of the verb itself.
const ALL: &str = "For all verbs";

/// Asks and tells fairwayd.
///
/// Exit status: 0 done, 1 refused or failed, 2 usage, 3 the daemon is not there.
#[derive(Debug, Parser)]
#[command(name = "netctl", version)]
pub(crate) struct Cli {
    /// Where fairwayd listens [default: $FAIRWAY_SOCKET, else /run/fairway/fairwayd.sock]
    #[arg(long, global = true, value_name = "PATH", help_heading = ALL)]
    socket: Option<PathBuf>,
    /// How the answer is written
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, help_heading = ALL)]
    pub(crate) output: Format,
    /// Show it again whenever it changes, until interrupted (what only looks: status, top, get, ls, show, why, explain, audit, history, check, peers, neighbor, routes)
    #[arg(short, long, global = true, help_heading = ALL)]
    pub(crate) watch: bool,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// The daemon about itself
    Status,
    /// Prove that this node's containers are reached, look at what they rest on, and say how to mend what is not so;
    /// status 1 where a check failed
    Doctor(DoctorArgs),
    /// Containers by traffic, drops, pools, BGP and problems of this node, live; without a terminal a document of one
    /// second
    Top,
    /// Put objects (policies, limits, BGP, pools, networks, claims, namespaces, pods) in place of those of the same names; all are judged before
    /// the first is written
    Apply(Apply),
    /// Show objects as they were applied
    Get(Get),
    /// Delete an object
    Delete(Delete),
    /// Who may talk with whom
    Policy {
        #[command(subcommand)]
        verb: PolicyVerb,
    },
    /// How much containers may send and get
    Rate {
        #[command(subcommand)]
        verb: RateVerb,
    },
    /// What this node tells other routers, and what they tell it
    Bgp {
        #[command(subcommand)]
        verb: BgpVerb,
    },
    /// What became of packets: drops, and new flows
    Flows(FlowsArgs),
    /// Where addresses come from
    Pool {
        #[command(subcommand)]
        verb: PoolVerb,
    },
    /// Tenants: pools whose containers reach each other on all nodes
    Network {
        #[command(subcommand)]
        verb: NetworkVerb,
    },
    /// This node's routes
    Route {
        #[command(subcommand)]
        verb: RouteVerb,
    },
    /// This node's containers that are in networks
    Endpoint {
        #[command(subcommand)]
        verb: EndpointVerb,
    },
    /// Addresses
    Ipam {
        #[command(subcommand)]
        verb: IpamVerb,
    },
    /// Addresses that are kept for a workload
    Claim {
        #[command(subcommand)]
        verb: ClaimVerb,
    },
    /// The machines
    Node {
        #[command(subcommand)]
        verb: NodeVerb,
    },
    /// Whether CNI plugins, of any vendor, do what the specification says; status 1 where one does not do all that it
    /// must
    Conformance(Conformance),
    /// CNI configurations
    Conf {
        #[command(subcommand)]
        verb: ConfVerb,
    },
    /// Attach a container that runs to one more network
    Attach(AttachArgs),
    /// Detach it again; done, too, where nothing is attached
    Detach(DetachArgs),
    /// A script that completes netctl's commands: `netctl completions bash > FILE`
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Write the man pages, one for each verb
    #[command(hide = true)]
    Man {
        /// Into this folder
        folder: PathBuf,
    },
}

impl Cli {
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(fairway_api::socket_path)
    }
}

/// What the grammar cannot say, in its form: status 2.
pub(crate) fn usage(message: &str) -> NetctlError {
    NetctlError::Usage(Cli::command().error(ErrorKind::ArgumentConflict, message))
}

pub(crate) fn completions(shell: Shell, to: &mut impl Write) -> Result<(), NetctlError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "netctl", &mut script);
    to.write_all(&script).map_err(NetctlError::Output)
}

#[cfg(test)]
mod pages;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_shell_gets_a_script() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::Elvish,
            Shell::PowerShell,
        ] {
            let mut script = Vec::new();
            completions(shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("drain") && script.contains("claims-only"));
        }
    }

    /// Each verb by its words, with its options.
    fn verbs(command: &clap::Command, words: &str, found: &mut Vec<(String, Vec<String>)>) {
        for verb in command.get_subcommands() {
            let words = format!("{words} {}", verb.get_name());
            let words = words.trim_start();
            match verb.has_subcommands() {
                true => verbs(verb, words, found),
                false => {
                    let options = verb.get_arguments().filter_map(|arg| arg.get_long());
                    let options = options.map(|long| format!("--{long}")).collect();
                    found.push((words.to_owned(), options));
                }
            }
        }
    }

    #[test]
    fn the_page_tells_of_each_verb_and_option() {
        let page = include_str!("../../docs/netctl.md");
        let mut found = Vec::new();
        verbs(&Cli::command(), "", &mut found);
        assert!(found.len() >= 25);
        for (words, options) in found {
            assert!(page.contains(&words), "docs/netctl.md: {words}");
            for option in options {
                assert!(page.contains(&option), "docs/netctl.md: {words} {option}");
            }
        }
    }
}
