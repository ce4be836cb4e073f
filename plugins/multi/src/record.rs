//! What a container has, as it is written down before the first plugin is called.
//!
//! DEL undoes what ADD did by this and not by the configuration, the folder or the annotation, any of which may have
//! changed since. What is read is judged like anything that comes from outside: another version wrote it, or an
//! administrator was there.

use crate::{network::Network, published, wire::Wire};
use fairway_cni::{Attachment, CniResult, FieldError, NetworkName, Object, Version};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The form's number.
const FORM: i64 = 1;

/// Where a further network's status is looked for: the standard's annotation (section 5).
pub const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// Tells a namespace from the next one at the same path: of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetnsId {
    /// Number of the file system.
    pub device: u64,
    /// Number in it.
    pub inode: u64,
}

/// One container's networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The name of the configuration that attached it.
    pub network: NetworkName,
    /// Which interface of which container.
    pub attachment: Attachment,
    /// The kernel's boot that it was attached in, by its random id.
    pub boot: String,
    /// `CNI_NETNS` at ADD.
    pub netns: String,
    /// Which namespace that was, where it may be another by now.
    pub identity: Option<NetnsId>,
    /// Its wires, in the order of ADD.
    pub wires: Vec<Wire>,
    /// What ADD answered for the first of them; it has begun for the next, and for none beyond.
    pub results: Vec<CniResult>,
}

impl Record {
    /// Each wire with its result, so far as there is one.
    pub fn wires(&self) -> impl DoubleEndedIterator<Item = (&Wire, Option<&CniResult>)> {
        let wires = self.wires.iter().enumerate();
        wires.map(|(index, wire)| (wire, self.results.get(index)))
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let wires: Vec<_> = self
            .wires()
            .map(|(wire, result)| wire_json(wire, result))
            .collect();
        let mut record = json!({
            "form": FORM,
            "network": self.network.as_str(),
            "containerID": self.attachment.container_id.as_str(),
            "ifname": self.attachment.ifname.as_str(),
            "boot": self.boot,
            "netns": self.netns,
            "wires": wires,
            STATUS: published::status(self),
        });
        if let Some(NetnsId { device, inode }) = self.identity {
            record["netnsFile"] = json!({"device": device, "inode": inode});
        }
        record
    }

    /// From JSON.
    ///
    /// # Errors
    /// Names the field.
    pub fn from_json(root: &Object<'_>) -> Result<Self, FieldError> {
        let form = root.require("form")?;
        if form.integer(0..=i64::MAX)? != FORM {
            return Err(form.invalid(format_args!("only form {FORM} can be read")));
        }
        let (mut wires, mut results) = (Vec::new(), Vec::new());
        for item in root.items("wires")? {
            let object = item.object()?;
            let wire = read_wire(&object)?;
            if let Some(result) = object.object("result")? {
                if results.len() != wires.len() {
                    return Err(item.invalid("has a result, and one before it has none"));
                }
                results.push(CniResult::from_json(&result, wire.network.list().version)?);
            }
            wires.push(wire);
        }
        Ok(Record {
            network: root.require("network")?.parse()?,
            attachment: Attachment {
                container_id: root.require("containerID")?.parse()?,
                ifname: root.require("ifname")?.parse()?,
            },
            boot: root.require("boot")?.text()?.to_owned(),
            netns: root.require("netns")?.text()?.to_owned(),
            identity: root
                .object("netnsFile")?
                .as_ref()
                .map(read_identity)
                .transpose()?,
            wires,
            results,
        })
    }
}

fn read_identity(object: &Object<'_>) -> Result<NetnsId, FieldError> {
    let number = |key| {
        let number = object.require(key)?.integer(0..=i64::MAX)?;
        Ok::<_, FieldError>(number.unsigned_abs())
    };
    Ok(NetnsId {
        device: number("device")?,
        inode: number("inode")?,
    })
}

fn wire_json(wire: &Wire, result: Option<&CniResult>) -> Value {
    let mut object = Map::new();
    let texts = [
        ("ifname", wire.ifname.as_str()),
        ("title", &wire.title),
        ("args", &wire.args),
        ("field", &wire.field),
    ];
    for (key, text) in texts {
        object.insert(key.to_owned(), json!(text));
    }
    object.insert("network".into(), Value::Object(wire.network.raw().clone()));
    object.insert("runtimeConfig".into(), Value::Object(wire.runtime.clone()));
    if let Some(gateways) = &wire.default_route {
        let gateways: Vec<_> = gateways.iter().map(IpAddr::to_string).collect();
        object.insert("defaultRoute".into(), json!(gateways));
    }
    if let Some(result) = result {
        // The newest form, or what an older one has no room for would be lost.
        object.insert("result".into(), result.to_json(Version::LATEST));
    }
    Value::Object(object)
}

fn read_wire(object: &Object<'_>) -> Result<Wire, FieldError> {
    let text = |key| Ok::<_, FieldError>(object.require(key)?.text()?.to_owned());
    let gateways = object.get("defaultRoute").map(|field| {
        let items = field.items()?;
        items.iter().map(|item| item.ip()).collect()
    });
    Ok(Wire {
        network: Network::read(&object.require("network")?.object()?)?,
        ifname: object.require("ifname")?.parse()?,
        title: text("title")?,
        runtime: object.require("runtimeConfig")?.object()?.raw().clone(),
        args: text("args")?,
        field: text("field")?,
        default_route: gateways.transpose()?,
    })
}

#[cfg(test)]
mod tests;
