//! The bridge plugin's keys, parsed into what can only be valid.

use crate::trunk;
use fairway_cluster_ipam::{Policy, rates::Asking};
use fairway_cni::{Attachment, Context, FieldError, IfName, Object, Sandbox};
use fairway_iface::{Rates, keys};
use fairway_netfilter::Backend;
use fairway_netlink::{MacAddr, PortVlanRange};

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeConf {
    /// `bridge`: the bridge's name; "cni0".
    pub bridge: IfName,
    /// `isGateway`: the bridge has the gateway's address. Implied by `isDefaultGateway`.
    pub is_gateway: bool,
    /// `isDefaultGateway`: and containers have their default route by it.
    pub is_default_gateway: bool,
    /// `forceAddress`: another address on the bridge is replaced and not an error.
    pub force_address: bool,
    /// `ipMasq`, and `ipMasqBackend` where it is named.
    pub masquerade: Option<Option<Backend>>,
    /// `mtu` in bytes; 0 or absent is the kernel's choice.
    pub mtu: Option<u32>,
    /// `hairpinMode`: frames may go back out of the port they came in by.
    pub hairpin: bool,
    /// `promiscMode`: the bridge itself is promiscuous.
    pub promisc: bool,
    /// `vlan`: the port's untagged VLAN, 1–4094.
    pub vlan: Option<u16>,
    /// `vlanTrunk`: tagged VLANs, disjoint and ascending.
    pub trunk: Vec<PortVlanRange>,
    /// `preserveDefaultVlan`: the port keeps the bridge's default VLAN too.
    pub preserve_default_vlan: bool,
    /// `macspoofchk`: only the container's own hardware address may send.
    pub mac_spoof_check: bool,
    /// `enabledad`: duplicate address detection inside the container.
    pub dad: bool,
    /// Not `disableContainerInterface`: the container's interface is set up.
    pub container_interface: bool,
    /// `portIsolation`: no traffic with other isolated ports.
    pub port_isolation: bool,
    /// `runtimeConfig.mac`, `args.cni.mac` or `MAC` in `CNI_ARGS`.
    pub mac: Option<MacAddr>,
    /// `bandwidth`, and what the workload says: how much the container may send and get.
    pub rates: Rates,
    /// `policy`: it must hold, by the daemon.
    pub policy: bool,
    /// An IPAM plugin is configured; without one the container is on layer 2 only.
    pub has_ipam: bool,
}

impl BridgeConf {
    /// Reads the configuration; an error names the key.
    pub fn parse(context: &Context<'_>) -> Result<Self, FieldError> {
        let root = context.conf.root();
        let vlan = root
            .integer("vlan", 0..=4094)?
            .and_then(|vid| u16::try_from(vid).ok());
        let is_default_gateway = root.flag("isDefaultGateway")?;
        let conf = BridgeConf {
            bridge: match root.parse("bridge")? {
                Some(name) => name,
                None => "cni0"
                    .parse()
                    .map_err(|error| root.invalid("bridge", "cni0", error))?,
            },
            is_gateway: root.flag("isGateway")? || is_default_gateway,
            is_default_gateway,
            force_address: root.flag("forceAddress")?,
            masquerade: keys::masquerade(&root)?,
            mtu: keys::mtu(&root)?,
            hairpin: root.flag("hairpinMode")?,
            promisc: root.flag("promiscMode")?,
            vlan: vlan.filter(|vid| *vid != 0),
            trunk: trunk::parse(&root)?,
            preserve_default_vlan: root.flag("preserveDefaultVlan")?,
            mac_spoof_check: root.flag("macspoofchk")?,
            dad: root.flag("enabledad")?,
            container_interface: !root.flag("disableContainerInterface")?,
            port_isolation: root.flag("portIsolation")?,
            mac: keys::mac(context, None)?,
            rates: Rates::read(context.conf, context.args)?,
            policy: root.flag("policy")?,
            has_ipam: context.conf.ipam_type()?.is_some(),
        };
        if conf.hairpin && conf.promisc {
            return Err(root.invalid(
                "hairpinMode",
                true,
                "cannot go with promiscMode: a frame would come back twice",
            ));
        }
        if conf.has_ipam && !conf.container_interface {
            return Err(root.invalid(
                "disableContainerInterface",
                true,
                "cannot go with ipam: there is no interface to address",
            ));
        }
        conf.can_be_judged(&root)?;
        Ok(conf)
    }

    /// Policy knows a container by its addresses, and sees no further than a tag.
    fn can_be_judged(&self, root: &Object<'_>) -> Result<(), FieldError> {
        let reason = match self.policy {
            true if !self.trunk.is_empty() => {
                "cannot go with vlanTrunk: policy drops frames that are tagged"
            }
            true if !self.has_ipam => {
                "cannot go without ipam: policy knows a container by its addresses"
            }
            _ => return Ok(()),
        };
        Err(root.invalid("policy", true, reason))
    }

    /// What an attachment's policy is asked for with; `None` where none is wanted, and nobody is asked.
    pub fn policy(
        &self,
        context: &Context<'_>,
        attachment: &Attachment,
    ) -> Result<Option<Policy>, FieldError> {
        let policy = self
            .policy
            .then(|| Policy::read(context, attachment, true, None));
        policy.transpose()
    }

    /// What an attachment's rates are asked for with; `None` where none are, and nobody is asked.
    pub fn asking(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
    ) -> Result<Option<Asking>, FieldError> {
        let (attachment, netns) = (&sandbox.attachment, sandbox.netns.as_str());
        let wanted = self.policy || !self.rates.is_empty();
        let asking = wanted.then(|| Asking::read("bridge", context, attachment, netns, None));
        asking.transpose()
    }

    /// VLANs matter for this port.
    pub fn filters_vlans(&self) -> bool {
        self.vlan.is_some() || !self.trunk.is_empty()
    }
}

#[cfg(test)]
mod tests;
