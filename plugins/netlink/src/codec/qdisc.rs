//! htb, tbf, fq, fifos and u32. netlink-packet-route has no types for most of them.
//!
//! Rates are told with the link layer Ethernet: without it the kernel would want a table of 256 times for
//! each rate, which is how they were told before Linux 3.8.

use super::filter::{header, words};
use crate::qdisc::{HtbClass, Qdisc, QdiscKind, Tbf, TcHandle, U32Filter, U32Key, bytes_in, ticks};
use crate::raw::attr::{Attr, Attrs, TooLong, Writer};

/// Length of `struct tcmsg`.
const HEADER: usize = 20;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;

const TCA_HTB_PARMS: u16 = 1;
const TCA_HTB_INIT: u16 = 2;
const TCA_HTB_DIRECT_QLEN: u16 = 5;
const TCA_HTB_RATE64: u16 = 6;
const TCA_HTB_CEIL64: u16 = 7;
const HTB_VERSION: u32 = 3;
const HTB_RATE2QUANTUM: u32 = 10;
/// Packets of no class; as many as a link has by itself.
const HTB_DIRECT: u32 = 1000;

const TCA_TBF_PARMS: u16 = 1;
const TCA_TBF_RATE64: u16 = 4;
const TCA_TBF_BURST: u16 = 6;

const TCA_FQ_PLIMIT: u16 = 1;
const TCA_FQ_FLOW_PLIMIT: u16 = 2;

const TCA_U32_CLASSID: u16 = 1;
const TCA_U32_SEL: u16 = 5;
const TC_U32_TERMINAL: u8 = 1;
/// Length of `struct tc_u32_sel` without its keys.
const SELECTOR: usize = 16;
/// Length of `struct tc_u32_key`.
const KEY: usize = 16;

const TC_LINKLAYER_ETHERNET: u8 = 1;
/// Length of `struct tc_ratespec`.
const RATESPEC: usize = 12;

/// `struct tc_ratespec`. What is more than it has room for stands in an attribute beside it.
fn ratespec(rate: u64) -> [u8; RATESPEC] {
    let mut bytes = [0; RATESPEC];
    bytes[1] = TC_LINKLAYER_ETHERNET;
    let rate = u32::try_from(rate).unwrap_or(u32::MAX);
    bytes[8..].copy_from_slice(&rate.to_ne_bytes());
    bytes
}

fn put_rate64(options: &mut Writer, kind: u16, rate: u64) {
    if rate > u64::from(u32::MAX) {
        options.put(kind, &rate.to_ne_bytes());
    }
}

fn rate64(options: &Attr<'_>, kind: u16, rate: u32) -> u64 {
    let more = options.nested().find_kind(kind);
    let more = more.and_then(|attr| Some(u64::from_ne_bytes(*attr.value.first_chunk()?)));
    more.unwrap_or(u64::from(rate))
}

/// Asks for the qdisc at a place.
pub(crate) fn get(index: u32, parent: TcHandle) -> Result<Vec<u8>, TooLong> {
    header(index, 0, parent.0, 0).finish()
}

/// Deletes a qdisc.
pub(crate) fn delete(index: u32, parent: TcHandle, handle: TcHandle) -> Result<Vec<u8>, TooLong> {
    header(index, handle.0, parent.0, 0).finish()
}

