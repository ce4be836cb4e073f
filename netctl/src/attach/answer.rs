//! What is said of an attachment: a table, or the result as CNI has it.

use crate::{
    document::Document,
    error::NetctlError,
    output::{self, Format},
    sheet::{Cell, Sheet},
    terminal::Screen,
};
use fairway_cni::{CniResult, IfName, NetworkName, Version};
use fairway_multi::record::Record;
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// What a container got.
#[derive(Debug)]
pub(super) struct Attached {
    network: NetworkName,
    ifname: IfName,
    result: CniResult,
    version: Version,
}

impl Attached {
    pub(super) fn new(
        network: NetworkName,
        ifname: IfName,
        result: CniResult,
        version: Version,
    ) -> Attached {
        Attached {
            network,
            ifname,
            result,
            version,
        }
    }

    /// What is remembered of it.
    pub(super) fn of(record: &Record) -> Attached {
        let version = record.wires.first().map(|wire| wire.network.list().version);
        Attached {
            network: record.network.clone(),
            ifname: record.attachment.ifname.clone(),
            result: record.results.first().cloned().unwrap_or_default(),
            version: version.unwrap_or(Version::LATEST),
        }
    }

    pub(super) fn show(&self, format: Format) -> Result<u8, NetctlError> {
        show(self, format)
    }
}

impl Document for Attached {
    fn sheet(&self) -> Sheet {
        let heads = [
            "NETWORK",
            "INTERFACE",
            "ADDRESS?",
            "GATEWAY?",
            "ROUTES?",
            "MAC?",
            "LINK?",
        ];
        let mut sheet = Sheet::new(&heads, "");
        let lines = |all: Vec<String>| Cell::from(all.join("\n"));
        let own = |link: &&fairway_cni::Interface| link.name == self.ifname.as_str();
        let ends = &self.result.interfaces;
        let host = ends.iter().filter(|link| link.sandbox.is_none());
        let ips = &self.result.ips;
        let routes = self.result.routes.iter().map(|route| route.dst.to_string());
        sheet.row([
            Cell::from(&self.network),
            Cell::from(&self.ifname),
            lines(ips.iter().map(|ip| ip.address.to_string()).collect()),
            lines(
                ips.iter()
                    .filter_map(|ip| Some(ip.gateway?.to_string()))
                    .collect(),
            ),
            lines(routes.collect()),
            Cell::from(
                ends.iter()
                    .find(own)
                    .and_then(|link| link.mac.clone())
                    .unwrap_or_default(),
            ),
            lines(host.map(|link| link.name.clone()).collect()),
        ]);
        sheet
    }

    fn status(&self) -> u8 {
        0
    }

    fn json(&self, one_line: bool) -> Result<String, NetctlError> {
        written(&self.result.to_json(self.version), one_line)
    }

    fn yaml(&self) -> Result<String, NetctlError> {
        Ok(serde_saphyr::to_string(&self.result.to_json(self.version))?)
    }
}

/// What was detached.
#[derive(Debug, Default)]
pub(super) struct Detached(Vec<(String, String, String)>);

impl Detached {
    pub(super) fn add(&mut self, record: &Record) {
        let text = |name: &dyn std::fmt::Display| name.to_string();
        self.0.push((
            text(&record.network),
            text(&record.attachment.container_id),
            text(&record.attachment.ifname),
        ));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn show(&self, format: Format) -> Result<u8, NetctlError> {
        show(self, format)
    }

    fn value(&self) -> Value {
        let row = |(network, container, ifname): &(String, String, String)| json!({"network": network, "container": container, "ifname": ifname});
        self.0.iter().map(row).collect()
    }
}

impl Document for Detached {
    fn sheet(&self) -> Sheet {
        let heads = ["NETWORK", "CONTAINER", "INTERFACE"];
        let mut sheet = Sheet::new(&heads, "nothing was attached");
        for (network, container, ifname) in &self.0 {
            sheet.row([network, container, ifname].map(Cell::from));
        }
        sheet
    }

    fn status(&self) -> u8 {
        0
    }

    fn json(&self, one_line: bool) -> Result<String, NetctlError> {
        written(&self.value(), one_line)
    }

    fn yaml(&self) -> Result<String, NetctlError> {
        Ok(serde_saphyr::to_string(&self.value())?)
    }
}

fn written(value: &Value, one_line: bool) -> Result<String, NetctlError> {
    Ok(match one_line {
        true => serde_json::to_string(value)?,
        false => serde_json::to_string_pretty(value)?,
    })
}

fn show(answer: &dyn Document, format: Format) -> Result<u8, NetctlError> {
    let text = output::document(answer, format, &Screen::of_stdout())?;
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(NetctlError::Output)?;
    Ok(answer.status())
}
