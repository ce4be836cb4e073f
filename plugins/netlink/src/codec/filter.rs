//! clsact and cls_bpf. netlink-packet-route has no types for them.

use std::os::fd::AsRawFd;

use crate::filter::{ClsactHook, Filter, FilterId, FilterProgram, FilterSpec};
use crate::raw::attr::{Attr, Attrs, TooLong, Writer};

/// Length of `struct tcmsg`.
const HEADER: usize = 20;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_CLASSID: u16 = 3;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_FLAGS: u16 = 8;
const TCA_BPF_TAG: u16 = 10;
const TCA_BPF_ID: u16 = 11;
const TCA_BPF_FLAG_ACT_DIRECT: u32 = 1;

const TC_H_CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;
const TC_H_MIN_INGRESS: u32 = 0xfff2;
const TC_H_MIN_EGRESS: u32 = 0xfff3;
const ETH_P_ALL: u16 = 3;

const CLSACT: &str = "clsact";
const BPF: &str = "bpf";

pub(super) fn header(index: u32, handle: u32, parent: u32, info: u32) -> Writer {
    let mut bytes = [0; HEADER];
    let words = [0, index, handle, parent, info];
    for (at, word) in bytes.chunks_exact_mut(4).zip(words) {
        at.copy_from_slice(&word.to_ne_bytes());
    }
    Writer::with_header(&bytes)
}

const fn parent(hook: ClsactHook) -> u32 {
    match hook {
        ClsactHook::Ingress => CLSACT_HANDLE | TC_H_MIN_INGRESS,
        ClsactHook::Egress => CLSACT_HANDLE | TC_H_MIN_EGRESS,
    }
}

/// Adds or deletes the clsact qdisc.
pub(crate) fn clsact(index: u32) -> Result<Vec<u8>, TooLong> {
    let mut writer = header(index, CLSACT_HANDLE, TC_H_CLSACT, 0);
    writer.put_str(TCA_KIND, CLSACT);
    writer.finish()
}

/// Asks for the qdiscs of a link.
pub(crate) fn list_qdiscs(index: u32) -> Result<Vec<u8>, TooLong> {
    header(index, 0, 0, 0).finish()
}

/// Reads an RTM_NEWQDISC: is it the link's clsact?
pub(crate) fn is_clsact(body: &[u8], index: u32) -> Option<bool> {
    let [of, ..] = words(body)?;
    let kind = Attrs::after(HEADER, body).find_kind(TCA_KIND)?;
    Some(of == index && kind.text() == CLSACT)
}

/// Sets a filter.
pub(crate) fn put(spec: &FilterSpec<'_>) -> Result<Vec<u8>, TooLong> {
    let mut writer = of(&spec.id);
    writer.put_str(TCA_KIND, BPF);
    writer.nest(TCA_OPTIONS, |options| {
        options.put(TCA_BPF_FD, &spec.program.as_raw_fd().to_ne_bytes());
        options.put_str(TCA_BPF_NAME, spec.name);
        options.put_u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
        if spec.class != 0 {
            options.put_u32(TCA_BPF_CLASSID, spec.class);
        }
    });
    writer.finish()
}

/// Deletes a filter.
pub(crate) fn delete(id: &FilterId) -> Result<Vec<u8>, TooLong> {
    let mut writer = of(id);
    writer.put_str(TCA_KIND, BPF);
    writer.finish()
}

fn of(id: &FilterId) -> Writer {
    let info = u32::from(id.priority) << 16 | u32::from(ETH_P_ALL.to_be());
    header(id.index, id.handle, parent(id.hook), info)
}

/// Asks for the filters of a hook.
pub(crate) fn list(index: u32, hook: ClsactHook) -> Result<Vec<u8>, TooLong> {
    header(index, 0, parent(hook), 0).finish()
}

/// Reads an RTM_NEWTFILTER. None without a handle: that tells of a priority that is in use, not of a filter.
pub(crate) fn decode(body: &[u8]) -> Option<Filter> {
    let [index, handle, parent, info] = words(body)?;
    let hook = match parent & 0xffff {
        TC_H_MIN_INGRESS => ClsactHook::Ingress,
        TC_H_MIN_EGRESS => ClsactHook::Egress,
        _ => return None,
    };
    let attrs = Attrs::after(HEADER, body);
    let kind = attrs.clone().find_kind(TCA_KIND)?.text();
    let options = attrs.clone().find_kind(TCA_OPTIONS);
    let program = options.filter(|_| kind == BPF).and_then(program);
    let id = FilterId {
        index,
        hook,
        priority: (info >> 16) as u16,
        handle,
    };
    (handle != 0).then_some(Filter {
        id,
        protocol: u16::from_be(info as u16),
        kind,
        program,
    })
}

/// Kernels before 4.16 do not tell the id.
fn program(options: Attr<'_>) -> Option<FilterProgram> {
    let find = |kind| options.nested().find_kind(kind);
    let flags = find(TCA_BPF_FLAGS).and_then(|attr| attr.u32());
    Some(FilterProgram {
        name: find(TCA_BPF_NAME).map_or_else(String::new, |attr| attr.text()),
        id: find(TCA_BPF_ID)?.u32()?,
        class: find(TCA_BPF_CLASSID)
            .and_then(|attr| attr.u32())
            .unwrap_or(0),
        tag: *find(TCA_BPF_TAG)?.value.first_chunk()?,
        direct: flags.unwrap_or(0) & TCA_BPF_FLAG_ACT_DIRECT != 0,
    })
}

/// Index, handle, parent and info.
pub(super) fn words(body: &[u8]) -> Option<[u32; 4]> {
    let header = body.first_chunk::<HEADER>()?;
    let word = |at: usize| {
        let bytes = header.get(at..)?.first_chunk()?;
        Some(u32::from_ne_bytes(*bytes))
    };
    Some([word(4)?, word(8)?, word(12)?, word(16)?])
}
