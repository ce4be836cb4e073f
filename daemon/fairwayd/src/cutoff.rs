//! Takes addresses away from a container that must not use them any more.
//!
//! It happens where a node was thought dead, its block was given on, and it comes back: somebody else has
//! the address by now; and where an administrator takes an address or a claim from it by force. Done inside the container's namespace if that is still the one that was recorded;
//! else the host's end of its link is set down. Doing it twice does no harm.

use crate::{alias::alias, code::Coded, news::news};
use fairway_cni::Code;
use fairway_ipam::{AttachmentId, Netns};
use fairway_netlink::{Handle, LinkChange, NetNs, Netlink, NsError};
use std::net::IpAddr;
use tracing::error;

/// What is to be cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whose.
    pub attachment: AttachmentId,
    /// Where it is.
    pub netns: Option<Netns>,
    /// Which addresses.
    pub addresses: Vec<IpAddr>,
}

/// Why a container could not be cut off in one way.
#[derive(Debug, thiserror::Error)]
enum CutOffError {
    #[error("where it is was never told")]
    Unknown,
    #[error("{path} is another namespace by now", path = .0)]
    Another(String),
    #[error(transparent)]
    Namespace(#[from] NsError),
    #[error(transparent)]
    Netlink(#[from] fairway_netlink::Error),
    #[error("no link of the host is its own")]
    NoLink,
}

impl Coded for CutOffError {
    fn code(&self) -> Code {
        match self {
            CutOffError::Unknown | CutOffError::Another(_) | CutOffError::Namespace(_) => {
                Code::INVALID_NETNS
            }
            CutOffError::Netlink(error) => error.code(),
            CutOffError::NoLink => Code::KERNEL,
        }
    }
}

/// A container that goes on using addresses which are not its own.
#[derive(Debug, thiserror::Error)]
#[error("{attachment} CANNOT be cut off: {inside}; {outside}. End it by hand")]
pub struct Uncut {
    attachment: AttachmentId,
    inside: CutOffError,
    outside: CutOffError,
}

impl Uncut {
    /// Nothing of it can be seen on this node: it was never told where it is, and no link names it.
    pub fn is_nowhere(&self) -> bool {
        matches!(
            (&self.inside, &self.outside),
            (CutOffError::Unknown, CutOffError::NoLink)
        )
    }
}

/// Cuts off, and says so in the log, whether it worked or not.
///
/// # Errors
/// Where the container is there and cannot be cut off.
pub fn cut_off(target: &Target) -> Result<(), Box<Uncut>> {
    let Target {
        attachment,
        addresses,
        ..
    } = target;
    let inside = match inside(target) {
        Ok(0) => {
            news!(warn, "{attachment}: {addresses:?} were taken away before");
            return Ok(());
        }
        Ok(_) => {
            error!("{attachment}: {addresses:?} were taken away: they are not its own any more");
            return Ok(());
        }
        Err(error) => error,
    };
    match outside(target) {
        Ok(link) => error!(
            code = inside.number(),
            "{attachment}: its link {link} was set down: {addresses:?} are not its own any more ({inside})"
        ),
        Err(CutOffError::NoLink) if is_gone(&inside) => {
            news!(
                warn,
                code = inside.number(),
                "{attachment}: nothing to cut off: {inside}, and no link of the host is its own"
            );
        }
        Err(outside) => {
            let uncut = Box::new(Uncut {
                attachment: attachment.clone(),
                inside,
                outside,
            });
            news!(
                error,
                code = uncut.outside.number(),
                "{uncut}; others have {addresses:?}"
            );
            return Err(uncut);
        }
    }
    Ok(())
}

fn is_gone(error: &CutOffError) -> bool {
    match error {
        CutOffError::Another(_) => true,
        CutOffError::Namespace(error) => error.is_no_namespace(),
        _ => false,
    }
}

/// Removes the addresses inside the namespace; tells how many there were.
fn inside(target: &Target) -> Result<usize, CutOffError> {
    let netns = target.netns.as_ref().ok_or(CutOffError::Unknown)?;
    let there = NetNs::open_same(&netns.path, (netns.device, netns.inode))?;
    let there = there.ok_or_else(|| CutOffError::Another(netns.path.clone()))?;
    let mut handle = Handle::open_in(&there)?;
    let mut removed = 0;
    for address in handle.addresses(None)? {
        if target.addresses.contains(&address.ip.ip()) {
            removed += usize::from(handle.delete_address(address.index, address.ip)?);
        }
    }
    Ok(removed)
}

/// Sets the host's end down; tells its name.
fn outside(target: &Target) -> Result<String, CutOffError> {
    let wanted = alias(&target.attachment);
    let mut handle = Handle::open()?;
    let links = handle.links()?;
    let link = links
        .into_iter()
        .find(|link| link.alias.as_ref() == Some(&wanted))
        .ok_or(CutOffError::NoLink)?;
    let down = LinkChange {
        up: Some(false),
        ..LinkChange::default()
    };
    handle.change_link(link.index, &down)?;
    Ok(link.name)
}
