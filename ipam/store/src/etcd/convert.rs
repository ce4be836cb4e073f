//! Our words in etcd's, and the reverse.

use etcd_client::{Compare, CompareOp, KeyValue, PutOptions, TxnOp};
use fairway_kv::{Condition, Entry, Revision, Write};

pub(super) fn revision(number: i64) -> Revision {
    Revision(u64::try_from(number).unwrap_or(0))
}

pub(super) fn entry(kv: &KeyValue) -> Entry {
    Entry {
        key: String::from_utf8_lossy(kv.key()).into_owned(),
        value: kv.value().to_owned(),
        created: revision(kv.create_revision()),
        modified: revision(kv.mod_revision()),
    }
}

/// The first key after all those with a prefix; `\0` for all keys.
pub(super) fn range_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

pub(super) fn compare(condition: &Condition) -> Compare {
    match condition {
        Condition::Absent { key } => Compare::create_revision(key.as_str(), CompareOp::Equal, 0),
        Condition::Unchanged { key, modified } => {
            // A revision of 0 is etcd's word for an absent key, and none of ours.
            let number = i64::try_from(modified.0).unwrap_or(i64::MAX);
            let number = if number == 0 { i64::MAX } else { number };
            Compare::mod_revision(key.as_str(), CompareOp::Equal, number)
        }
    }
}

pub(super) fn operation(write: &Write) -> TxnOp {
    match write {
        Write::Put { key, value, lease } => {
            let options = lease.map(|lease| PutOptions::new().with_lease(lease.0));
            TxnOp::put(key.as_str(), value.as_slice(), options)
        }
        Write::Delete { key } => TxnOp::delete(key.as_str(), None),
    }
}
