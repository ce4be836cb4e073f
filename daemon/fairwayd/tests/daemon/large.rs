//! A store whose lists are larger than a frame of the socket.

use crate::bed::Bed;
use fairway_api::{
    Client, ClientError, Method,
    admin::{AddressRow, IpamList},
    frame,
};
use fairway_ipam::{
    AttachmentId, Cidr, PoolName,
    keys::Key,
    record::{BlockEntry, BlockRecord, Record, Use},
};
use fairway_kv::{Txn, Write};
use fairway_store::{Location, open};
use std::{net::Ipv4Addr, time::Duration};

/// Blocks of 64 addresses.
const BLOCKS: u32 = 256;
/// Characters of each container's workload: 256 x 64 of them are more than a frame.
const LONG: usize = 4096;

/// It is read and written many times over, on machines that do other things, too.
const LONG_AFTER: Duration = Duration::from_secs(240);

/// What a node would have told of a block whose containers are all there.
fn block(number: u32) -> Write {
    let first = u32::from(Ipv4Addr::new(10, 8, 0, 0)) + number * 64;
    let cidr: Cidr = format!("{}/26", Ipv4Addr::from(first)).parse().unwrap();
    let entries = (0..64).map(|at| BlockEntry {
        ip: Ipv4Addr::from(first + at).into(),
        seq: 1,
        used: Use::Live {
            attachment: AttachmentId {
                network: "net".into(),
                container: format!("c{number}-{at}"),
                ifname: "eth0".into(),
            },
            workload: Some("w".repeat(LONG)),
        },
    });
    let record = BlockRecord {
        owner: None,
        epoch: 1,
        free: 0,
        entries: entries.collect(),
    };
    Write::Put {
        key: Key::Block(PoolName::new("large").unwrap(), cidr).path(),
        value: record.encode(),
        lease: None,
    }
}

/// `ipam ls` failed here before lists came in parts.
#[test]
fn a_list_that_is_larger_than_a_frame_is_given_whole() {
    let mut bed = Bed::up();
    bed.pool("large", "10.8.0.0/15");
    bed.stop();
    let location = Location::Redb(bed.lab.scratch().join("store.redb"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&location).await.unwrap();
        for first in (0..BLOCKS).step_by(4) {
            let writes = (first..BLOCKS.min(first + 4)).map(block).collect();
            let conditions = Vec::new();
            store.commit(&Txn { conditions, writes }).await.unwrap();
        }
    });
    drop(runtime);
    bed.daemon = Some(bed.launch(&[]));
    bed.answers_within(LONG_AFTER);
    let client = Client::connect(&bed.socket(), Duration::from_secs(5)).unwrap();
    let mut client = client.answer_timeout(LONG_AFTER);
    let list = Method::IpamList(IpamList::default());
    match client.call::<Vec<AddressRow>>(list.clone()) {
        Err(ClientError::Refused(body)) => assert_eq!(body.code, 999, "{body}"),
        other => panic!("it fits into a frame: {:?}", other.map(|rows| rows.len())),
    }
    let rows: Vec<AddressRow> = client.list(list, |_| {}).unwrap();
    assert_eq!(rows.len(), 64 * BLOCKS as usize);
    assert!(frame::size(&rows) > frame::MAX_REPLY);
    let mut addresses: Vec<_> = rows.iter().map(|row| row.ip).collect();
    addresses.dedup();
    assert!(addresses.is_sorted() && addresses.len() == rows.len());
}
