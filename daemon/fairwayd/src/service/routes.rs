//! `endpoint.*`: what the plugin of the overlay asks.

use super::{Daemon, refusal};
use crate::convert::{self, body};
use fairway_api::{
    ErrorBody, Nothing,
    endpoint::{Prepare, Prepared, Ready},
};
use fairway_cni::Code;

impl Daemon {
    pub(super) async fn prepare(&self, prepare: Prepare) -> Result<Prepared, ErrorBody> {
        self.routes.prepare(prepare.network.value).await
    }

    /// Waits until the kernel's routes lead to a container of this node.
    pub(super) async fn ready(&self, ready: Ready) -> Result<Nothing, ErrorBody> {
        let attachment = convert::attachment(&ready.attachment)?;
        let leases = self.driver.leases().await;
        let leases = leases.map_err(|error| refusal::failure(&error))?;
        let lease = leases
            .into_iter()
            .find(|lease| lease.attachment == attachment);
        let Some(lease) = lease else {
            let text = format_args!("{attachment} has no addresses on this node");
            return Err(body(Code::CHECK_FAILED, text));
        };
        let other = ready
            .addresses
            .iter()
            .find(|ip| !lease.addresses.contains(ip));
        if let Some(ip) = other {
            let text = format_args!("{attachment} does not have {ip}");
            return Err(body(Code::CHECK_FAILED, text));
        }
        if lease.cut_off {
            let text =
                format_args!("{attachment} is cut off: its addresses were given on to others");
            return Err(body(Code::CHECK_FAILED, text));
        }
        let (network, addresses) = (ready.network, ready.addresses);
        self.routes.ready(lease, network, addresses).await?;
        Ok(Nothing {})
    }
}
