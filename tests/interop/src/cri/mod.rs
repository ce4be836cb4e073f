//! The few calls of the Container Runtime Interface that a pod's network
//! needs, as a kubelet makes them.
//!
//! `k8s-cri` has them all, but wants `protoc` wherever it is built.

mod messages;

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::uri::PathAndQuery;
use prost::Message;
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use messages::{
    Empty, ImageSpec, ImageStatusRequest, ImageStatusResponse, LinuxPodSandboxConfig,
    PodSandboxStatusRequest, PodSandboxStatusResponse, RunPodSandboxRequest, RunPodSandboxResponse,
    SandboxId, StatusRequest, StatusResponse,
};
pub use messages::{
    LinuxSandboxSecurityContext, NamespaceOption, PodSandboxConfig, PodSandboxMetadata, PortMapping,
};

/// How long one call may take: a sandbox with its network is well under 1 s,
/// on a busy machine many times that.
const LIMIT: Duration = Duration::from_secs(90);

/// A connection to a runtime.
pub struct Cri {
    runtime: Runtime,
    channel: Channel,
}

/// What a runtime says of a running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    /// Its addresses, the first one first.
    pub addresses: Vec<String>,
    /// Is it ready (and not stopped)?
    pub ready: bool,
}

/// A sandbox that was started among others.
#[derive(Debug)]
pub struct Started {
    /// Its id.
    pub id: String,
    /// From the request to the answer.
    pub took: Duration,
}

/// A pod's sandbox configuration, without ports, under a parent cgroup.
#[must_use]
pub fn pod(name: &str, cgroup_parent: &str) -> PodSandboxConfig {
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            namespace: "default".to_owned(),
            attempt: 0,
        }),
        hostname: name.to_owned(),
        port_mappings: Vec::new(),
        annotations: HashMap::new(),
        linux: Some(LinuxPodSandboxConfig {
            cgroup_parent: cgroup_parent.to_owned(),
            security_context: None,
        }),
    }
}

