//! `endpoint.guard`, `endpoint.open`, `endpoint.verify`, `flow.list`.

use super::Daemon;
use crate::{
    convert::{attachment, body},
    policy::EndpointRecord,
};
use fairway_api::{ErrorBody, Nothing, admin, endpoint};
use fairway_cni::Code;
use fairway_netlink::MacAddr;
use std::time::Duration;

impl Daemon {
    pub(super) async fn guard(
        &self,
        guard: endpoint::Guard,
    ) -> Result<endpoint::Guarded, ErrorBody> {
        let attachment = attachment(&guard.attachment)?;
        self.policy.guard(attachment, guard.required).await
    }

    pub(super) async fn open(&self, open: endpoint::Open) -> Result<Nothing, ErrorBody> {
        let attachment = attachment(&open.attachment)?;
        if let Err(error) = open.mac.parse::<MacAddr>() {
            let text = format_args!("mac: {:?}: {error}", open.mac);
            return Err(body(Code::INVALID_CONFIG, text));
        }
        // Its object is on its way: whoever starts it has it from the same API server.
        if self.config.kubernetes.is_some()
            && self.config.policy.enforce
            && let (Some(namespace), Some(pod)) = (&open.workload.namespace, &open.workload.pod)
        {
            self.policy.knows(namespace, pod).await?;
        }
        let record = EndpointRecord {
            network: attachment.network,
            container: attachment.container,
            ifname: attachment.ifname,
            workload: open.workload,
            addresses: open.addresses,
            mac: open.mac,
            cluster: open.cluster,
            tenant: open.network,
        };
        self.policy.open(record).await.map(|()| Nothing {})
    }

    pub(super) async fn verify(&self, verify: endpoint::Verify) -> Result<Nothing, ErrorBody> {
        let attachment = attachment(&verify.attachment)?;
        let standing = self.policy.verify(attachment, verify.required).await;
        standing.map(|()| Nothing {})
    }

    pub(super) async fn flow_list(&self, list: admin::FlowList) -> admin::Flows {
        let wait = Duration::from_millis(list.wait_ms);
        self.policy
            .flows()
            .after(list.after, list.drops, wait)
            .await
    }
}
