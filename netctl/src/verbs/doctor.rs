//! `netctl doctor`: what the daemon finds, and what is in this machine's folders.

use crate::{
    attach,
    document::{Answer, Job},
    files,
    sheet::{Cell, Sheet, Tone},
};
use clap::Args;
use fairway_api::{Method, admin::Doctor};
use std::{env, path::PathBuf};

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The runtimes' folder of configurations
    #[arg(
        long,
        env = "NETCONFPATH",
        value_name = "FOLDER",
        default_value = "/etc/cni/net.d",
        hide_env_values = true
    )]
    conf_dir: PathBuf,
    /// Where plugins are, with colons between [default: /opt/cni/bin:/usr/lib/cni:/usr/libexec/cni]
    #[arg(
        long = "plugin-path",
        env = "CNI_PATH",
        value_name = "FOLDERS",
        hide_env_values = true
    )]
    plugins: Option<String>,
    /// Where it is kept what was attached by hand [default: /var/lib/cni/fairway-attach]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

impl DoctorArgs {
    /// Whether this node's containers are reached, and what is in the way. Not to be watched: each time every node
    /// is asked.
    pub(crate) fn job(&self) -> Job {
        let places = files::Places {
            plugins: attach::plugins(self.plugins.as_deref()),
            configurations: self.conf_dir.clone(),
            attached: attach::state(self.state.as_deref()),
        };
        Job::asking(Method::Doctor, move |client, method, progress| {
            let mut found: Doctor = client.call_with(method, progress)?;
            let own = env!("CARGO_PKG_VERSION");
            let daemon = found.daemon.as_deref().unwrap_or(own);
            let checks = files::look(&places, daemon);
            found.checks.extend(checks);
            Ok(found)
        })
    }
}

impl Answer for Doctor {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["CHECK", "STATE", "FOUND"], "");
        for check in &self.checks {
            sheet.row([
                Cell::from(&check.name),
                Cell::from(&check.state).tone(match check.state.as_str() {
                    "ok" => Tone::Good,
                    "warning" => Tone::Mind,
                    _ => Tone::Bad,
                }),
                match &check.remedy {
                    Some(remedy) => Cell::from(format!("{}\nremedy: {remedy}", check.text)),
                    None => Cell::from(&check.text),
                },
            ]);
        }
        sheet.note(format!("looked from: node {}", self.node));
        sheet
    }

    /// 1 where a check failed.
    fn status(&self) -> u8 {
        u8::from(self.checks.iter().any(|check| check.state == "failed"))
    }
}
