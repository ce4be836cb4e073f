//! The index, built from the files themselves.

use crate::{
    error::StoreError,
    folder::{AddressFile, Folder},
    index::{Index, Slot, key_of},
    mark::Mark,
    record::Record,
    session::Trust,
    store::Store,
};
use std::{collections::HashMap, net::IpAddr};

/// Builds the index from the files, and removes those that belong to nobody.
///
/// What `old` knows of a file that is still the same need not be read again, and tells what stands from
/// an earlier boot: only what we had indexed ourselves under that boot, and that has not been touched
/// since, can be told for certain from what the reference plugin has written since this boot.
pub(crate) fn rebuild(
    store: &Store,
    folder: &Folder,
    old: Option<&Index>,
    trust: Trust,
) -> Result<Index, StoreError> {
    let known: HashMap<IpAddr, Slot> = old
        .and_then(|old| old.slots().ok())
        .map(|slots| slots.into_iter().map(|slot| (slot.ip, slot)).collect())
        .unwrap_or_default();
    let (now, then) = (
        &store.identity,
        old.map(Index::identity).unwrap_or_default(),
    );
    let rebooted = now.other_boot_of_this_machine(&then);
    let same_machine = now.machine.is_some() && now.machine == then.machine;
    let before = |slot: &Slot, mark: Mark| {
        slot.mark == mark && (rebooted || same_machine && slot.earlier_boot)
    };

    let mut slots = Vec::new();
    for ip in folder.addresses()? {
        let known = known.get(&ip);
        if trust < Trust::Read
            && let Some(slot) = known
            && folder.mark(ip)? == Some((slot.mark, slot.size))
        {
            slots.push(*slot);
            continue;
        }
        let Some(AddressFile { mark, size, record }) = folder.address_file(ip)? else {
            continue;
        };
        let (key, earlier_boot) = match record {
            Record::Owner { id, .. } => {
                let earlier_boot = known.is_some_and(|slot| before(slot, mark));
                (key_of(id.as_str()), earlier_boot)
            }
            Record::Torn if folder.remove(ip).is_ok() => continue,
            // Found by nobody's id; spread over the table. No container's, so no boot ends it.
            Record::Torn | Record::Other => (key_of(&format!("\n{ip}")), false),
        };
        slots.push(Slot {
            key,
            ip,
            mark,
            size,
            earlier_boot,
        });
    }
    let kept = old.map(Index::spans).unwrap_or_default();
    let spans = if store.spans.is_empty() {
        kept
    } else {
        &store.spans
    };
    Ok(Index::build(&store.home, *now, spans, &slots))
}
