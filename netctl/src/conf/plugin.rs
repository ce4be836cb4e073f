//! One plugin's configuration, judged by the plugin itself.
//!
//! What a runtime would fill in is made up where a plugin needs it: an empty `prevResult` behind another plugin, and
//! what stands for a capability that is declared. `CNI_ARGS` is empty. Of a type that is not ours nothing is known but
//! whether it is there.

use super::{
    finding::Heard,
    folder,
    keys::Unread,
    list::{self, Shape},
    near, parsed, path,
};
use fairway_cni::{
    CniArgs, CniResult, Context, Delegates, Failure, NetConf, Plugin, chained,
    labels::POD_ANNOTATIONS, recorder,
};
use fairway_plugins::PLUGINS;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Those that the conventions of CNI know, and what CRI runtimes have besides.
const CAPABILITIES: [&str; 11] = [
    "aliases",
    "bandwidth",
    "cgroupPath",
    "deviceID",
    "dns",
    "infinibandGUID",
    POD_ANNOTATIONS,
    "ipRanges",
    "ips",
    "mac",
    "portMappings",
];
/// Types that do nothing unless a runtime tells them what, by which capabilities, and the keys that say it as well.
const TOLD: [(&str, &[&str], &[&str]); 2] = [
    ("portmap", &["portMappings"], &[]),
    (
        "bandwidth",
        &["bandwidth", POD_ANNOTATIONS],
        &["ingressRate", "egressRate"],
    ),
];

/// The plugins of this machine.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    folders: Vec<PathBuf>,
    names: Vec<String>,
}

impl Machine {
    pub(crate) fn at(folders: Vec<PathBuf>) -> Self {
        let names = folder::plugins(&folders);
        Machine { folders, names }
    }

    fn has(&self, kind: &str) -> bool {
        folder::find(&self.folders, kind).is_some()
    }
}

/// A configuration and where it stands.
pub(crate) struct Part<'a> {
    /// As a plugin is given it.
    pub(crate) conf: &'a NetConf,
    /// As the file has it.
    pub(crate) raw: &'a Map<String, Value>,
    /// Its path in the document.
    pub(crate) at: &'a str,
    /// It stands under `chain`.
    pub(crate) in_chain: bool,
}

/// What is put in the place of capabilities, for plugins that cannot do without.
pub(crate) fn samples() -> Map<String, Value> {
    let samples = json!({
        "deviceID": "0000:00:00.0",
        "ipRanges": [[{"subnet": "fdfe:5a3e:9c11:1::/64"}]],
    });
    samples.as_object().cloned().unwrap_or_default()
}

/// What a plugin is given that stands behind another.
pub(crate) fn behind(conf: &NetConf) -> Value {
    CniResult::default().to_json(conf.version)
}

fn ours(kind: &str) -> Option<&'static dyn Plugin> {
    let found = PLUGINS.iter().find(|(name, _)| *name == kind);
    found.map(|(_, plugin)| *plugin)
}

