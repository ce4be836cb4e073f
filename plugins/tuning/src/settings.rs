//! What an interface is to be like, or was.

use crate::error::Error;
use fairway_netlink::{Link, LinkChange, MacAddr, Netlink};

/// Settings of an interface; what is not set is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mac: Option<MacAddr>,
    pub(crate) mtu: Option<u32>,
    pub(crate) promisc: Option<bool>,
    pub(crate) allmulti: Option<bool>,
    pub(crate) tx_queue_len: Option<u32>,
}

/// One of them, and what the configuration calls it.
pub(crate) type Change = (&'static str, String, LinkChange);

impl Settings {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What an interface has, of those that are set here.
    pub(crate) fn as_in(&self, link: &Link) -> Self {
        Self {
            mac: self.mac.and(link.mac),
            mtu: self.mtu.and(Some(link.mtu)),
            promisc: self.promisc.and(Some(link.promisc)),
            allmulti: self.allmulti.and(Some(link.allmulti)),
            tx_queue_len: self.tx_queue_len.and(link.tx_queue_len),
        }
    }

    /// These, and where they say nothing, those.
    pub(crate) fn or(self, those: Self) -> Self {
        Self {
            mac: self.mac.or(those.mac),
            mtu: self.mtu.or(those.mtu),
            promisc: self.promisc.or(those.promisc),
            allmulti: self.allmulti.or(those.allmulti),
            tx_queue_len: self.tx_queue_len.or(those.tx_queue_len),
        }
    }

    /// One change after the other, so that a refusal says which.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let none = LinkChange::default;
        let mut changes: Vec<Change> = Vec::new();
        if let Some(mac) = self.mac {
            let mac = Some(mac);
            let text = mac.map(|mac| mac.to_string()).unwrap_or_default();
            changes.push(("mac", text, LinkChange { mac, ..none() }));
        }
        if let Some(on) = self.promisc {
            let promisc = Some(on);
            changes.push(("promisc", on.to_string(), LinkChange { promisc, ..none() }));
        }
        if let Some(bytes) = self.mtu {
            let mtu = Some(bytes);
            changes.push(("mtu", bytes.to_string(), LinkChange { mtu, ..none() }));
        }
        if let Some(on) = self.allmulti {
            let allmulti = Some(on);
            changes.push((
                "allmulti",
                on.to_string(),
                LinkChange { allmulti, ..none() },
            ));
        }
        if let Some(length) = self.tx_queue_len {
            let tx_queue_len = Some(length);
            let change = LinkChange {
                tx_queue_len,
                ..none()
            };
            changes.push(("txQLen", length.to_string(), change));
        }
        changes
    }

    /// Sets what is not so yet.
    pub(crate) fn apply(&self, space: &mut dyn Netlink, link: &Link) -> Result<(), Error> {
        let there = self.as_in(link).changes();
        for change in self.changes() {
            if there.contains(&change) {
                continue;
            }
            let (field, value, change) = change;
            space
                .change_link(link.index, &change)
                .map_err(|source| Error::Refused {
                    field,
                    value,
                    source,
                })?;
        }
        Ok(())
    }

    /// The first that an interface has otherwise.
    pub(crate) fn difference(&self, link: &Link) -> Option<Error> {
        let there = self.as_in(link).changes();
        self.changes().into_iter().find_map(|(field, wanted, _)| {
            let found = there.iter().find(|(name, _, _)| *name == field);
            let found = found.map_or("nothing", |(_, value, _)| value.as_str());
            (found != wanted).then(|| Error::Differs {
                what: format!("{field} of {:?}", link.name),
                found: found.to_owned(),
                wanted,
            })
        })
    }
}
