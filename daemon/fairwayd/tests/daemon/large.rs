//! A store whose lists are larger than a frame of the socket, and whose proof is larger than a part of one.

use crate::bed::Bed;
use fairway_api::{
    Body, Client, ClientError, Method, Request, VERSION,
    admin::{AddressRow, Audit, IpamAudit, IpamList, PoolRange, PoolSet},
    frame,
};
use fairway_ipam::{
    AttachmentId, Cidr, PoolName,
    keys::Key,
    record::{BlockEntry, BlockRecord, Record, Use},
};
use fairway_kv::{Txn, Write};
use fairway_store::{Location, open};
use std::{
    collections::BTreeMap, io::Write as _, net::Ipv4Addr, os::unix::net::UnixStream, time::Duration,
};

/// Blocks of 64 addresses.
const BLOCKS: u32 = 256;
/// Characters of each container's workload: 256 x 64 of them are more than a frame.
const LONG: usize = 4096;

/// It is read and written many times over, on machines that do other things, too.
const LONG_AFTER: Duration = Duration::from_secs(240);

/// What a node would have told of a block whose containers are all there.
fn block(number: u32) -> Write {
    let first = u32::from(Ipv4Addr::new(10, 8, 0, 0)) + number * 64;
    let entries = (0..64).map(|at| BlockEntry {
        ip: Ipv4Addr::from(first + at).into(),
        seq: 1,
        used: Use::Live {
            attachment: attachment(format!("c{number}-{at}")),
            workload: Some("w".repeat(LONG)),
        },
    });
    put(first, entries.collect())
}

fn attachment(container: String) -> AttachmentId {
    AttachmentId {
        network: "net".into(),
        container,
        ifname: "eth0".into(),
    }
}

fn put(first: u32, entries: Vec<BlockEntry>) -> Write {
    let cidr: Cidr = format!("{}/26", Ipv4Addr::from(first)).parse().unwrap();
    let record = BlockRecord {
        owner: None,
        epoch: 1,
        free: 0,
        entries,
    };
    Write::Put {
        key: Key::Block(PoolName::new("large").unwrap(), cidr).path(),
        value: record.encode(),
        lease: None,
    }
}

/// Puts blocks into the store while nobody runs, and starts the daemon.
fn holding(bed: &mut Bed, blocks: impl Iterator<Item = Write>) -> Client {
    bed.stop();
    let location = Location::Redb(bed.lab.scratch().join("store.redb"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let blocks: Vec<Write> = blocks.collect();
    runtime.block_on(async {
        let store = open(&location).await.unwrap();
        for some in blocks.chunks(4) {
            let (conditions, writes) = (Vec::new(), some.to_vec());
            store.commit(&Txn { conditions, writes }).await.unwrap();
        }
    });
    drop(runtime);
    bed.daemon = Some(bed.launch(&[]));
    bed.answers_within(LONG_AFTER);
    let client = Client::connect(&bed.socket(), Duration::from_secs(5)).unwrap();
    client.answer_timeout(LONG_AFTER)
}

/// `ipam ls` failed here before lists came in parts.
#[test]
fn a_list_that_is_larger_than_a_frame_is_given_whole() {
    let mut bed = Bed::up();
    bed.pool("large", "10.8.0.0/15");
    let mut client = holding(&mut bed, (0..BLOCKS).map(block));
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

/// Blocks that all say of the pool's gateway that 64 containers with long names have it.
fn astray(number: u32) -> Write {
    let first = u32::from(Ipv4Addr::new(10, 8, 0, 0)) + number * 64;
    let entries = (0..64).map(|at| BlockEntry {
        ip: Ipv4Addr::new(10, 8, 0, 1).into(),
        seq: 1,
        used: Use::Live {
            attachment: attachment(format!("{}-{number}-{at}", "c".repeat(LONG))),
            workload: None,
        },
    });
    put(first, entries.collect())
}

/// What is asked as netctl asks, frame by frame: the parts, and the last.
fn frames(bed: &Bed, method: Method) -> Vec<Audit> {
    let mut stream = UnixStream::connect(bed.socket()).unwrap();
    stream.set_read_timeout(Some(LONG_AFTER)).unwrap();
    let (v, trace, parts) = (VERSION, None, true);
    let request = Request {
        v,
        trace,
        parts,
        method,
    };
    let request = frame::encode(&request, frame::MAX_REQUEST).unwrap();
    stream.write_all(&request).unwrap();
    let mut all = Vec::new();
    loop {
        let body = frame::read(&mut stream, frame::MAX_REPLY).unwrap().unwrap();
        let body = body.unwrap();
        // A part, its last row on top, and what is around them.
        let most = frame::PART + 2 * LONG;
        assert!(body.len() < most, "a frame of {} bytes", body.len());
        let (value, last) = match frame::reply(&body).unwrap().body {
            Body::Progress(_) => continue,
            Body::Part(value) => (value, false),
            Body::Ok(value) => (value, true),
            other => panic!("{other:?}"),
        };
        all.push(serde_json::from_value(value).unwrap());
        if last {
            return all;
        }
    }
}

/// The proof of a store that is full of errors: in parts for who asks so, and the same as one for an older netctl.
#[test]
fn an_audit_that_is_larger_than_a_part_is_given_whole() {
    let mut bed = Bed::up();
    bed.pool("large", "10.8.0.0/15");
    let range = PoolRange {
        cidr: "10.8.0.0/15".into(),
        block: None,
        gateway: Some("10.8.0.1".into()),
        exclude: Vec::new(),
        draining: false,
    };
    let set = PoolSet {
        name: "large".into(),
        replace: vec![range],
        ..PoolSet::default()
    };
    let _: fairway_api::admin::Pool = bed.call(Method::PoolSet(set)).unwrap();
    let mut client = holding(&mut bed, (0..48).map(astray));
    let audit = || Method::IpamAudit(IpamAudit::default());
    let one: Audit = client.call_with(audit(), |_| {}).unwrap();
    assert!(frame::size(&one) > 2 * frame::PART);
    let mut kinds = BTreeMap::<&str, u32>::new();
    for finding in &one.findings {
        *kinds.entry(&finding.kind).or_default() += 1;
    }
    assert_eq!(kinds.get("gateway-taken"), Some(&(48 * 64)), "{kinds:?}");
    assert_eq!(one.pools.len(), 2);
    let parts = frames(&bed, audit());
    assert!(parts.len() > 2, "{} frames", parts.len());
    let findings = parts.iter().flat_map(|part| &part.findings);
    assert!(findings.eq(&one.findings), "findings differ");
    let pools = parts.iter().flat_map(|part| &part.pools);
    assert!(pools.eq(&one.pools), "{:?}", one.pools);
    let nodes = parts.iter().flat_map(|part| &part.nodes);
    assert!(nodes.eq(&one.nodes), "{:?}", one.nodes);
    let whole: Audit = client.whole(audit(), |_| {}).unwrap();
    assert!(whole == one, "{} findings", whole.findings.len());
}