impl Part<'_> {
    fn path(&self, path: &str) -> String {
        path::join(self.at, path)
    }

    /// Tells what is wrong with it; the types that it names, and whether it makes the container's interface.
    pub(crate) fn judge(
        &self,
        machine: &Machine,
        heard: &mut Heard,
    ) -> (Vec<String>, Option<String>) {
        let root = self.conf.root();
        let kind = root.text("type").ok().flatten().unwrap_or_default();
        let plugin = self.type_is_there(kind, "type", machine, heard);
        let mut kinds = vec![kind.to_owned()];
        let ipam_kind = self.conf.ipam_type().ok().flatten();
        let ipam = ipam_kind.and_then(|ipam| {
            kinds.push(ipam.to_owned());
            let plugin = self.type_is_there(ipam, "ipam.type", machine, heard)?;
            if plugin.is_ipam() {
                return Some(plugin);
            }
            heard.error(
                self.path("ipam.type"),
                format!("{ipam:?}: is no IPAM plugin"),
            );
            None
        });
        self.fields(kind, plugin, ipam, heard);
        self.runtimes_part(kind, heard);
        let mut maker = plugin
            .filter(|plugin| plugin.makes_interface())
            .map(|_| kind.to_owned());
        self.chain(machine, &mut kinds, &mut maker, heard);
        if kind == "multi" {
            self.delegates(machine, &mut kinds, heard);
        }
        (kinds, maker)
    }

    /// One of ours by that name; tells where nobody has it.
    fn type_is_there(
        &self,
        kind: &str,
        key: &str,
        machine: &Machine,
        heard: &mut Heard,
    ) -> Option<&'static dyn Plugin> {
        let plugin = ours(kind);
        let at = self.path(key);
        match (plugin.is_some(), machine.has(kind)) {
            (true, true) => {}
            // A machine without plugins is none that they are to run on.
            (true, false) if machine.names.is_empty() => {}
            (true, false) => heard.warn(
                at,
                format!("{kind:?} is in no folder of plugins here: each ADD fails"),
            ),
            (false, true) => heard.note(
                at,
                format!("{kind:?} is none of Fairway's: its keys are not judged"),
            ),
            (false, false) => {
                let known = PLUGINS.iter().map(|(name, _)| *name);
                let known = known.chain(machine.names.iter().map(String::as_str));
                let hint = near::did_you_mean(kind, known);
                heard.error(
                    at,
                    format!("{kind:?}: no plugin of this type, here or of Fairway{hint}"),
                );
            }
        }
        plugin
    }

    fn fields(
        &self,
        kind: &str,
        plugin: Option<&'static dyn Plugin>,
        ipam: Option<&'static dyn Plugin>,
        heard: &mut Heard,
    ) {
        let read = |map: &Map<String, Value>| -> Result<(), String> {
            let said = |failure: Failure| match failure.details.as_str() {
                "" => failure.msg,
                details => format!("{} ({details})", failure.msg),
            };
            let conf = NetConf::from_json(Value::Object(map.clone())).map_err(said)?;
            let context = Context {
                conf: &conf,
                args: &CniArgs::default(),
                delegates: &Delegates::default(),
            };
            conf.dns().map_err(|error| error.to_string())?;
            conf.ipam_type().map_err(|error| error.to_string())?;
            let mut readers = [plugin, ipam].into_iter().flatten();
            readers
                .try_for_each(|reader| reader.read(&context))
                .map_err(said)
        };
        let map = self.conf.root().raw().clone();
        let mut parsed = parsed::ask(map.clone(), &[("prevResult", behind(self.conf))], read);
        for (at, text) in &parsed.errors {
            match (at.as_str(), text.as_str()) {
                ("prevResult", "missing") => {
                    let text = format!(
                        "{kind} works on what another plugin has made: it cannot be the first"
                    );
                    heard.error(self.path("type"), text);
                }
                ("prevResult", _)
                    if !self
                        .raw
                        .keys()
                        .any(|key| key.eq_ignore_ascii_case("prevResult")) =>
                {
                    heard.error(
                        self.path("type"),
                        format!("{kind} must be the first of a list"),
                    );
                }
                _ => heard.error(self.path(at), text.clone()),
            }
        }
        if !parsed.whole {
            return;
        }
        // Where the runtime says something, parsers do not look at what the file says of the same.
        let mut bare = parsed.left.clone();
        bare.retain(|key, _| {
            !["args", "runtimeConfig"]
                .iter()
                .any(|said| said.eq_ignore_ascii_case(key))
        });
        let (_, asked) = recorder::record(|| read(&bare));
        parsed.asked.extend(asked);
        let unread = |reader| Unread {
            reader,
            asked: &parsed.asked,
            at: self.at,
            foreign: match ipam.is_some() || self.conf.ipam_type().ok().flatten().is_none() {
                true => &[],
                false => &["ipam"],
            },
            told: &parsed.renamed,
        };
        match (plugin, ipam) {
            (Some(_), _) => unread(kind).tell(&map, heard),
            (None, Some(_)) => unread("the IPAM plugin").tell_ipam(&map, heard),
            (None, None) => {}
        }
    }

    /// What a runtime fills in: it has to be told by `capabilities`, and what stands in its place is lost.
    fn runtimes_part(&self, kind: &str, heard: &mut Heard) {
        let named = |name: &str| {
            self.raw
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        for name in ["prevResult", "runtimeConfig"] {
            if named(name).is_some_and(|(_, value)| !value.is_null()) {
                heard.warn(self.path(name), "is what runtimes fill in");
            }
        }
        let declared = match named("capabilities").map(|(_, value)| value) {
            None | Some(Value::Null) => None,
            Some(Value::Object(declared)) => Some(declared),
            Some(_) => {
                heard.error(self.path("capabilities"), "expected an object");
                return;
            }
        };
        for (name, value) in declared.into_iter().flatten() {
            let at = self.path(&path::join("capabilities", name));
            if !value.is_boolean() {
                heard.error(at, "expected a boolean");
            } else if !CAPABILITIES.contains(&name.as_str()) {
                let hint = near::did_you_mean(name, CAPABILITIES);
                heard.warn(at, format!("no runtime is known to fill it in{hint}"));
            }
        }
        if self.in_chain {
            // A Mesos agent tells all of them.
            return;
        }
        for (_, capabilities, keys) in TOLD.iter().filter(|(told, ..)| *told == kind) {
            let declares = |name: &&str| {
                let declared = declared.and_then(|declared| declared.get(*name)?.as_bool());
                declared == Some(true)
            };
            if !capabilities.iter().any(declares) && !keys.iter().any(|key| named(key).is_some()) {
                let capability = capabilities.first().copied().unwrap_or_default();
                let text =
                    format!("{capability:?} is not declared: no runtime tells {kind} what to do");
                heard.note(self.path("capabilities"), text);
            }
        }
    }

    fn chain(
        &self,
        machine: &Machine,
        kinds: &mut Vec<String>,
        maker: &mut Option<String>,
        heard: &mut Heard,
    ) {
        let links = match chained(self.conf) {
            Ok(links) => links,
            Err(error) => {
                let message = error.to_string();
                let (at, text) = path::named(&message);
                heard.error(self.path(at), text);
                return;
            }
        };
        let items = self.conf.root().items("chain").unwrap_or_default();
        for (link, item) in links.iter().zip(items) {
            let Some(raw) = item.value().as_object() else {
                continue;
            };
            let conf = link.with("prevResult", behind(link));
            let at = self.path(item.path());
            let part = Part {
                conf: &conf,
                raw,
                at: &at,
                in_chain: true,
            };
            let (named, made) = part.judge(machine, heard);
            kinds.extend(named);
            list::one_maker(maker, made, &at, heard);
        }
    }

    /// The networks of `multi`.
    fn delegates(&self, machine: &Machine, kinds: &mut Vec<String>, heard: &mut Heard) {
        for item in self.conf.root().items("delegates").unwrap_or_default() {
            if let Some(raw) = item.value().as_object() {
                let at = self.path(item.path());
                let network = list::judge(raw, &at, Shape::Either, machine, heard);
                kinds.extend(network.into_iter().flat_map(|network| network.kinds));
            }
        }
    }
}
