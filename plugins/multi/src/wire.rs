//! One interface of a container: the network that it leads to, and the verbs on that network's plugins.
//!
//! Plugins of a list are called as libcni calls them: ADD and CHECK forward, DEL in reverse, each with the result of
//! the one before (DEL and CHECK: with the whole list's), and with no more of `runtimeConfig` than it declares.

use crate::network::Network;
use fairway_cni::{
    Attachment, CniArgs, CniResult, Code, ContainerId, Context, Delegates, Detach, Failure,
    GcAttachments, IfName, NetConf, Sandbox, Version, delegate::Delegate,
};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// All that is needed to attach a container to a network, and to detach it later.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// The network, as it is for this container.
    pub network: Network,
    /// The interface in the container.
    pub ifname: IfName,
    /// How `network-status` calls it: `NAMESPACE/NAME`, or without a namespace where none is known.
    pub title: String,
    /// What its plugins may be told, by capability.
    pub runtime: Map<String, Value>,
    /// `CNI_ARGS`.
    pub args: String,
    /// Who asks for it, for errors.
    pub field: String,
    /// It has the default routes: by these gateways or, with none, by what its plugins say.
    pub default_route: Option<Vec<IpAddr>>,
}

/// Whose verbs they are.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// The plugins.
    pub(crate) delegates: &'a Delegates<'a>,
    /// The container.
    pub(crate) container: &'a ContainerId,
    /// `CNI_NETNS`; perhaps gone.
    pub(crate) netns: Option<&'a str>,
}

/// An ADD that came to nothing.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Why.
    pub(crate) failure: Failure,
    /// Is nothing left of it?
    pub(crate) is_undone: bool,
}

impl Wire {
    /// ADD. Where it fails, it is undone.
    pub(crate) fn add(&self, caller: Caller<'_>) -> Result<CniResult, Failed> {
        let sandbox = self.sandbox(caller);
        let mut prev = None;
        for index in 0..self.network.list().len() {
            let added = self.call(caller, index, prev.as_ref(), |plugin| plugin.add(&sandbox));
            match added {
                Ok(result) => prev = Some(result),
                Err(failure) => {
                    // What is attached already is not ours to detach.
                    let own = failure.code != Code::ALREADY_ATTACHED;
                    let left = self.del_first(caller, index + usize::from(own), None);
                    return Err(Failed {
                        is_undone: left.is_empty(),
                        failure: left.into_iter().fold(self.of(failure), |failure, error| {
                            failure.with_detail(format!("left behind: {error}"))
                        }),
                    });
                }
            }
        }
        Ok(prev.unwrap_or_default())
    }

    /// Is each plugin there? Where one is not, nothing could be undone either.
    pub(crate) fn must_be_there(&self, caller: Caller<'_>) -> Result<(), Failure> {
        let mut all = 0..self.network.list().len();
        all.try_for_each(|index| self.call(caller, index, None, |_| Ok(())))
            .map_err(|failure| self.of(failure))
    }

    /// DEL of each plugin in reverse, past errors.
    pub(crate) fn del(&self, caller: Caller<'_>, result: Option<&CniResult>) -> Vec<Failure> {
        // libcni hands a result over from that version on.
        let result = result.filter(|_| self.network.list().version >= Version::V0_4_0);
        self.del_first(caller, self.network.list().len(), result)
    }