/// Makes or changes a qdisc. None for a kind that is only read.
pub(crate) fn put(index: u32, qdisc: &Qdisc) -> Option<Result<Vec<u8>, TooLong>> {
    let mut writer = header(index, qdisc.handle.0, qdisc.parent.0, 0);
    writer.put_str(TCA_KIND, qdisc.kind.name());
    match &qdisc.kind {
        QdiscKind::Htb { default } => {
            let init = [HTB_VERSION, HTB_RATE2QUANTUM, u32::from(*default), 0, 0];
            writer.nest(TCA_OPTIONS, |options| {
                options.put(TCA_HTB_INIT, &in_order(&init));
                options.put_u32(TCA_HTB_DIRECT_QLEN, HTB_DIRECT);
            });
        }
        QdiscKind::Tbf(tbf) => {
            let mut parms = ratespec(tbf.rate).to_vec();
            // No peak rate.
            parms.extend_from_slice(&[0; RATESPEC]);
            let buffer = ticks(u64::from(tbf.burst), tbf.rate);
            parms.extend_from_slice(&in_order(&[tbf.limit, buffer, 0]));
            writer.nest(TCA_OPTIONS, |options| {
                options.put(TCA_TBF_PARMS, &parms);
                put_rate64(options, TCA_TBF_RATE64, tbf.rate);
                // As time it would end at 4.3 s, which is less than a frame at 1 kbit/s.
                options.put_u32(TCA_TBF_BURST, tbf.burst);
            });
        }
        QdiscKind::Fq { limit, flow_limit } => {
            writer.nest(TCA_OPTIONS, |options| {
                options.put_u32(TCA_FQ_PLIMIT, *limit);
                options.put_u32(TCA_FQ_FLOW_PLIMIT, *flow_limit);
            });
        }
        QdiscKind::Pfifo { limit } | QdiscKind::Bfifo { limit } => {
            writer.put_u32(TCA_OPTIONS, *limit);
        }
        QdiscKind::Other(_) => return None,
    }
    Some(writer.finish())
}

/// Reads an RTM_NEWQDISC of a link.
pub(crate) fn decode(body: &[u8], index: u32) -> Option<Qdisc> {
    let [of, handle, parent, _] = words(body)?;
    let attrs = Attrs::after(HEADER, body);
    let kind = attrs.clone().find_kind(TCA_KIND)?.text();
    let options = attrs.clone().find_kind(TCA_OPTIONS);
    let known = options.and_then(|options| qdisc_kind(&kind, &options));
    (of == index).then_some(Qdisc {
        parent: TcHandle(parent),
        handle: TcHandle(handle),
        kind: known.unwrap_or(QdiscKind::Other(kind)),
    })
}

fn qdisc_kind(kind: &str, options: &Attr<'_>) -> Option<QdiscKind> {
    let find = |kind| options.nested().find_kind(kind);
    match kind {
        "htb" => {
            let init = find(TCA_HTB_INIT)?;
            let default = word(init.value, 8)? as u16;
            Some(QdiscKind::Htb { default })
        }
        "tbf" => {
            let parms = find(TCA_TBF_PARMS)?;
            let rate = rate64(options, TCA_TBF_RATE64, word(parms.value, 8)?);
            let burst = bytes_in(word(parms.value, 28)?, rate);
            Some(QdiscKind::Tbf(Tbf {
                rate,
                burst: u32::try_from(burst).unwrap_or(u32::MAX),
                limit: word(parms.value, 24)?,
            }))
        }
        "fq" => Some(QdiscKind::Fq {
            limit: find(TCA_FQ_PLIMIT)?.u32()?,
            flow_limit: find(TCA_FQ_FLOW_PLIMIT)?.u32()?,
        }),
        "pfifo" => options.u32().map(|limit| QdiscKind::Pfifo { limit }),
        "bfifo" => options.u32().map(|limit| QdiscKind::Bfifo { limit }),
        _ => None,
    }
}

/// Asks for the classes of a link.
pub(crate) fn list_classes(index: u32) -> Result<Vec<u8>, TooLong> {
    header(index, 0, 0, 0).finish()
}

/// Makes or changes a class.
pub(crate) fn put_class(index: u32, class: &HtbClass) -> Result<Vec<u8>, TooLong> {
    let mut writer = header(index, class.handle.0, class.parent.0, 0);
    writer.put_str(TCA_KIND, "htb");
    let mut parms = [ratespec(class.rate), ratespec(class.ceil)].concat();
    let (buffer, quantum) = ([class.buffer, class.cbuffer], class.quantum);
    parms.extend_from_slice(&in_order(&[buffer[0], buffer[1], quantum, 0]));
    parms.extend_from_slice(&class.priority.to_ne_bytes());
    writer.nest(TCA_OPTIONS, |options| {
        options.put(TCA_HTB_PARMS, &parms);
        put_rate64(options, TCA_HTB_RATE64, class.rate);
        put_rate64(options, TCA_HTB_CEIL64, class.ceil);
    });
    writer.finish()
}

