//! Expressions: the instructions that a rule of nf_tables is made of.
//!
//! Only those are known here that our rules are made of; any other comes back
//! as [`Expr::Other`] and makes a rule differ from every one of ours: a register,
//! a flag or an operand that ours do not use makes an expression such a one too.

use fairway_netlink::raw::attr::{Attr, Writer};

use crate::names::XT_COMMENT_SIZE;

/// One expression. Values go through register 1, verdicts to register 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Load the packet's family (a byte: 2 or 10).
    LoadProtocol,
    /// Load the number of the protocol above IP (a byte).
    LoadTransport,
    /// Load the packet's mark (4 bytes in the machine's order).
    LoadMark,
    /// Load the name of the interface that the packet came in by (16 bytes).
    LoadInputName,
    /// Load the name of the interface that the packet goes out by (16 bytes).
    LoadOutputName,
    /// Load which way the packet goes in its connection (a byte: 0 as the first one, 1
    /// back). A packet of no connection ends the rule here.
    LoadDirection,
    /// Load what is known of the packet's connection: bits, 4 bytes in the machine's
    /// order.
    LoadStatus,
    /// Load what the packet's destination is to this host: RTN_… , 4 bytes in the
    /// machine's order.
    LoadDestinationType,
    /// Load `len` bytes of a header.
    Load { base: Base, offset: u32, len: u32 },
    /// Keep the bits of the mask.
    Mask(Vec<u8>),
    /// Go on if the register's bytes are (or, are not) these.
    Compare { equal: bool, data: Vec<u8> },
    /// Count packets and bytes.
    Counter,
    /// The comment match of iptables, which matches everything.
    XtComment(String),
    /// The MASQUERADE target of iptables without options, for a family.
    XtMasquerade { v6: bool },
    /// Another match of iptables.
    XtMatch(Extension),
    /// Another target of iptables.
    XtTarget(Extension),
    /// Masquerading, nftables' own.
    Masquerade,
    /// Put an address into register 1.
    PutAddress(Vec<u8>),
    /// Put a port into register 2.
    PutPort([u8; 2]),
    /// Another destination: the address in register 1, the port in register 2.
    Dnat { v6: bool },
    /// End here.
    Verdict(Verdict),
    /// An expression that no rule of ours has.
    Other(String),
}

/// A match or a target of iptables: name, revision, and its structure as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) revision: u32,
    pub(crate) info: Vec<u8>,
}

/// Which header is loaded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    Link = 0,
    Network = 1,
    Transport = 2,
}

/// Where a packet goes from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Drop,
    Accept,
    Return,
    Jump(String),
    Goto(String),
}

/// How many bytes the name of an interface has in a register.
pub(crate) const IFNAME_SIZE: usize = 16;

const REGISTER_VERDICT: u32 = 0;
const REGISTER_1: u32 = 1;
const REGISTER_2: u32 = 2;

const NAME: u16 = 1;
const DATA: u16 = 2;
const VALUE: u16 = 1;
const VERDICT: u16 = 2;

const META_DREG: u16 = 1;
const META_KEY: u16 = 2;
const META_KEY_MARK: u32 = 3;
const META_KEY_INPUT_NAME: u32 = 6;
const META_KEY_OUTPUT_NAME: u32 = 7;
const META_KEY_PROTOCOL: u32 = 15;
const META_KEY_TRANSPORT: u32 = 16;

const CT_DREG: u16 = 1;
const CT_KEY: u16 = 2;
const CT_KEY_DIRECTION: u32 = 1;
const CT_KEY_STATUS: u32 = 2;

const FIB_DREG: u16 = 1;
const FIB_RESULT: u16 = 2;
const FIB_FLAGS: u16 = 3;
const FIB_RESULT_TYPE: u32 = 3;
const FIB_FLAG_DESTINATION: u32 = 2;

const NAT_TYPE: u16 = 1;
const NAT_FAMILY: u16 = 2;
const NAT_ADDRESS_MIN: u16 = 3;
const NAT_ADDRESS_MAX: u16 = 4;
const NAT_PORT_MIN: u16 = 5;
const NAT_PORT_MAX: u16 = 6;
const NAT_FLAGS: u16 = 7;
const NAT_TYPE_DESTINATION: u32 = 1;
/// NF_NAT_RANGE_MAP_IPS and NF_NAT_RANGE_PROTO_SPECIFIED.
const NAT_FLAGS_BOTH: u32 = 3;
const NAT_FAMILY_V4: u32 = 2;
const NAT_FAMILY_V6: u32 = 10;

const CMP_EQUAL: u32 = 0;
const CMP_UNEQUAL: u32 = 1;

