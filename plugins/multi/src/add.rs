//! ADD.

use crate::{
    boot,
    conf::{MultiConf, state_dir},
    definition::Ask,
    error::Error,
    plan,
    record::Record,
    routes,
    store::Store,
    wire::Caller,
};
use fairway_cni::{CniResult, Context, Failure, FieldError, Object, Sandbox, Steps};
use fairway_netlink::{Handle, NetNs, Netlink};

/// Whether all that was undone could be undone.
#[derive(Default)]
struct Undone {
    left: bool,
}

/// The container's side of the kernel, once it is needed.
pub type Inside<'i> = &'i dyn Fn(&str) -> Result<Box<dyn Netlink>, Error>;

/// The real one.
///
/// # Errors
/// Where there is no such namespace.
pub fn inside(netns: &str) -> Result<Box<dyn Netlink>, Error> {
    Ok(Box::new(Handle::open_in(&NetNs::open(netns)?)?))
}

/// A container's first interface is a network's of this plugin.
pub(crate) fn must_be_first(root: &Object<'_>) -> Result<(), FieldError> {
    match root.get("prevResult") {
        Some(prev) => Err(prev.invalid("is of a plugin before multi, which comes first in a list")),
        None => Ok(()),
    }
}

pub(crate) fn add(
    context: &Context<'_>,
    sandbox: &Sandbox,
    (inside, daemon): (Inside<'_>, &dyn Ask),
) -> Result<CniResult, Failure> {
    let root = context.conf.root();
    must_be_first(&root)?;
    let conf = MultiConf::read(&root)?;
    let attachment = &sandbox.attachment;
    let store = Store::new(state_dir(&root)?, context.conf.name.clone());
    store.must_fit(attachment)?;
    let wires = plan::wires(&conf, context, &attachment.ifname, daemon)?;
    let caller = Caller {
        delegates: context.delegates,
        container: &attachment.container_id,
        netns: Some(&sandbox.netns),
    };
    let boot = boot::id()?;
    clear(&store, caller, sandbox, &boot)?;
    let mut record = Record {
        network: context.conf.name.clone(),
        attachment: attachment.clone(),
        boot,
        netns: sandbox.netns.clone(),
        // What a runtime says of its containers counts.
        identity: None,
        wires: wires.clone(),
        results: Vec::new(),
    };
    Steps::run(&mut Undone::default(), |undone, steps| {
        steps.push("record", |undone: &mut Undone| match undone.left {
            // Or a DEL would not know what is still to be done.
            true => Ok(()),
            false => Ok(store.remove(attachment)?),
        });
        store.write(&record)?;
        for wire in &wires {
            let result = wire.add(caller).map_err(|failed| {
                undone.left |= !failed.is_undone;
                failed.failure
            })?;
            let prev = result.clone();
            steps.push("network", move |undone| {
                let failures = wire.del(caller, Some(&prev));
                undone.left |= !failures.is_empty();
                Failure::collect(failures).map_or(Ok(()), Err)
            });
            record.results.push(result);
            if record.results.len() < wires.len() {
                store.write(&record)?;
            }
        }
        // One network has nobody to share default routes with.
        if wires.len() > 1 {
            let mut container = inside(&sandbox.netns)?;
            routes::settle(container.as_mut(), &wires, &mut record.results)?;
        }
        store.write(&record)?;
        // The first network's alone: a runtime takes every address in a result for the pod's.
        Ok(record.results.first().cloned().unwrap_or_default())
    })
}

/// One who has networks must lose them first; but those of an earlier boot are gone with it, and only what outlives
/// a boot, addresses say, is left to be undone.
fn clear(store: &Store, caller: Caller<'_>, sandbox: &Sandbox, boot: &str) -> Result<(), Failure> {
    let attachment = &sandbox.attachment;
    let former = match store.read(attachment) {
        Ok(former) => former,
        // Whatever it was: where an interface is left, its network's plugin refuses.
        Err(error @ Error::Damaged { .. }) => {
            eprintln!("fairway: {error}");
            None
        }
        Err(error) => return Err(error.into()),
    };
    let Some(former) = former else {
        return Ok(());
    };
    if former.boot == boot {
        return Err(Error::Attached {
            container: attachment.container_id.as_str().to_owned(),
            ifname: attachment.ifname.as_str().to_owned(),
        }
        .into());
    }
    let caller = Caller {
        netns: None,
        ..caller
    };
    let failures = former
        .wires()
        .rev()
        .flat_map(|(wire, result)| wire.del(caller, result));
    Failure::collect(failures).map_or(Ok(()), Err)
}
