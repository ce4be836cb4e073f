//! The ptp plugin's keys.

use fairway_cni::{Context, FieldError};
use fairway_iface::keys;
use fairway_netfilter::Backend;

/// What the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PtpConf {
    /// `ipMasq`, and `ipMasqBackend` where it is named.
    pub(crate) masquerade: Option<Option<Backend>>,
    /// `mtu` in bytes; 0 or absent is the kernel's choice.
    pub(crate) mtu: Option<u32>,
}

impl PtpConf {
    /// Reads the configuration; an error names the key. Without `ipam` there is nothing to route.
    pub(crate) fn parse(context: &Context<'_>) -> Result<Self, FieldError> {
        let root = context.conf.root();
        let conf = PtpConf {
            masquerade: keys::masquerade(&root)?,
            mtu: keys::mtu(&root)?,
        };
        match context.conf.ipam_type()? {
            Some(_) => Ok(conf),
            None => Err(FieldError::Missing {
                path: "ipam.type".to_owned(),
            }),
        }
    }
}