const VERDICT_DROP: i32 = 0;
const VERDICT_ACCEPT: i32 = 1;
const VERDICT_JUMP: i32 = -3;
const VERDICT_GOTO: i32 = -4;
const VERDICT_RETURN: i32 = -5;

const XT_COMMENT: &str = "comment";
const XT_MASQUERADE: &str = "MASQUERADE";

/// `nf_nat_ipv4_multi_range_compat` with one range that sets nothing.
const MASQUERADE_V4: [u8; 24] = {
    let mut info = [0; 24];
    let count = 1u32.to_ne_bytes();
    (info[0], info[1], info[2], info[3]) = (count[0], count[1], count[2], count[3]);
    info
};
/// `nf_nat_range` that sets nothing.
const MASQUERADE_V6: [u8; 40] = [0; 40];

impl Expr {
    /// Writes the expression as one element of a list.
    pub(crate) fn write(&self, list: &mut Writer) {
        const ELEMENT: u16 = 1;
        list.nest(ELEMENT, |element| {
            element.put_str(NAME, self.name());
            element.nest(DATA, |data| self.write_data(data));
        });
    }

    fn name(&self) -> &str {
        match self {
            Self::LoadProtocol
            | Self::LoadTransport
            | Self::LoadMark
            | Self::LoadInputName
            | Self::LoadOutputName => "meta",
            Self::LoadDestinationType => "fib",
            Self::LoadDirection | Self::LoadStatus => "ct",
            Self::Load { .. } => "payload",
            Self::Mask(_) => "bitwise",
            Self::Compare { .. } => "cmp",
            Self::Counter => "counter",
            Self::XtComment(_) | Self::XtMatch(_) => "match",
            Self::XtMasquerade { .. } | Self::XtTarget(_) => "target",
            Self::Masquerade => "masq",
            Self::Dnat { .. } => "nat",
            Self::PutAddress(_) | Self::PutPort(_) | Self::Verdict(_) => "immediate",
            Self::Other(name) => name,
        }
    }

    fn write_data(&self, data: &mut Writer) {
        match self {
            Self::LoadProtocol => write_meta(data, META_KEY_PROTOCOL),
            Self::LoadTransport => write_meta(data, META_KEY_TRANSPORT),
            Self::LoadMark => write_meta(data, META_KEY_MARK),
            Self::LoadDestinationType => {
                data.put_u32_be(FIB_DREG, REGISTER_1);
                data.put_u32_be(FIB_RESULT, FIB_RESULT_TYPE);
                data.put_u32_be(FIB_FLAGS, FIB_FLAG_DESTINATION);
            }
            Self::LoadInputName => write_meta(data, META_KEY_INPUT_NAME),
            Self::LoadOutputName => write_meta(data, META_KEY_OUTPUT_NAME),
            Self::LoadDirection => write_ct(data, CT_KEY_DIRECTION),
            Self::LoadStatus => write_ct(data, CT_KEY_STATUS),
            Self::Load { base, offset, len } => {
                data.put_u32_be(1, REGISTER_1);
                data.put_u32_be(2, *base as u32);
                data.put_u32_be(3, *offset);
                data.put_u32_be(4, *len);
            }
            Self::Mask(mask) => {
                data.put_u32_be(1, REGISTER_1);
                data.put_u32_be(2, REGISTER_1);
                data.put_u32_be(3, u32::try_from(mask.len()).unwrap_or(u32::MAX));
                data.nest(4, |nest| {
                    nest.put(VALUE, mask);
                });
                data.nest(5, |nest| {
                    nest.put(VALUE, &vec![0; mask.len()]);
                });
            }
            Self::Compare { equal, data: bytes } => {
                data.put_u32_be(1, REGISTER_1);
                data.put_u32_be(2, if *equal { CMP_EQUAL } else { CMP_UNEQUAL });
                data.nest(3, |nest| {
                    nest.put(VALUE, bytes);
                });
            }
            Self::Counter => {
                data.put_u64_be(1, 0);
                data.put_u64_be(2, 0);
            }
            Self::XtComment(comment) => {
                let mut info = comment.clone().into_bytes();
                info.resize(XT_COMMENT_SIZE, 0);
                write_extension(data, XT_COMMENT, 0, &info);
            }
            Self::XtMasquerade { v6: false } => {
                write_extension(data, XT_MASQUERADE, 0, &MASQUERADE_V4);
            }
            Self::XtMasquerade { v6: true } => {
                write_extension(data, XT_MASQUERADE, 0, &MASQUERADE_V6);
            }
            Self::XtMatch(extension) | Self::XtTarget(extension) => {
                write_extension(data, &extension.name, extension.revision, &extension.info);
            }
            Self::PutAddress(bytes) => write_data(data, REGISTER_1, bytes),
            Self::PutPort(bytes) => write_data(data, REGISTER_2, bytes),
            Self::Dnat { v6 } => {
                let family = if *v6 { NAT_FAMILY_V6 } else { NAT_FAMILY_V4 };
                data.put_u32_be(NAT_TYPE, NAT_TYPE_DESTINATION);
                data.put_u32_be(NAT_FAMILY, family);
                data.put_u32_be(NAT_ADDRESS_MIN, REGISTER_1);
                data.put_u32_be(NAT_PORT_MIN, REGISTER_2);
            }
            Self::Masquerade | Self::Other(_) => {}
            Self::Verdict(verdict) => {
                data.put_u32_be(1, REGISTER_VERDICT);
                data.nest(2, |nest| {
                    nest.nest(VERDICT, |inner| verdict.write(inner));
                });
            }
        }
    }

