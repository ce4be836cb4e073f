//! `netctl bgp`: this node's neighbours, what they told and are told, and `BgpPeer` objects in short.

use crate::{
    args::Cidr,
    args_bgp::AsnArg,
    cli::usage,
    document::{Job, Note},
    error::NetctlError,
};
use clap::{Args, Subcommand};
use fairway_api::{
    Client, ClientError, ErrorBody, Method, Nothing,
    admin::{
        Applied, BgpNeighbor, BgpNeighborGet, BgpPeers, BgpReset, BgpRoute, BgpRouteList,
        ObjectApply, ObjectList, ObjectRef,
    },
};
use serde_json::{Value, json};
use std::net::IpAddr;

const VERSION: &str = "fairway.network/v1alpha1";
const KIND: &str = "BgpPeer";
/// CNI's code for what is refused as it stands.
const REFUSED: u32 = 7;

#[derive(Debug, Subcommand)]
pub(crate) enum BgpVerb {
    /// List this node's neighbours, and how their sessions stand
    Peers,
    /// A neighbour of this node, whole; or add one, or remove it
    Neighbor(Neighbor),
    /// List routes as BGP has them on this node, and why each is used or is not
    Routes {
        /// Of this prefix only: all paths to it
        prefix: Option<Cidr>,
        /// Those that this neighbour told, as it told them
        #[arg(long, value_name = "ADDRESS", conflicts_with = "advertised")]
        received: Option<IpAddr>,
        /// Those that this neighbour was told
        #[arg(long, value_name = "ADDRESS")]
        advertised: Option<IpAddr>,
    },
    /// End the session with a neighbour of this node; it begins anew
    Reset {
        /// The neighbour's
        address: IpAddr,
        /// The session stays: its routes are asked for once more, and it is told all once more
        #[arg(long)]
        soft: bool,
    },
}

#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Neighbor {
    /// Whose session: as with `show`
    #[arg(required = true)]
    address: Option<IpAddr>,
    #[command(subcommand)]
    verb: Option<NeighborVerb>,
}

#[derive(Debug, Subcommand)]
enum NeighborVerb {
    /// Show all of a neighbour of this node
    Show {
        /// Which
        address: IpAddr,
    },
    /// Make a BgpPeer object, of all nodes; `apply` is for all that such an object can say
    Add(Add),
    /// Delete a BgpPeer object: the session ends on all nodes
    Rm {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The object's name
    name: String,
    /// Where the neighbour is
    #[arg(long)]
    address: IpAddr,
    /// Of which AS it has to be: a number, `internal` (the node's own) or `external` (any other)
    #[arg(long = "as", value_name = "N|internal|external")]
    asn: AsnArg,
    /// Take all that it tells and tell it all, also what other neighbours told; but for default routes.
    /// Without it, one of another AS gives nothing and gets nothing before it has rules
    #[arg(long)]
    accept_all: bool,
}

impl BgpVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        Ok(match self {
            BgpVerb::Peers => Job::new::<BgpPeers>(Method::BgpPeers).watchable(),
            BgpVerb::Neighbor(neighbor) => return neighbor.job(),
            BgpVerb::Routes {
                prefix,
                received,
                advertised,
            } => {
                let prefix = prefix.map(|prefix| prefix.to_string());
                let (received, advertised) = (*received, *advertised);
                let list = BgpRouteList {
                    prefix,
                    received,
                    advertised,
                };
                Job::list::<BgpRoute>(Method::BgpRoutes(list)).watchable()
            }
            BgpVerb::Reset { address, soft } => {
                let (address, soft) = (*address, *soft);
                let note = match soft {
                    true => format!(
                        "the routes of {address} are asked for once more, and it is told all once more"
                    ),
                    false => format!("the session with {address} ends and begins anew"),
                };
                Job::new::<Nothing>(Method::BgpReset(BgpReset { address, soft }))
                    .note(Note::Instead(note))
            }
        })
    }
}

impl Neighbor {
    fn job(&self) -> Result<Job, NetctlError> {
        let show = |address: IpAddr| {
            let get = BgpNeighborGet { address };
            Job::new::<BgpNeighbor>(Method::BgpNeighbor(get)).watchable()
        };
        match (&self.address, &self.verb) {
            (Some(address), None) | (None, Some(NeighborVerb::Show { address })) => {
                Ok(show(*address))
            }
            (None, Some(NeighborVerb::Add(add))) => Ok(add.job()),
            (None, Some(NeighborVerb::Rm { name })) => {
                Ok(Job::new::<Applied>(Method::ObjectRemove(ObjectRef {
                    kind: KIND.to_owned(),
                    namespace: None,
                    name: name.clone(),
                })))
            }
            (Some(address), Some(_)) => Err(usage(&format!(
                "bgp neighbor: {address} stands before a verb"
            ))),
            (None, None) => Err(usage("bgp neighbor: no ADDRESS was given")),
        }
    }
}

impl Add {
    fn job(&self) -> Job {
        let objects = vec![self.object()];
        let name = self.name.clone();
        Job::asking(
            Method::ObjectApply(ObjectApply { objects }),
            move |client, method, progress| {
                not_there(client, &name)?;
                client.list::<Applied>(method, progress)
            },
        )
    }

    fn object(&self) -> Value {
        let mut spec = json!({"address": self.address, "asn": self.asn.field()});
        if self.accept_all {
            let all = json!({"rules": [], "default": "Accept"});
            spec["import"] = all.clone();
            spec["export"] = all;
        }
        let name = &self.name;
        json!({"apiVersion": VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec})
    }
}

/// An object of that name would lose its rules: `add` says less than it may hold.
fn not_there(client: &mut Client, name: &str) -> Result<(), ClientError> {
    let all = ObjectList {
        kind: KIND.to_owned(),
        namespace: None,
        name: None,
    };
    let all: Vec<Value> = client.list(Method::ObjectList(all), |_| {})?;
    let named = |object: &Value| {
        let named = object.pointer("/metadata/name");
        named.and_then(Value::as_str) == Some(name)
    };
    match all.iter().any(named) {
        true => Err(ClientError::Refused(ErrorBody {
            code: REFUSED,
            message: format!(
                "{KIND} {name}: there is one already; netctl apply -f FILE changes it, netctl bgp neighbor rm {name} deletes it"
            ),
            details: String::new(),
        })),
        false => Ok(()),
    }
}
