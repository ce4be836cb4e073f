//! `vlan`: the container's port is an access port.

/// x
pub(super) fn pvid_untagged() -> anyhow::Result<()> {
    Ok(())
}
