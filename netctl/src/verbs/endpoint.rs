//! `netctl endpoint`: the containers of this node's networks, as routes see them; and those that did not come up.

use super::{lines, short};
use crate::{
    clock,
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
};
use clap::{Subcommand, builder::NonEmptyStringValueParser};
use fairway_api::{Method, call::FailedCall, endpoint::Endpoint};
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(crate) enum EndpointVerb {
    /// List this node's containers that are in networks
    Ls,
    /// One of them; status 1 where there is none
    Show {
        /// Its id, or how that begins
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        container: String,
    },
    /// List the last calls of plugins that failed on this node
    Failed,
}

/// All interfaces of the containers that were meant.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(Vec<Endpoint>);

impl EndpointVerb {
    pub(crate) fn job(&self) -> Job {
        match self {
            EndpointVerb::Ls => Job::list::<Endpoint>(Method::EndpointList).watchable(),
            EndpointVerb::Show { container } => {
                let container = container.clone();
                let narrow = move |all| Shown(meant(all, &container));
                Job::listed(Method::EndpointList, narrow).watchable()
            }
            EndpointVerb::Failed => Job::list::<FailedCall>(Method::CallList).watchable(),
        }
    }
}

/// Those of the container of that id; else those whose ids begin so.
fn meant(all: Vec<Endpoint>, id: &str) -> Vec<Endpoint> {
    let whole = all.iter().any(|one| one.attachment.container == id);
    let fits = |one: &Endpoint| match whole {
        true => one.attachment.container == id,
        false => one.attachment.container.starts_with(id),
    };
    all.into_iter().filter(fits).collect()
}

impl Answer for Vec<Endpoint> {
    fn sheet(&self) -> Sheet {
        let heads = [
            "NETWORK",
            "CONTAINER",
            "INTERFACE",
            "LINK",
            "ADDRESS",
            "READY",
        ];
        let mut sheet = Sheet::new(&heads, "no containers of networks on this node");
        for one in self {
            sheet.row([
                Cell::from(&one.network),
                Cell::from(short(&one.attachment.container)),
                Cell::from(&one.attachment.ifname),
                Cell::from(&one.link),
                lines(&one.addresses),
                ready(one),
            ]);
        }
        sheet
    }
}

impl Answer for Shown {
    /// As the list, with all of the id, and the network of the CNI configuration.
    fn sheet(&self) -> Sheet {
        let heads = [
            "NETWORK",
            "CONTAINER",
            "CONFIGURATION",
            "INTERFACE",
            "LINK",
            "ADDRESS",
            "READY",
        ];
        let mut sheet = Sheet::new(&heads, "no such container in a network on this node");
        for one in &self.0 {
            sheet.row([
                Cell::from(&one.network),
                Cell::from(&one.attachment.container),
                Cell::from(&one.attachment.network),
                Cell::from(&one.attachment.ifname),
                Cell::from(&one.link),
                lines(&one.addresses),
                ready(one),
            ]);
        }
        sheet
    }

    /// 1 where there is none.
    fn status(&self) -> u8 {
        u8::from(self.0.is_empty())
    }
}

impl Answer for Vec<FailedCall> {
    /// The whole trace: it is what the log is searched for.
    fn sheet(&self) -> Sheet {
        let heads = [
            "AT",
            "VERB",
            "PLUGIN",
            "CONTAINER",
            "INTERFACE",
            "CODE",
            "MESSAGE",
            "REQUEST",
        ];
        let mut sheet = Sheet::new(
            &heads,
            "no call has failed on this node since fairwayd began",
        );
        for one in self {
            let of = one.attachment.as_ref();
            sheet.row([
                Cell::from(clock::utc_second(one.at)),
                Cell::from(&one.verb),
                Cell::from(one.plugin.as_deref().unwrap_or_default()),
                Cell::from(of.map_or_else(String::new, |of| short(&of.container))),
                Cell::from(of.map_or("", |of| of.ifname.as_str())),
                Cell::from(one.code.to_string()),
                Cell::from(&one.message),
                Cell::from(one.trace.as_deref().unwrap_or_default()),
            ]);
        }
        sheet
    }
}

fn ready(endpoint: &Endpoint) -> Cell {
    match endpoint.ready {
        true => Cell::from("yes").tone(Tone::Good),
        false => Cell::from("NO").tone(Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::ipam::Attachment;

    #[test]
    fn a_whole_id_goes_before_the_beginnings_of_others() {
        let of = |container: &str, ifname: &str| Endpoint {
            attachment: Attachment {
                network: "net".to_owned(),
                container: container.to_owned(),
                ifname: ifname.to_owned(),
            },
            network: "blue".to_owned(),
            link: "l".to_owned(),
            addresses: Vec::new(),
            ready: true,
        };
        let all = [of("ab", "eth0"), of("ab", "eth1"), of("abc", "eth0")];
        for (id, many) in [("ab", 2), ("a", 3), ("abc", 1), ("b", 0), ("abcd", 0)] {
            assert_eq!(meant(all.to_vec(), id).len(), many, "{id}");
        }
    }
}
