//! What `attach -o json` writes, for its schema: the result of an ADD as CNI 1.1.0 has it (section "ADD Success" of
//! the specification). Older configurations get the form of their version.

#![expect(
    dead_code,
    reason = "it is a description: what is described comes from plugins"
)]

use schemars::JsonSchema;

/// The result of an ADD.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CniResult {
    /// The version that the result is of.
    cni_version: String,
    /// Links that were made or used, the host's and the container's.
    #[serde(default)]
    interfaces: Vec<Interface>,
    /// The container's addresses.
    #[serde(default)]
    ips: Vec<Ip>,
    /// Its routes.
    #[serde(default)]
    routes: Vec<Route>,
    /// Its resolver.
    #[serde(default)]
    dns: Dns,
}

/// A link.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Interface {
    /// Its name.
    name: String,
    /// Its hardware address.
    #[serde(default)]
    mac: Option<String>,
    /// Its MTU in bytes.
    #[serde(default)]
    mtu: Option<u32>,
    /// The namespace that it is in; absent: the host's.
    #[serde(default)]
    sandbox: Option<String>,
    /// A socket instead of a link.
    #[serde(default)]
    socket_path: Option<String>,
    /// A PCI function.
    #[serde(default, rename = "pciID")]
    pci_id: Option<String>,
}

/// An address.
#[derive(JsonSchema)]
struct Ip {
    /// With the length of its prefix.
    address: String,
    /// Its subnet's gateway.
    #[serde(default)]
    gateway: Option<String>,
    /// Which of the links it is on.
    #[serde(default)]
    interface: Option<u32>,
}

/// A route.
#[derive(JsonSchema)]
struct Route {
    /// Where to.
    dst: String,
    /// By whom.
    #[serde(default)]
    gw: Option<String>,
    /// Path MTU in bytes.
    #[serde(default)]
    mtu: Option<u32>,
    /// Segment size in bytes.
    #[serde(default)]
    advmss: Option<u32>,
    /// Metric.
    #[serde(default)]
    priority: Option<u32>,
    /// Routing table.
    #[serde(default)]
    table: Option<u32>,
    /// Scope.
    #[serde(default)]
    scope: Option<u8>,
}

/// A resolver.
#[derive(Default, JsonSchema)]
struct Dns {
    /// Servers.
    #[serde(default)]
    nameservers: Vec<String>,
    /// The domain.
    #[serde(default)]
    domain: Option<String>,
    /// Domains to look in.
    #[serde(default)]
    search: Vec<String>,
    /// More options.
    #[serde(default)]
    options: Vec<String>,
}

/// What `detach` has taken away.
#[derive(JsonSchema)]
pub(crate) struct Detached {
    /// The network.
    network: String,
    /// What plugins called the container.
    container: String,
    /// The interface.
    ifname: String,
}
