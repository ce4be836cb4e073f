//! Calls about the node's containers: what a runtime of a release passes along, and what came of those that must succeed.

use super::{BRIDGE, Container, Stage, staged};
use crate::{
    Profile, Release,
    call::Call,
    check::{Because, Outcome},
    profile,
};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

impl Stage {
    /// The configuration; of a container, or of none.
    pub(crate) fn conf(&self, container: Option<&Container>, release: Release) -> Value {
        let scratch = self.lab.scratch().display().to_string();
        let number = container.map_or(0, |container| container.number);
        let conf = Value::Object(self.subject.conf.clone());
        let mut conf = profile::filled(&conf, number, &scratch);
        conf["cniVersion"] = json!(release.name());
        conf
    }

    /// A call about a container, as a runtime of that release makes it, without `prevResult`.
    pub(crate) fn bare_call(
        &self,
        verb: &str,
        container: &Container,
        release: Release,
    ) -> Call<'_> {
        Call::new(self, verb, self.conf(Some(container), release))
            .env("CNI_CONTAINERID", &container.id)
            .env("CNI_NETNS", &container.sandbox())
            .env("CNI_IFNAME", &container.ifname)
    }

    /// A call about no container.
    pub(crate) fn network_call(&self, verb: &str, release: Release) -> Call<'_> {
        Call::new(self, verb, self.conf(None, release))
    }

    /// An ADD about to be made.
    pub(crate) fn add_call(&self, container: &Container, release: Release) -> Outcome<Call<'_>> {
        let call = self.bare_call("ADD", container, release);
        match self.subject.profile {
            Profile::Chained => Ok(call.set("prevResult", self.staged_result(container, release)?)),
            Profile::Interface | Profile::Ipam => Ok(call),
        }
    }

    /// DEL or CHECK about to be made, with the result of the ADD where that release has it.
    pub(crate) fn call(
        &self,
        verb: &str,
        container: &Container,
        release: Release,
        added: &Value,
    ) -> Call<'_> {
        let call = self.bare_call(verb, container, release);
        match release >= Release::V0_4_0 || self.subject.profile == Profile::Chained {
            true => call.set("prevResult", added.clone()),
            false => call,
        }
    }

    /// ADD, which must succeed, and its result.
    pub(crate) fn add(&self, container: &Container, release: Release) -> Outcome<Value> {
        let result = self.add_call(container, release)?.run()?.result();
        match result {
            Ok(result) => {
                self.works.store(true, Ordering::Relaxed);
                Ok(result)
            }
            Err(Because::Wrong(why)) if !self.works.load(Ordering::Relaxed) => {
                Err(Because::Skipped(format!("no ADD succeeds: {why}")))
            }
            Err(because) => Err(because),
        }
    }

    /// DEL, which must succeed.
    pub(crate) fn del(&self, container: &Container, release: Release, added: &Value) -> Outcome {
        self.call("DEL", container, release, added).run()?.ok()
    }

    /// Brings the node to where containers come and go: one stays, another has come and gone.
    pub(crate) fn settled(&self, release: Release) -> Outcome {
        if self.resident.get().is_none() {
            let resident = self.container()?;
            self.add(&resident, release)?;
            let _ = self.resident.set(resident);
        }
        let first = self.container()?;
        let added = self.add(&first, release)?;
        self.del(&first, release, &added)
    }

    /// `prevResult` of an ADD behind the plugin that the suite stands for.
    pub(crate) fn staged_result(&self, container: &Container, release: Release) -> Outcome<Value> {
        let port = format!("staged0p{}", container.number);
        let mut interfaces = Vec::new();
        for (ns, name) in [
            (self.node(), BRIDGE),
            (self.node(), &port),
            (&container.ns, "eth0"),
        ] {
            let link = crate::kernel::link(ns, name)?.unwrap_or_default();
            let mut interface = json!({"name": name, "mac": link["address"]});
            if name == "eth0" {
                interface["sandbox"] = json!(container.sandbox());
            }
            interfaces.push(interface);
        }
        let ip = |(address, gateway): (String, String)| {
            let mut ip = json!({"address": address, "gateway": gateway, "interface": 2});
            if release < Release::V1_0_0 {
                ip["version"] = json!(if address.contains(':') { "6" } else { "4" });
            }
            ip
        };
        let ips: Vec<_> = staged(container.number).into_iter().map(ip).collect();
        Ok(json!({
            "cniVersion": release.name(), "interfaces": interfaces, "ips": ips,
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
            "dns": {"nameservers": ["10.230.0.1"]},
        }))
    }
}
