//! The command line.

use clap::{Args, Parser, Subcommand};
use fairway_install::keep::{Conf, Plan};
use fairway_install::{ConfName, InstallError, PluginType, plugins};
use std::path::PathBuf;

/// Puts the plugins and a configuration on a node, and takes them away again.
///
/// A call that is killed at any point is put right by the next one. Exit status: 0 done, 1 refused or failed, 2 usage.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts the plugins into a folder; what others had there under their names is kept aside
    Plugins {
        #[command(flatten)]
        plugins: PluginArgs,
    },
    /// Puts plugins and a configuration where a runtime looks, the configuration once the plugins say they are ready
    Conflist(OnceArgs),
    /// As `conflist`, and sees to it that both stay, until SIGTERM; then all is left in place
    Keep {
        #[command(flatten)]
        plan: PlanArgs,
        /// Seconds between two looks
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
        every: u64,
    },
    /// Is all of it there?
    Check {
        #[command(flatten)]
        plan: PlanArgs,
    },
    /// Takes away what was put there, and puts back what was there before
    Remove {
        /// The folder of configurations
        #[arg(long, value_name = "DIR")]
        conflists: Option<PathBuf>,
        /// The folder of plugins
        #[arg(long, value_name = "DIR", required_unless_present = "conflists")]
        plugins: Option<PathBuf>,
        /// Wait for SIGTERM afterwards, as a container has to whose work is done
        #[arg(long)]
        stay: bool,
    },
    /// Writes the man pages
    #[command(hide = true)]
    Man {
        /// The folder that they go into
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    /// The folder where the runtime looks for plugins, such as /opt/cni/bin
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// The binary
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/lib/fairway/cni/fairway-cni"
    )]
    from: PathBuf,
    /// Only these types, with commas between [default: all]
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    types: Option<Vec<PluginType>>,
}

impl PluginArgs {
    pub(crate) fn wanted(&self) -> Result<plugins::Wanted, InstallError> {
        plugins::Wanted::of(&self.from, self.types.as_deref())
    }
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    plugins: PluginArgs,
    /// The configuration, a list or a single one; none: plugins alone
    #[arg(long, value_name = "FILE", requires = "conflists")]
    conflist: Option<PathBuf>,
    /// The folder where the runtime looks for configurations, such as /etc/cni/net.d
    #[arg(long, value_name = "DIR", requires = "conflist")]
    conflists: Option<PathBuf>,
    /// What the configuration is called there
    #[arg(long, default_value = "00-fairway.conflist")]
    name: ConfName,
    /// Other configurations may come before this one
    #[arg(long)]
    not_first: bool,
}

impl PlanArgs {
    pub(crate) fn plan(self) -> Plan {
        let conf = self.conflist.zip(self.conflists);
        let (name, not_first) = (self.name, self.not_first);
        Plan {
            binary: self.plugins.from,
            types: self.plugins.types,
            plugins: self.plugins.to,
            conf: conf.map(|(file, folder)| Conf {
                file,
                name,
                folder,
                not_first,
            }),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct OnceArgs {
    #[command(flatten)]
    plan: PlanArgs,
    /// For how many seconds the plugins may be not ready yet
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3600))]
    wait: u64,
}

impl OnceArgs {
    pub(crate) fn plan(self) -> (u64, Plan) {
        (self.wait, self.plan.plan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("fairway-install plugins --to /opt/cni/bin --types bridge,ptp").is_ok());
        for bad in [
            "fairway-install plugins",
            "fairway-install plugins --to /x --types ../y",
            "fairway-install remove",
            "fairway-install conflist --to /x --conflist /c",
            "fairway-install keep --to /x --conflist /c --conflists /d --name c.json",
            "fairway-install keep --to /x --every 0",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
