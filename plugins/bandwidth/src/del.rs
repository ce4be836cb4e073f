//! DEL: total, and mostly with little to do, for the links are about to go.
//!
//! It reads none of the plugin's own keys, so that what was set up under an older configuration goes as well.
//! Where the daemon takes the plugin's word back, the limits that are left are the daemon's: others may have asked
//! as well. A limit is only taken off a link that is known for this attachment's: by `prevResult` and its hardware
//! address, or by the mark that our plugins leave. What bears the name by now may be another container's.

use fairway_cluster_ipam::{
    Daemon,
    rates::{Asking, Keep},
};
use fairway_cni::{CniResult, Context, Detach, Failure};
use fairway_iface::{Error, Owner, Rates, Space};
use fairway_netlink::{Handle, Link};

use crate::reference::Reference;
use crate::{asking, links};

pub(crate) fn del(context: &Context<'_>, gone: &Detach) -> Result<(), Failure> {
    let owner = Owner::new(context.conf.name.as_str(), &gone.attachment);
    let mut host = Handle::open().map_err(Error::from)?;
    let prev = context.conf.prev_result().ok().flatten();
    let mut failures = Vec::new();
    let netns = gone.netns.as_deref();
    let container = Handle::open_if_there(netns).unwrap_or_else(|error| {
        failures.push(Error::from(error).into());
        None
    });
    let container = container.map(|handle| Box::new(handle) as Box<dyn Space>);
    let netns = netns.unwrap_or_default();
    let asking = asking(context, &gone.attachment, netns);
    let daemon = Daemon::from_env().for_release();
    let by = asking.as_ref().ok().map(|asking| (asking, &daemon as _));
    let prev = prev.unwrap_or_default();
    failures.extend(lift(&mut host, container, owner, &prev, by));
    Failure::collect(failures).map_or(Ok(()), Err)
}

/// Takes off what is there: the reference plugin's device, the host's end's limit, the container's.
pub(crate) fn lift(
    host: &mut dyn Space,
    container: Option<Box<dyn Space>>,
    owner: Owner<'_>,
    prev: &CniResult,
    by: Option<(&Asking, &dyn Keep)>,
) -> Vec<Failure> {
    let theirs = Reference::new(owner.network, owner.container_id);
    let mut failures: Vec<Failure> = Vec::new();
    failures.extend(theirs.remove(host).err().map(Failure::from));
    let mut ends = Vec::new();
    match known(host, owner, prev) {
        Ok(known) => ends = known,
        Err(error) => failures.push(error.into()),
    }
    if let Some(end) = ends.first()
        && by.is_some_and(|by| is_taken_back(by, end))
    {
        return failures;
    }
    for end in &ends {
        let removed = fairway_shape::remove(host, end.index);
        failures.extend(removed.err().map(|error| Error::from(error).into()));
    }
    if let Some(mut container) = container {
        let lifted = inside(container.as_mut(), owner.ifname, &ends);
        failures.extend(lifted.err().map(Failure::from));
    }
    failures
}

/// Does the daemon know by now that nothing is asked for any more? What it says against it keeps no container
/// from ending.
fn is_taken_back((asking, by): (&Asking, &dyn Keep), end: &Link) -> bool {
    asking
        .ask(by, end, &Rates::default())
        .unwrap_or_else(|failure| {
            eprintln!("fairway: {failure}");
            false
        })
}

/// The host's ends that are this attachment's.
fn known(host: &mut dyn Space, owner: Owner<'_>, prev: &CniResult) -> Result<Vec<Link>, Error> {
    let mut ends: Vec<Link> = Vec::new();
    for named in links::outside(prev) {
        let Some(link) = host.link_by_name(&named.name)? else {
            continue;
        };
        let mac = link.mac.map(|mac| mac.to_string()).unwrap_or_default();
        let same = named
            .mac
            .as_ref()
            .is_some_and(|known| known.eq_ignore_ascii_case(&mac));
        let others = Owner::marks(&link) && !owner.owns(&link);
        if link.is_veth() && same && !others {
            ends.push(link);
        }
    }
    // A result before 0.3.0 names none.
    if let Some(link) = fairway_iface::veth::find(host, owner)?
        && ends.iter().all(|end| end.index != link.index)
    {
        ends.push(link);
    }
    Ok(ends)
}

fn inside(container: &mut dyn Space, ifname: &str, ends: &[Link]) -> Result<(), Error> {
    let Some(link) = container.link_by_name(ifname)? else {
        return Ok(());
    };
    if ends.iter().any(|end| links::joined(&link, end)) {
        fairway_shape::remove(container, link.index)?;
    }
    Ok(())
}
