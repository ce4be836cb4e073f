//! The index, built from the files themselves.

use crate::{
    error::StoreError,
    folder::{AddressFile, Folder},
    index::{Index, Slot, key_of},
    mark::{self, Mark},
    record::Record,
    session::Trust,
    store::Store,
};
use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::IpAddr,
};

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
        store.identity(),
        old.map(Index::identity).unwrap_or_default(),
    );
    // Of a machine's clone that shares the folder this cannot be told: both have the same machine's id.
    let alone = folder.is_local();
    let rebooted = alone && now.other_boot_of_this_machine(&then);
    let same_machine = alone && now.machine.is_some() && now.machine == then.machine;
    let before = |slot: &Slot, mark: Mark| {
        slot.mark == mark && (rebooted || same_machine && slot.earlier_boot)
    };

    // Another machine's clock may have stamped the files of a shared folder: there nothing is settled.
    let begin = mark::now();
    let mut slots = Vec::new();
    let mut doubt = false;
    for ip in folder.addresses()? {
        let known = known.get(&ip);
        let same = |slot: &&Slot| {
            slot.settled
                && folder
                    .mark(ip)
                    .is_ok_and(|now| now == Some((slot.mark, slot.size)))
        };
        if trust < Trust::Read
            && let Some(slot) = known.filter(same)
        {
            slots.push(*slot);
            continue;
        }
        let (file, unreadable) = match folder.address_file(ip) {
            Ok(Some(file)) => (file, false),
            Ok(None) => continue,
            // One bad block must not take the whole network down: taken, by whom the next one may learn.
            Err(_) => (AddressFile::unreadable(), true),
        };
        doubt |= unreadable;
        let AddressFile { mark, size, record } = file;
        let (key, earlier_boot) = match record {
            Record::Owner { id, ifname } => {
                // A word by itself may be somebody's note, to keep the address out of use.
                let earlier_boot = ifname.is_some() && known.is_some_and(|slot| before(slot, mark));
                (key_of(id.as_str()), earlier_boot)
            }
            Record::Torn if folder.remove(ip).is_ok() => {
                tell_removed(folder, ip, size);
                continue;
            }
            // No container's, so no boot ends it.
            Record::Torn | Record::Other => match known {
                Some(slot) if unreadable => (slot.key, false),
                _ => (nobodys_key(ip), false),
            },
        };
        slots.push(Slot {
            key,
            ip,
            mark,
            size,
            earlier_boot,
            settled: alone && mark.settled(begin),
        });
    }
    let kept = old.map(Index::spans).unwrap_or_default();
    let spans = if store.spans.is_empty() {
        kept
    } else {
        &store.spans
    };
    let mut index = Index::build(&store.home, now, spans, &slots, mark::seconds());
    if doubt {
        index.doubt();
    }
    Ok(index)
}

/// Found by nobody's id; spread over the table.
pub(crate) fn nobodys_key(ip: IpAddr) -> u64 {
    key_of(&format!("\n{ip}"))
}

/// On stderr, which runtimes log: somebody may have made the file by hand.
pub(crate) fn tell_removed(folder: &Folder, ip: IpAddr, size: u32) {
    let path = folder.path_of(&ip.to_string());
    let _ = writeln!(
        io::stderr(),
        "host-local: removed {}, {size} bytes, empty or with zeros: the remains of a power cut",
        path.display()
    );
}