impl Cri {
    /// Connects to a runtime's socket.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn connect(socket: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display()))?;
        let channel = runtime.block_on(endpoint.timeout(LIMIT).connect())?;
        Ok(Self { runtime, channel })
    }

    /// Is the pod network ready? The reason, where not.
    ///
    /// # Errors
    /// If the runtime refuses, or says no.
    pub fn network_ready(&self) -> Result<()> {
        let reply: StatusResponse = self.call("RuntimeService/Status", StatusRequest {})?;
        let conditions = reply.status.unwrap_or_default().conditions;
        match conditions.iter().find(|c| c.kind == "NetworkReady") {
            Some(network) if network.status => Ok(()),
            Some(network) => bail!("{}: {}", network.reason, network.message),
            None => bail!("no condition NetworkReady"),
        }
    }

    /// Does the runtime's CRI part know the image? It learns of an import only
    /// by an event, later than `ctr` ends.
    ///
    /// # Errors
    /// If it does not.
    pub fn has_image(&self, name: &str) -> Result<()> {
        let request = ImageStatusRequest {
            image: Some(ImageSpec {
                image: name.to_owned(),
            }),
        };
        let reply: ImageStatusResponse = self.call("ImageService/ImageStatus", request)?;
        reply.image.with_context(|| format!("no image {name}"))?;
        Ok(())
    }

    /// Starts a sandbox and returns its id.
    ///
    /// # Errors
    /// What the user of the runtime would read.
    pub fn run(&self, config: PodSandboxConfig) -> Result<String> {
        let request = RunPodSandboxRequest {
            config: Some(config),
            runtime_handler: String::new(),
        };
        let reply: RunPodSandboxResponse = self.call("RuntimeService/RunPodSandbox", request)?;
        Ok(reply.pod_sandbox_id)
    }

    /// Several sandboxes of that handler (the usual one: ""), so many at a time.
    ///
    /// # Errors
    /// The first failure.
    pub fn run_together(
        &self,
        configs: Vec<PodSandboxConfig>,
        handler: &str,
        at_a_time: usize,
    ) -> Result<Vec<Started>> {
        self.each(configs, at_a_time, |channel, config| async move {
            let begin = Instant::now();
            let request = RunPodSandboxRequest {
                config: Some(config),
                runtime_handler: handler.to_owned(),
            };
            let reply: RunPodSandboxResponse =
                unary(channel, "RuntimeService/RunPodSandbox", request).await?;
            Ok(Started {
                id: reply.pod_sandbox_id,
                took: begin.elapsed(),
            })
        })
    }

    /// Stops and removes sandboxes, so many at a time.
    ///
    /// # Errors
    /// The first failure.
    pub fn end_together(&self, ids: Vec<String>, at_a_time: usize) -> Result<()> {
        let ended = self.each(ids, at_a_time, |channel, id| async move {
            for method in [
                "RuntimeService/StopPodSandbox",
                "RuntimeService/RemovePodSandbox",
            ] {
                let id = SandboxId { id: id.clone() };
                let _: Empty = unary(channel.clone(), method, id).await?;
            }
            Ok(())
        });
        ended.map(drop)
    }

    /// The same for each, so many at a time.
    fn each<T, R, F>(
        &self,
        all: Vec<T>,
        at_a_time: usize,
        call: impl Fn(Channel, T) -> F,
    ) -> Result<Vec<R>>
    where
        F: Future<Output = Result<R>>,
    {
        let calls = all.into_iter().map(|one| call(self.channel.clone(), one));
        let calls = stream::iter(calls).buffer_unordered(at_a_time);
        self.runtime.block_on(calls.try_collect())
    }

    /// Addresses and state of a sandbox.
    ///
    /// # Errors
    /// If there is no such sandbox.
    pub fn status(&self, id: &str) -> Result<Sandbox> {
        let request = PodSandboxStatusRequest {
            pod_sandbox_id: id.to_owned(),
        };
        let reply: PodSandboxStatusResponse =
            self.call("RuntimeService/PodSandboxStatus", request)?;
        let status = reply.status.context("a status without status")?;
        let network = status.network.unwrap_or_default();
        let mut addresses = vec![network.ip];
        addresses.extend(network.additional_ips.into_iter().map(|a| a.ip));
        addresses.retain(|a| !a.is_empty());
        Ok(Sandbox {
            addresses,
            ready: status.state == 0,
        })
    }

    /// Stops a sandbox: the first DEL, with namespace and `prevResult`.
    ///
    /// # Errors
    /// If the runtime could not.
    pub fn stop(&self, id: &str) -> Result<()> {
        let _: Empty = self.call(
            "RuntimeService/StopPodSandbox",
            SandboxId { id: id.to_owned() },
        )?;
        Ok(())
    }

    /// Removes a sandbox: the second DEL, without either.
    ///
    /// # Errors
    /// If the runtime could not.
    pub fn remove(&self, id: &str) -> Result<()> {
        let _: Empty = self.call(
            "RuntimeService/RemovePodSandbox",
            SandboxId { id: id.to_owned() },
        )?;
        Ok(())
    }

    fn call<Q, R>(&self, method: &'static str, request: Q) -> Result<R>
    where
        Q: Message + Default + Send + Sync + 'static,
        R: Message + Default + Send + Sync + 'static,
    {
        self.runtime
            .block_on(unary(self.channel.clone(), method, request))
    }
}

async fn unary<Q, R>(channel: Channel, method: &'static str, request: Q) -> Result<R>
where
    Q: Message + Default + Send + Sync + 'static,
    R: Message + Default + Send + Sync + 'static,
{
    let path: PathAndQuery = format!("/runtime.v1.{method}").parse()?;
    let mut client = Grpc::new(channel);
    client.ready().await?;
    let codec: ProstCodec<Q, R> = ProstCodec::default();
    let reply = client
        .unary(tonic::Request::new(request), path, codec)
        .await;
    match reply {
        Ok(reply) => Ok(reply.into_inner()),
        Err(status) => bail!("{method}: {}", status.message()),
    }
}
