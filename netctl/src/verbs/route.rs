//! `netctl route`: which way packets go on this node, and why.

use crate::{
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
};
use clap::Subcommand;
use fairway_api::{
    Method,
    admin::{Route, RouteExplained, RouteList, RouteWhy},
};
use std::net::IpAddr;

#[derive(Debug, Subcommand)]
pub(crate) enum RouteVerb {
    /// List this node's routes
    Ls {
        /// Of this network
        #[arg(long, value_name = "NAME")]
        network: Option<String>,
    },
    /// Which way an address goes, and why no other
    Why {
        /// Which
        address: IpAddr,
        /// For containers of this network [default: the network whose pool holds the address]
        #[arg(long, value_name = "NAME")]
        network: Option<String>,
    },
}

impl RouteVerb {
    pub(crate) fn job(&self) -> Job {
        let job = match self {
            RouteVerb::Ls { network } => {
                let network = network.clone();
                Job::list::<Route>(Method::RouteList(RouteList { network }))
            }
            RouteVerb::Why { address, network } => {
                let (address, network) = (*address, network.clone());
                Job::new::<RouteExplained>(Method::RouteWhy(RouteWhy { address, network }))
            }
        };
        job.watchable()
    }
}

impl Answer for Vec<Route> {
    fn sheet(&self) -> Sheet {
        let heads = ["NETWORK", "PREFIX", "WAY", "STATE", "SOURCE"];
        let mut sheet = Sheet::new(&heads, "no routes");
        for route in self {
            sheet.row([
                Cell::from(&route.network),
                Cell::from(&route.prefix),
                Cell::from(&route.forward),
                Cell::from(&route.state).tone(match route.state.as_str() {
                    "installed" => Tone::Good,
                    "pending" => Tone::Mind,
                    _ => Tone::Bad,
                }),
                Cell::from(&route.source),
            ]);
        }
        sheet
    }
}

impl Answer for RouteExplained {
    /// No table: what is taken, then each prefix with what could have been.
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        sheet.note(format!("network: {}", self.network));
        sheet.note(format!("address: {}", self.address));
        match &self.route {
            Some(route) => {
                sheet.note(format!("prefix:  {}", route.prefix));
                sheet.note(format!("way:     {}", route.forward));
                sheet.note(format!("state:   {}", state(&route.state)));
            }
            None => sheet.note("prefix:  none: this network has no route to it"),
        }
        for considered in &self.considered {
            sheet.note("");
            sheet.note(&considered.prefix);
            for candidate in &considered.candidates {
                let (source, verdict) = (&candidate.source, &candidate.verdict);
                sheet.note(format!("    {source}: {verdict}"));
            }
        }
        sheet
    }
}

/// A state, and what it means where it is not as it should be.
fn state(state: &str) -> String {
    match state {
        "pending" => "pending: the kernel does not have it yet".to_owned(),
        "conflict" => "conflict: somebody else's route is in its place".to_owned(),
        state => state.to_owned(),
    }
}