    fn del_first(
        &self,
        caller: Caller<'_>,
        count: usize,
        result: Option<&CniResult>,
    ) -> Vec<Failure> {
        let detach = Detach {
            attachment: self.attachment(caller),
            netns: caller.netns.map(ToOwned::to_owned),
        };
        let deleted = |index| {
            self.call(caller, index, result, |plugin: &Delegate<'_>| {
                plugin.del(&detach)
            })
        };
        let failures = (0..count).rev().filter_map(|index| deleted(index).err());
        failures.map(|failure| self.of(failure)).collect()
    }

    /// CHECK of each plugin, up to the first difference; nothing where the network wants none.
    pub(crate) fn check(&self, caller: Caller<'_>, result: &CniResult) -> Result<(), Failure> {
        let list = self.network.list();
        if list.disable_check || list.version < Version::V0_4_0 {
            return Ok(());
        }
        let sandbox = self.sandbox(caller);
        (0..list.len()).try_for_each(|index| {
            let checked = self.call(caller, index, Some(result), |plugin| plugin.check(&sandbox));
            checked.map_err(|failure| self.of(failure))
        })
    }

    fn call<T>(
        &self,
        caller: Caller<'_>,
        index: usize,
        prev: Option<&CniResult>,
        verb: impl FnOnce(&Delegate<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let list = self.network.list();
        let prev = prev.map(|prev| prev.to_json(list.version));
        let conf = list.plugin(index, &self.runtime, prev);
        let args = CniArgs::parse_leniently(&self.args);
        call(caller.delegates, conf.as_ref(), &args, verb)
    }

    fn attachment(&self, caller: Caller<'_>) -> Attachment {
        Attachment {
            container_id: caller.container.clone(),
            ifname: self.ifname.clone(),
        }
    }

    fn sandbox(&self, caller: Caller<'_>) -> Sandbox {
        Sandbox {
            attachment: self.attachment(caller),
            netns: caller.netns.unwrap_or_default().to_owned(),
        }
    }

    /// Which network it was.
    fn of(&self, failure: Failure) -> Failure {
        let (name, ifname) = (self.network.name(), &self.ifname);
        Failure {
            msg: format!("network {name} at {ifname}: {}", failure.msg),
            ..failure
        }
    }
}

/// GC of each plugin of a network, past errors; nothing where it wants none, or has no such verb.
pub(crate) fn gc(
    network: &Network,
    delegates: &Delegates<'_>,
    valid: &[(ContainerId, IfName)],
) -> Vec<Failure> {
    let list = network.list();
    if list.disable_gc || list.version < Version::V1_1_0 {
        return Vec::new();
    }
    let listed: Value = valid
        .iter()
        .map(|(id, ifname)| json!({"containerID": id.as_str(), "ifname": ifname.as_str()}))
        .collect();
    let attachments: GcAttachments = valid.iter().cloned().collect();
    let lists = |conf: NetConf| {
        conf.with("cni.dev/valid-attachments", listed.clone())
            .with("cni.dev/attachments", listed.clone())
    };
    on_all(network, delegates, lists, |plugin| plugin.gc(&attachments))
}

/// STATUS of each plugin of a network. Those that have no such verb must be there.
pub(crate) fn status(network: &Network, delegates: &Delegates<'_>) -> Vec<Failure> {
    let asks = network.list().version >= Version::V1_1_0;
    on_all(
        network,
        delegates,
        |conf| conf,
        |plugin| match asks {
            true => plugin.status(),
            false => Ok(()),
        },
    )
}

/// Calls each plugin of a network, past errors, where there is no container.
fn on_all(
    network: &Network,
    delegates: &Delegates<'_>,
    change: impl Fn(NetConf) -> NetConf,
    verb: impl Fn(&Delegate<'_>) -> Result<(), Failure>,
) -> Vec<Failure> {
    let list = network.list();
    let called = |index| {
        let conf = list.plugin(index, &Map::new(), None).map(&change);
        call(delegates, conf.as_ref(), &CniArgs::default(), &verb)
    };
    let failures = (0..list.len()).filter_map(|index| called(index).err());
    let of = |failure: Failure| Failure {
        msg: format!("network {}: {}", network.name(), failure.msg),
        ..failure
    };
    failures.map(of).collect()
}

fn call<T>(
    delegates: &Delegates<'_>,
    conf: Option<&NetConf>,
    args: &CniArgs,
    verb: impl FnOnce(&Delegate<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(conf) = conf else {
        // Indices come from the list's own length.
        return Err(Failure::new(Code::INTERNAL, "a list has no such plugin"));
    };
    let context = Context {
        conf,
        args,
        delegates,
    };
    let kind = conf.root().require("type")?.text()?;
    verb(&delegates.find(kind, &context)?)
}