/// Reads an RTM_NEWTCLASS of a link; None if it is not of an htb.
pub(crate) fn decode_class(body: &[u8], index: u32) -> Option<HtbClass> {
    let [of, handle, parent, _] = words(body)?;
    let attrs = Attrs::after(HEADER, body);
    let kind = attrs.clone().find_kind(TCA_KIND)?.text();
    let options = attrs.clone().find_kind(TCA_OPTIONS)?;
    let parms = options.nested().find_kind(TCA_HTB_PARMS)?.value;
    (of == index && kind == "htb").then_some(HtbClass {
        handle: TcHandle(handle),
        parent: TcHandle(parent),
        rate: rate64(&options, TCA_HTB_RATE64, word(parms, 8)?),
        ceil: rate64(&options, TCA_HTB_CEIL64, word(parms, 20)?),
        buffer: word(parms, 24)?,
        cbuffer: word(parms, 28)?,
        quantum: word(parms, 32)?,
        priority: word(parms, 40)?,
    })
}

/// Asks for the filters of a qdisc, or deletes those of a priority.
pub(crate) fn filters(index: u32, parent: TcHandle, priority: u16) -> Result<Vec<u8>, TooLong> {
    header(index, 0, parent.0, u32::from(priority) << 16).finish()
}

/// Adds a filter.
pub(crate) fn add_filter(index: u32, filter: &U32Filter) -> Result<Vec<u8>, TooLong> {
    let info = u32::from(filter.priority) << 16 | u32::from(filter.protocol.to_be());
    let mut writer = header(index, u32::from(filter.node), filter.parent.0, info);
    writer.put_str(TCA_KIND, "u32");
    let mut selector = vec![0; SELECTOR];
    selector[0] = TC_U32_TERMINAL;
    selector[2] = u8::try_from(filter.keys.len()).unwrap_or(u8::MAX);
    for key in filter.keys.iter().take(usize::from(u8::MAX)) {
        selector.extend_from_slice(&key.mask.to_be_bytes());
        selector.extend_from_slice(&key.value.to_be_bytes());
        selector.extend_from_slice(&in_order(&[u32::from(key.offset), 0]));
    }
    writer.nest(TCA_OPTIONS, |options| {
        options.put_u32(TCA_U32_CLASSID, filter.class.0);
        options.put(TCA_U32_SEL, &selector);
    });
    writer.finish()
}

/// Reads an RTM_NEWTFILTER of a link's qdisc. None for what tells of a priority or of a hash table, and
/// where it is no u32.
pub(crate) fn decode_filter(body: &[u8], index: u32, parent: TcHandle) -> Option<U32Filter> {
    let [of, handle, at, info] = words(body)?;
    let attrs = Attrs::after(HEADER, body);
    let kind = attrs.clone().find_kind(TCA_KIND)?.text();
    let node = (handle & 0xfff) as u16;
    if (of, at) != (index, parent.0) || kind != "u32" || node == 0 {
        return None;
    }
    let options = attrs.clone().find_kind(TCA_OPTIONS)?;
    let selector = options.nested().find_kind(TCA_U32_SEL)?.value;
    let count = usize::from(*selector.get(2)?);
    let keys = selector.get(SELECTOR..)?.chunks_exact(KEY).take(count);
    let keys = keys.map(|key| {
        let [mask, value] = [key.first_chunk()?, key.get(4..)?.first_chunk()?];
        Some(U32Key {
            offset: u8::try_from(word(key, 8)?).ok()?,
            mask: u32::from_be_bytes(*mask),
            value: u32::from_be_bytes(*value),
        })
    });
    let class = options.nested().find_kind(TCA_U32_CLASSID);
    Some(U32Filter {
        parent,
        priority: (info >> 16) as u16,
        node,
        protocol: u16::from_be(info as u16),
        class: TcHandle(class.and_then(|attr| attr.u32()).unwrap_or(0)),
        keys: keys.collect::<Option<_>>()?,
    })
}

fn in_order(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}
