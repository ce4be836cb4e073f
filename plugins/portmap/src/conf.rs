//! The configuration's keys.

use fairway_cni::{Field, FieldError, NetConf, Object};
use fairway_netfilter::{
    Backend,
    ports::{Conditions, Dialect, Marking},
};
use std::{ops::RangeInclusive, path::PathBuf};

/// Where it is kept which ports were chosen. Like the rules, it does not outlive the kernel.
const DATA_DIR: &str = "/run/cni/portmap";
/// Kubernetes uses the bits 14 and 15, Calico 20 to 31.
const MARK_BIT: u8 = 13;

/// What is configured for the network.
#[derive(Debug)]
pub(crate) struct Conf {
    backend: Option<Backend>,
    pub(crate) snat: bool,
    pub(crate) masquerade_all: bool,
    pub(crate) marking: Marking,
    pub(crate) conditions: [Conditions; 2],
    pub(crate) range: Option<RangeInclusive<u16>>,
    pub(crate) data_dir: PathBuf,
}

impl Conf {
    pub(crate) fn parse(conf: &NetConf) -> Result<Self, FieldError> {
        let root = conf.root();
        let backend: Option<Backend> = root.parse("backend")?;
        let conditions = [
            Conditions::new(&root.texts("conditionsV4")?, true),
            Conditions::new(&root.texts("conditionsV6")?, false),
        ];
        let bit = root.get("markMasqBit");
        let chain = root.text("externalSetMarkChain")?;
        let marking = match (bit, chain) {
            (Some(bit), Some(_)) => {
                return Err(bit.invalid("cannot be given together with externalSetMarkChain"));
            }
            (None, Some(chain)) => Marking::Chain(mark_chain(&root, chain)?.to_owned()),
            (Some(bit), None) => {
                let bit = bit.integer(0..=31)?;
                Marking::Bit(u8::try_from(bit).unwrap_or(MARK_BIT))
            }
            (None, None) => Marking::Bit(MARK_BIT),
        };
        let conf = Conf {
            backend,
            snat: root.bool("snat")?.unwrap_or(true),
            masquerade_all: root.flag("masqAll")?,
            marking,
            conditions,
            range: root
                .get("hostPortRange")
                .map(|field| range(&field))
                .transpose()?,
            data_dir: data_dir(&root)?,
        };
        conf.must_speak_one_dialect(&root)?;
        Ok(conf)
    }

    /// The backend that is configured, else what the node has.
    pub(crate) fn backend(&self) -> Backend {
        self.backend.unwrap_or_else(Backend::detect)
    }

    /// Keys that are only for one backend go with no other.
    fn must_speak_one_dialect(&self, root: &Object<'_>) -> Result<(), FieldError> {
        let mut spoken = Vec::new();
        for (key, conditions) in ["conditionsV4", "conditionsV6"]
            .into_iter()
            .zip(&self.conditions)
        {
            let backend = conditions.dialect().map(|dialect| match dialect {
                Dialect::Iptables => Backend::Iptables,
                Dialect::Nftables => Backend::Nftables,
            });
            spoken.extend(backend.map(|backend| (key, backend)));
        }
        if matches!(self.marking, Marking::Chain(_)) {
            spoken.push(("externalSetMarkChain", Backend::Iptables));
        }
        let Some((_, first)) = spoken.first() else {
            return Ok(());
        };
        let used = match self.backend {
            Some(named) => named,
            // What the node has does not matter until something is to be written.
            None if spoken.iter().all(|(_, backend)| backend == first) => self.backend(),
            None => *first,
        };
        match spoken.iter().find(|(_, backend)| *backend != used) {
            None => Ok(()),
            Some((key, backend)) => {
                let value = root.get(key).map(|field| field.value().to_string());
                let reason = format!("is for backend {backend}, and {used} is used");
                Err(root.invalid(key, value.unwrap_or_default(), reason))
            }
        }
    }
}

fn mark_chain<'a>(root: &Object<'_>, chain: &'a str) -> Result<&'a str, FieldError> {
    /// The longest that iptables takes.
    const MAX: usize = 28;
    let sound = chain.len() <= MAX
        && !chain.starts_with(['-', '!'])
        && chain.chars().all(|c| c.is_ascii_graphic() && c != '"');
    match sound {
        true => Ok(chain),
        false => Err(root.invalid(
            "externalSetMarkChain",
            format_args!("{chain:?}"),
            "is no name of a chain of iptables",
        )),
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

/// `FIRST-LAST`.
fn range(field: &Field<'_>) -> Result<RangeInclusive<u16>, FieldError> {
    const FORM: &str = "is not FIRST-LAST, ports from 1 to 65535";
    let (first, last) = field
        .text()?
        .split_once('-')
        .ok_or_else(|| field.invalid(FORM))?;
    let port = |text: &str| match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(field.invalid(FORM)),
    };
    let (first, last) = (port(first)?, port(last)?);
    match first <= last {
        true => Ok(first..=last),
        false => Err(field.invalid("ends before it begins")),
    }
}

#[cfg(test)]
mod tests;
