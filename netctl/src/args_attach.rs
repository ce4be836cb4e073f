//! What `attach` and `detach` take.

use crate::attach::{Asked, TargetArg};
use clap::Args;
use fairway_cni::{ContainerId, IfName, NetworkName};
use ipnetwork::IpNetwork;
use std::{net::IpAddr, path::PathBuf, str::FromStr};

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The container: a process of it, the path of its network namespace, or the namespace's name in /run/netns
    #[arg(value_name = "NETNS|PID")]
    pub(crate) target: TargetArg,
    /// The name of a network: of a configuration in the runtimes' folder, else of the daemon
    pub(crate) network: NetworkName,
    /// The interface's name in the container
    #[arg(long, value_name = "NAME", default_value = "eth1")]
    pub(crate) ifname: IfName,
    /// This very address, one of each family at most
    #[arg(long = "address", value_name = "ADDRESS", value_delimiter = ',')]
    addresses: Vec<AddressArg>,
    /// Addresses of this pool
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// The addresses of this claim
    #[arg(long, value_name = "NAME")]
    claim: Option<String>,
    /// When the claim's addresses are given back: on-delete, on-app-delete, on-scale-down, after:TIME or never
    #[arg(long, value_name = "WHEN")]
    release: Option<String>,
    /// Who the container is, for policies, limits and claims
    #[arg(long, value_name = "NAMESPACE/POD")]
    workload: Option<WorkloadArg>,
    /// The interface's hardware address
    #[arg(long, value_name = "MAC")]
    mac: Option<String>,
    /// The network's configuration, instead of the runtimes' folder and the daemon
    #[arg(long, value_name = "FILE")]
    pub(crate) conf: Option<PathBuf>,
    /// The runtimes' folder of configurations
    #[arg(
        long,
        env = "NETCONFPATH",
        value_name = "FOLDER",
        default_value = "/etc/cni/net.d",
        hide_env_values = true
    )]
    pub(crate) conf_dir: PathBuf,
    /// Change nothing; look whether what is attached is as it was
    #[arg(long, conflicts_with_all = ["addresses", "pool", "claim", "release", "workload", "mac", "conf"])]
    pub(crate) check: bool,
    /// What plugins are to call the container, instead of a name that is made of NETNS|PID
    #[arg(long, value_name = "ID")]
    pub(crate) container: Option<ContainerId>,
    /// Where plugins are, with colons between [default: /opt/cni/bin:/usr/lib/cni:/usr/libexec/cni]
    #[arg(
        long = "plugin-path",
        env = "CNI_PATH",
        value_name = "FOLDERS",
        hide_env_values = true
    )]
    pub(crate) plugins: Option<String>,
    /// Where it is kept what is attached [default: /var/lib/cni/fairway-attach]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DetachArgs {
    /// The container, as it was given to `attach`; it may be gone
    #[arg(value_name = "NETNS|PID")]
    pub(crate) target: TargetArg,
    /// From this network only
    pub(crate) network: Option<NetworkName>,
    /// This interface only
    #[arg(long, value_name = "NAME")]
    pub(crate) ifname: Option<IfName>,
    /// What plugins call the container, where `attach` was told
    #[arg(long, value_name = "ID")]
    pub(crate) container: Option<ContainerId>,
    /// Where plugins are, with colons between [default: /opt/cni/bin:/usr/lib/cni:/usr/libexec/cni]
    #[arg(
        long = "plugin-path",
        env = "CNI_PATH",
        value_name = "FOLDERS",
        hide_env_values = true
    )]
    pub(crate) plugins: Option<String>,
    /// Where it is kept what is attached [default: /var/lib/cni/fairway-attach]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
}

/// An address; with a prefix's length, as pipework had it, that is the network's to say and is left out.
#[derive(Debug, Clone, Copy)]
struct AddressArg(IpAddr);

impl FromStr for AddressArg {
    type Err = String;

    fn from_str(text: &str) -> Result<AddressArg, String> {
        let network: Result<IpNetwork, _> = text.parse();
        network
            .map(|network| AddressArg(network.ip()))
            .map_err(|_| "is no address".to_owned())
    }
}

#[derive(Debug, Clone)]
struct WorkloadArg(String, String);

impl FromStr for WorkloadArg {
    type Err = String;

    fn from_str(text: &str) -> Result<WorkloadArg, String> {
        let plain = |part: &str| {
            let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            !part.is_empty() && part.bytes().all(name)
        };
        match text.split_once('/') {
            Some((namespace, pod)) if plain(namespace) && plain(pod) => {
                Ok(WorkloadArg(namespace.to_owned(), pod.to_owned()))
            }
            _ => Err("is not NAMESPACE/POD".to_owned()),
        }
    }
}

impl AttachArgs {
    pub(crate) fn asked(&self) -> Asked {
        let workload = self.workload.clone();
        Asked {
            ifname: self.ifname.clone(),
            addresses: self.addresses.iter().map(|address| address.0).collect(),
            pool: self.pool.clone(),
            claim: self.claim.clone(),
            release: self.release.clone(),
            workload: workload.map(|WorkloadArg(namespace, pod)| (namespace, pod)),
            mac: self.mac.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_a_length_and_workloads_have_two_names() {
        for text in ["10.0.0.9", "10.0.0.9/24"] {
            let AddressArg(address) = text.parse().unwrap();
            assert_eq!(address.to_string(), "10.0.0.9");
        }
        assert!("10.0.0".parse::<AddressArg>().is_err());
        assert!("shop/db-0".parse::<WorkloadArg>().is_ok());
        for wrong in ["shop", "shop/", "/db", "a/b/c", "a/b;c=d", "a/b c"] {
            assert!(wrong.parse::<WorkloadArg>().is_err(), "{wrong}");
        }
    }
}
