//! The configuration's keys. `args.cni` may say all of them, and goes before.

use fairway_cni::{Context, Field, FieldError, Object};
use fairway_netlink::MacAddr;
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

use crate::settings::Settings;

/// Where it is kept what interfaces were like before. It is the reference plugin's.
const DATA_DIR: &str = "/run/cni/tuning";
/// The least MTU that IPv4 allows (RFC 791), the most that there is.
const MTU: std::ops::RangeInclusive<i64> = 68..=65535;

/// A kernel setting that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sysctl {
    /// Where the configuration says so.
    pub(crate) field: String,
    /// As it was written, which is what the allow list is about.
    pub(crate) name: String,
    /// What to write.
    pub(crate) value: String,
}

impl Sysctl {
    /// The file below `/proc/sys`, for an interface. Dots are what `sysctl` writes for slashes, but an interface's
    /// name keeps its own.
    pub(crate) fn key(&self, ifname: &str) -> String {
        self.name.replace('.', "/").replacen("IFNAME", ifname, 1)
    }
}

/// What is configured.
#[derive(Debug)]
pub(crate) struct Conf {
    pub(crate) sysctls: Vec<Sysctl>,
    pub(crate) link: Settings,
    pub(crate) data_dir: PathBuf,
}

impl Conf {
    pub(crate) fn parse(context: &Context<'_>) -> Result<Self, FieldError> {
        let root = context.conf.root();
        let args = context.conf.args_cni()?;
        let places = [args.as_ref(), Some(&root)];
        let find = |key: &str| {
            places
                .into_iter()
                .flatten()
                .find_map(|place| place.get(key))
        };
        let integer = |key: &str, range| find(key).map(|field| field.integer(range)).transpose();
        let flag = |key: &str| find(key).map(|field| field.bool()).transpose();
        // 0 is Go's "not there".
        let mtu = match find("mtu") {
            Some(field) if field.value().as_i64() == Some(0) => None,
            Some(field) => Some(field.integer(MTU)?),
            None => None,
        };
        Ok(Conf {
            sysctls: sysctls(&root, args.as_ref())?,
            link: Settings {
                mac: mac(context)?,
                mtu: mtu.and_then(|mtu| u32::try_from(mtu).ok()),
                // Not to be promiscuous is not asked for, it is the default.
                promisc: flag("promisc")?.filter(|on| *on),
                allmulti: flag("allmulti")?,
                tx_queue_len: integer("txQLen", 0..=i64::from(u32::MAX))?
                    .and_then(|length| u32::try_from(length).ok()),
            },
            data_dir: data_dir(&root)?,
        })
    }
}

/// `dataDir`.
pub(crate) fn data_dir(root: &Object<'_>) -> Result<PathBuf, FieldError> {
    let folder = PathBuf::from(root.text("dataDir")?.unwrap_or(DATA_DIR));
    match folder.is_absolute() {
        true => Ok(folder),
        false => Err(root.invalid(
            "dataDir",
            format_args!("{folder:?}"),
            "is not an absolute path",
        )),
    }
}

/// `sysctl`: names and values, each name once however it is spelt; those of `args.cni` go before.
fn sysctls(root: &Object<'_>, args: Option<&Object<'_>>) -> Result<Vec<Sysctl>, FieldError> {
    let mut all: BTreeMap<String, Sysctl> = BTreeMap::new();
    for place in [Some(root), args].into_iter().flatten() {
        let Some(object) = place.object("sysctl")? else {
            continue;
        };
        let mut here: BTreeMap<String, Sysctl> = BTreeMap::new();
        for (name, value) in object.raw() {
            let field = Field::new(value, format!("{}.{name}", object.path()));
            let sysctl = Sysctl {
                field: field.path().to_owned(),
                name: name.clone(),
                value: field.text()?.to_owned(),
            };
            let key = sysctl.key("IFNAME");
            if !is_of_network(&key) {
                return Err(field.invalid("is no setting of the network: not below net."));
            }
            if let Some(other) = here.insert(key, sysctl) {
                return Err(field.invalid(format_args!("is {} as well", other.field)));
            }
        }
        all.append(&mut here);
    }
    Ok(all.into_values().collect())
}

/// Is it the path of a file below `net`, which no part leads out of?
fn is_of_network(key: &str) -> bool {
    key.strip_prefix("net/").is_some_and(|rest| {
        rest.split('/')
            .all(|part| !["", ".", ".."].contains(&part) && !part.contains('\0'))
    })
}

fn mac(context: &Context<'_>) -> Result<Option<MacAddr>, FieldError> {
    let from_args = context.args.get("MAC");
    let from_args = from_args.map(|text| Value::String(text.to_owned()));
    let conf = context.conf;
    // An empty one counts as none: runtimes fill in what they have.
    let mut fields = [
        conf.runtime_config()?.and_then(|object| object.get("mac")),
        conf.args_cni()?.and_then(|object| object.get("mac")),
        from_args
            .as_ref()
            .map(|value| Field::new(value, "CNI_ARGS: MAC")),
        conf.root().get("mac"),
    ]
    .into_iter()
    .flatten();
    let Some(field) = fields.find(|field| field.value().as_str() != Some("")) else {
        return Ok(None);
    };
    let mac: MacAddr = field.parse()?;
    if mac.is_multicast() || mac == MacAddr::default() {
        return Err(field.invalid("is no hardware address that an interface can have"));
    }
    Ok(Some(mac))
}