    /// Reads one element of a list.
    pub(crate) fn read(element: &Attr<'_>) -> Self {
        let name = element.nested().find_kind(NAME);
        let name = name.map_or_else(String::new, |attr| attr.text());
        let data = element.nested().find_kind(DATA);
        let fields = data.map_or_else(Fields::default, Fields::of);
        Self::read_data(&name, &fields).unwrap_or(Self::Other(name))
    }

    fn read_data(name: &str, fields: &Fields<'_>) -> Option<Self> {
        match name {
            "meta" if fields.u32(META_DREG)? == REGISTER_1 => match fields.u32(META_KEY)? {
                META_KEY_PROTOCOL => Some(Self::LoadProtocol),
                META_KEY_TRANSPORT => Some(Self::LoadTransport),
                META_KEY_MARK => Some(Self::LoadMark),
                META_KEY_INPUT_NAME => Some(Self::LoadInputName),
                META_KEY_OUTPUT_NAME => Some(Self::LoadOutputName),
                _ => None,
            },
            "fib"
                if fields.u32(FIB_DREG)? == REGISTER_1
                    && fields.u32(FIB_RESULT)? == FIB_RESULT_TYPE
                    && fields.u32(FIB_FLAGS)? == FIB_FLAG_DESTINATION =>
            {
                Some(Self::LoadDestinationType)
            }
            // With a direction, which neither of these has, it would be of that one.
            "ct" if fields.u32(CT_DREG)? == REGISTER_1 && fields.get(3).is_none() => {
                match fields.u32(CT_KEY)? {
                    CT_KEY_DIRECTION => Some(Self::LoadDirection),
                    CT_KEY_STATUS => Some(Self::LoadStatus),
                    _ => None,
                }
            }
            "payload" if fields.u32(1)? == REGISTER_1 => Some(Self::Load {
                base: match fields.u32(2)? {
                    0 => Base::Link,
                    1 => Base::Network,
                    2 => Base::Transport,
                    _ => return None,
                },
                offset: fields.u32(3)?,
                len: fields.u32(4)?,
            }),
            "bitwise" if fields.u32(1)? == REGISTER_1 && fields.u32(2)? == REGISTER_1 => {
                // Operation (6): 0, where it is given at all, is mask-and-xor.
                if fields.get(6).is_some() && fields.u32(6)? != 0 {
                    return None;
                }
                if fields.value(5)?.iter().any(|flip| *flip != 0) {
                    return None;
                }
                Some(Self::Mask(fields.value(4)?.to_vec()))
            }
            "cmp" if fields.u32(1)? == REGISTER_1 => Some(Self::Compare {
                equal: match fields.u32(2)? {
                    CMP_EQUAL => true,
                    CMP_UNEQUAL => false,
                    _ => return None,
                },
                data: fields.value(3)?.to_vec(),
            }),
            "counter" => Some(Self::Counter),
            "match" if fields.text(1)? == XT_COMMENT => fields.text(3).map(Self::XtComment),
            "target" if fields.text(1)? == XT_MASQUERADE => match fields.get(3)?.value {
                info if info == MASQUERADE_V4 => Some(Self::XtMasquerade { v6: false }),
                info if info == MASQUERADE_V6 => Some(Self::XtMasquerade { v6: true }),
                _ => None,
            },
            "match" => Extension::read(fields).map(Self::XtMatch),
            "target" => Extension::read(fields).map(Self::XtTarget),
            // With flags or a range of ports it is another one.
            "masq" if fields.is_empty() => Some(Self::Masquerade),
            "nat" => Self::read_nat(fields),
            "immediate" => match fields.u32(1)? {
                REGISTER_VERDICT => {
                    let verdict = fields.get(2)?.nested().find_kind(VERDICT)?;
                    Verdict::read(&Fields::of(verdict)).map(Self::Verdict)
                }
                REGISTER_1 => Some(Self::PutAddress(fields.value(2)?.to_vec())),
                REGISTER_2 => Some(Self::PutPort(fields.value(2)?.try_into().ok()?)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Expr {
    /// The maximum and the flags are the kernel's to tell; they must be those of one
    /// address and one port.
    fn read_nat(fields: &Fields<'_>) -> Option<Self> {
        let is = |kind, value| fields.get(kind).is_none() || fields.u32(kind) == Some(value);
        let plain = fields.u32(NAT_TYPE)? == NAT_TYPE_DESTINATION
            && fields.u32(NAT_ADDRESS_MIN)? == REGISTER_1
            && fields.u32(NAT_PORT_MIN)? == REGISTER_2
            && is(NAT_ADDRESS_MAX, REGISTER_1)
            && is(NAT_PORT_MAX, REGISTER_2)
            && is(NAT_FLAGS, NAT_FLAGS_BOTH);
        match fields.u32(NAT_FAMILY)? {
            NAT_FAMILY_V4 if plain => Some(Self::Dnat { v6: false }),
            NAT_FAMILY_V6 if plain => Some(Self::Dnat { v6: true }),
            _ => None,
        }
    }
}

impl Extension {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self {
            name: fields.text(1)?,
            revision: fields.u32(2)?,
            info: fields.get(3)?.value.to_vec(),
        })
    }
}

impl Verdict {
    fn write(&self, nest: &mut Writer) {
        let (code, chain) = match self {
            Self::Drop => (VERDICT_DROP, None),
            Self::Accept => (VERDICT_ACCEPT, None),
            Self::Return => (VERDICT_RETURN, None),
            Self::Jump(chain) => (VERDICT_JUMP, Some(chain)),
            Self::Goto(chain) => (VERDICT_GOTO, Some(chain)),
        };
        nest.put_u32_be(1, code.cast_unsigned());
        if let Some(chain) = chain {
            nest.put_str(2, chain);
        }
    }

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let chain = || fields.text(2);
        match fields.u32(1)?.cast_signed() {
            VERDICT_DROP => Some(Self::Drop),
            VERDICT_ACCEPT => Some(Self::Accept),
            VERDICT_RETURN => Some(Self::Return),
            VERDICT_JUMP => chain().map(Self::Jump),
            VERDICT_GOTO => chain().map(Self::Goto),
            _ => None,
        }
    }
}

/// The chain that an element of a list leads to, if it is a jump.
pub(super) fn target_of<'a>(element: &Attr<'a>) -> Option<&'a [u8]> {
    let data = element.nested().find_kind(DATA)?;
    if element.nested().find_kind(NAME)?.value != b"immediate\0" {
        return None;
    }
    let verdict = data.nested().find_kind(2)?.nested().find_kind(VERDICT)?;
    let chain = verdict.nested().find_kind(2)?.value;
    Some(chain.strip_suffix(&[0]).unwrap_or(chain))
}

