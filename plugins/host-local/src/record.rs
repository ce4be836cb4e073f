//! What an address file holds: who has the address.
//!
//! `containerid\r\nifname`, as the reference plugin writes it; before it knew of interfaces it wrote the
//! container's id alone. White space around counts for nothing.
//!
//! After a power cut the reference's files, and ours, can be there with nothing or with zeros in them:
//! neither syncs, since containers die with the kernel. Such a file belongs to nobody and would block its
//! address for ever (containernetworking/plugins #498), so it is told apart from a file that somebody
//! wrote by hand to keep an address out of use, which is left alone. Where that is a single word it reads as
//! a container's id of the old form: DEL and GC free that, a reboot does not.

use fairway_cni::{ContainerId, IfName};

/// The most that is read of an address file, in bytes.
pub(crate) const RECORD_MAX: usize = 4096;

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An interface of a container.
    Owner {
        /// The container.
        id: ContainerId,
        /// The interface; `None` in the form of old versions, which holds for each of the container.
        ifname: Option<IfName>,
    },
    /// Nothing, or zeros: what a power cut leaves.
    Torn,
    /// Something else; the address is taken, by whom we cannot tell.
    Other,
}

impl Record {
    /// Reads the content of an address file.
    pub fn parse(bytes: &[u8]) -> Record {
        if bytes.contains(&0) {
            return Record::Torn;
        }
        let Ok(text) = str::from_utf8(bytes) else {
            return Record::Other;
        };
        let text = text.trim();
        if text.is_empty() {
            return Record::Torn;
        }
        let (id, ifname) = match text.split_once("\r\n") {
            Some((id, ifname)) => (id, Some(ifname)),
            None => (text, None),
        };
        match (id.parse(), ifname.map(str::parse).transpose()) {
            (Ok(id), Ok(ifname)) => Record::Owner { id, ifname },
            _ => Record::Other,
        }
    }
}

/// The content of an address file of ours.
pub fn format(id: &ContainerId, ifname: &IfName) -> Vec<u8> {
    format!("{id}\r\n{ifname}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owner(id: &str, ifname: Option<&str>) -> Record {
        Record::Owner {
            id: id.parse().unwrap(),
            ifname: ifname.map(|name| name.parse().unwrap()),
        }
    }

    #[test]
    fn bytes_and_records() {
        let pairs: [(&[u8], Record); 14] = [
            (b"c1\r\neth0", owner("c1", Some("eth0"))),
            (b" c1\r\neth0\n\n", owner("c1", Some("eth0"))),
            (b"c1", owner("c1", None)),
            (b"c1\n", owner("c1", None)),
            (b"c1\r\n", owner("c1", None)),
            (b"", Record::Torn),
            (b" \r\n\t", Record::Torn),
            (b"\0\0\0\0", Record::Torn),
            (b"c1\r\n\0\0\0\0", Record::Torn),
            (b"c1\neth0", Record::Other),
            (b"kept for the printer", Record::Other),
            (b"c1\r\neth0\r\nmore", Record::Other),
            (b"../c1\r\neth0", Record::Other),
            (b"\xff\xfe", Record::Other),
        ];
        for (bytes, record) in pairs {
            assert_eq!(
                Record::parse(bytes),
                record,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            Record::parse(&bytes);
        }

        #[test]
        fn there_and_back(id in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,80}", ifname in "[a-z0-9.@-]{1,15}") {
            let (Ok(id), Ok(ifname)) = (id.parse::<ContainerId>(), ifname.parse::<IfName>()) else {
                return Ok(());
            };
            let record = Record::parse(&format(&id, &ifname));
            prop_assert_eq!(record, Record::Owner { id, ifname: Some(ifname) });
        }
    }
}
