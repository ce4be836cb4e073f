//! What a call printed and how it ended, with everything random told by what it stands for.

use crate::Lines;
use fairway_lab::{Ns, Outcome, Result, Value};
use std::{cmp::Reverse, collections::BTreeMap};

/// What to call MACs, namespaces and paths.
#[derive(Debug, Default)]
pub(crate) struct Names {
    macs: BTreeMap<String, String>,
    replace: Vec<(String, String)>,
}

impl Names {
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        self.replace.push((from.to_owned(), to.to_owned()));
        // `/proc/1/fd/31` must not be taken for what stands behind `/proc/1/fd/3`.
        self.replace.sort_by_key(|(from, _)| Reverse(from.len()));
    }

    /// Takes in the MACs of a namespace's links. Of a bridge and its port that share one, the
    /// port gives the name.
    pub(crate) fn learn(&mut self, space: &str, ns: &Ns) -> Result {
        let links = ns.json("ip -j -d link show")?;
        let mut links: Vec<_> = links.as_array().into_iter().flatten().collect();
        links.sort_by_key(|link| link["linkinfo"]["info_kind"] == "bridge");
        for link in links {
            let text = |key: &str| link[key].as_str().unwrap_or_default();
            let mac = text("address").to_owned();
            if !mac.bytes().all(|b| b == b'0' || b == b':') {
                let name = format!("<mac of {space}'s {}>", shown(text("ifname")));
                self.macs.entry(mac).or_insert(name);
            }
        }
        Ok(())
    }

    fn text(&self, text: &str) -> String {
        let mut text = shown(text).to_owned();
        let pairs = self.replace.iter().map(|(from, to)| (from, to));
        for (from, to) in pairs.chain(&self.macs) {
            text = text.replace(from.as_str(), to);
        }
        text
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.value(value)),
            _ => {}
        }
    }
}

/// A host-side link has a random name (`veth`) or a computed one (`fw`) with 8 hex digits.
fn shown(name: &str) -> &str {
    let hex = name
        .strip_prefix("veth")
        .or_else(|| name.strip_prefix("fw"));
    match hex {
        Some(hex) if hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => "<host's end>",
        _ => name,
    }
}

/// Exit status, result, and the error's code and version; its text is each maker's own.
///
/// A result's section bears the version that it says it is in.
pub(crate) fn lines(outcome: &Outcome, names: &Names) -> Lines {
    let mut lines = Lines::default();
    lines.put("status", vec![outcome.status.to_string()]);
    if let Some(error) = &outcome.error {
        let text = format!("code {} in version {}", error.code, error.version);
        lines.put("error", vec![text]);
        let named = !error.msg.trim().is_empty();
        lines.put("error has a message", vec![named.to_string()]);
    }
    if let Some(result) = &outcome.result {
        let mut result = result.clone();
        names.value(&mut result);
        let mut printed = Vec::new();
        flatten("", &result, &mut printed);
        let version = result["cniVersion"].as_str().unwrap_or("without version");
        lines.put(&format!("result {version}"), printed);
    }
    lines
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flatten(&format!("{path}.{key}"), value, lines);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                flatten(&format!("{path}[{at}]"), value, lines);
            }
        }
        leaf => lines.push(format!("{path} = {leaf}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_begins_like_another_is_another() {
        let mut names = Names::default();
        names.replace("/proc/1/fd/3", "<one>");
        names.replace("/proc/1/fd/31", "<three>");
        assert_eq!(names.text("/proc/1/fd/31"), "<three>");
        assert_eq!(names.text("/proc/1/fd/3"), "<one>");
    }
}