fn write_meta(data: &mut Writer, key: u32) {
    data.put_u32_be(META_KEY, key);
    data.put_u32_be(META_DREG, REGISTER_1);
}

fn write_ct(data: &mut Writer, key: u32) {
    data.put_u32_be(CT_KEY, key);
    data.put_u32_be(CT_DREG, REGISTER_1);
}

fn write_data(data: &mut Writer, register: u32, bytes: &[u8]) {
    data.put_u32_be(1, register);
    data.nest(2, |nest| {
        nest.put(VALUE, bytes);
    });
}

fn write_extension(data: &mut Writer, name: &str, revision: u32, info: &[u8]) {
    data.put_str(1, name);
    data.put_u32_be(2, revision);
    data.put(3, info);
}

/// The attributes of an expression by their number.
#[derive(Default)]
struct Fields<'a>([Option<Attr<'a>>; 8]);

impl<'a> Fields<'a> {
    fn of(nest: Attr<'a>) -> Self {
        let mut fields = Self::default();
        for attr in nest.nested() {
            if let Some(field) = fields.0.get_mut(usize::from(attr.kind)) {
                *field = Some(attr);
            }
        }
        fields
    }

    fn get(&self, kind: u16) -> Option<Attr<'a>> {
        self.0.get(usize::from(kind)).copied().flatten()
    }

    fn u32(&self, kind: u16) -> Option<u32> {
        self.get(kind)?.u32_be()
    }

    fn text(&self, kind: u16) -> Option<String> {
        Some(self.get(kind)?.text())
    }

    /// The value inside a nest of the value alone.
    fn value(&self, kind: u16) -> Option<&'a [u8]> {
        Some(self.get(kind)?.nested().find_kind(VALUE)?.value)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}
