//! What the reference plugin leaves: a token bucket on the host's end for what the container gets, and a device
//! of type ifb for what it sends, named after network and container.

use fairway_iface::{Error, Space};
use fairway_netlink::{Link, LinkKind, QdiscKind, TcHandle};
use fairway_shape::Limit;
use sha2::{Digest as _, Sha512};

/// How an ifb device's name begins, and how long it is: both are the reference plugin's.
const PREFIX: &str = "bwp";
const LENGTH: usize = 15;
const HANDLE: TcHandle = TcHandle::new(1, 0);

/// The reference plugin's part of an attachment.
#[derive(Debug)]
pub(crate) struct Reference {
    device: String,
}

impl Reference {
    pub(crate) fn new(network: &str, container_id: &str) -> Self {
        let mut device = PREFIX.to_owned();
        for byte in Sha512::digest(format!("{network}{container_id}")) {
            device.push_str(&format!("{byte:02x}"));
        }
        device.truncate(LENGTH);
        Self { device }
    }

    #[cfg(test)]
    pub(crate) fn name(&self) -> &str {
        &self.device
    }

    /// The device by which it limits what the container sends.
    pub(crate) fn device(&self, host: &mut dyn Space) -> Result<Option<Link>, Error> {
        let ifb = |link: &Link| link.kind == Some(LinkKind::Other("ifb".to_owned()));
        Ok(host.link_by_name(&self.device)?.filter(ifb))
    }

    /// Whether a link has a token bucket of its own, of that rate.
    pub(crate) fn limits(
        &self,
        host: &mut dyn Space,
        index: u32,
        limit: &Limit,
    ) -> Result<bool, Error> {
        let root = host.qdisc(index, TcHandle::ROOT)?;
        let bytes = limit.rate.bytes_per_second();
        Ok(root.is_some_and(|root| {
            root.handle == HANDLE && matches!(root.kind, QdiscKind::Tbf(tbf) if tbf.rate == bytes)
        }))
    }

    /// Removes its device.
    pub(crate) fn remove(&self, host: &mut dyn Space) -> Result<(), Error> {
        if let Some(device) = self.device(host)? {
            host.delete_link(device.index)?;
        }
        Ok(())
    }
}
