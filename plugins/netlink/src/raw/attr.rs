//! Netlink attributes: length, type, value, padded to four bytes.
//!
//! The reader takes bytes of any origin: it never panics and never reads past
//! the end, and it skips nothing that a sound sender could have meant. A kernel
//! newer than this crate sends attributes that are unknown here and longer forms
//! of known ones; both are no reason to fail, so values are read leniently.

/// Set by the sender on attributes that hold attributes.
pub const NESTED: u16 = 1 << 15;
/// Set where the value is in network byte order.
pub const NET_BYTEORDER: u16 = 1 << 14;

const HEADER: usize = 4;
const ALIGN: usize = 4;

/// The next multiple of four.
pub(crate) const fn aligned(length: usize) -> usize {
    length.div_ceil(ALIGN) * ALIGN
}

/// Some attribute's value is longer than the 65,531 bytes that its length has
/// room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("netlink attribute longer than 65531 bytes")]
pub struct TooLong;

/// Writes a message's body: a fixed header, then attributes.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Writer {
    /// An empty body.
    pub fn new() -> Self {
        Self::default()
    }

    /// A body that starts with its family's fixed header.
    pub fn with_header(header: &[u8]) -> Self {
        let mut bytes = header.to_vec();
        bytes.resize(aligned(bytes.len()), 0);
        Self {
            bytes,
            too_long: false,
        }
    }

    /// Adds an attribute.
    pub fn put(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(value);
        self.end(start)
    }

    /// Adds an attribute without a value.
    pub fn put_flag(&mut self, kind: u16) -> &mut Self {
        self.put(kind, &[])
    }

    /// Adds one byte.
    pub fn put_u8(&mut self, kind: u16, value: u8) -> &mut Self {
        self.put(kind, &[value])
    }

    /// Adds 16 bits in this machine's order.
    pub fn put_u16(&mut self, kind: u16, value: u16) -> &mut Self {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds 32 bits in this machine's order.
    pub fn put_u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds 16 bits in network order.
    pub fn put_u16_be(&mut self, kind: u16, value: u16) -> &mut Self {
        self.put(kind, &value.to_be_bytes())
    }

    /// Adds 32 bits in network order, as nf_tables has them.
    pub fn put_u32_be(&mut self, kind: u16, value: u32) -> &mut Self {
        self.put(kind, &value.to_be_bytes())
    }

    /// Adds 64 bits in network order, as nf_tables has them.
    pub fn put_u64_be(&mut self, kind: u16, value: u64) -> &mut Self {
        self.put(kind, &value.to_be_bytes())
    }

    /// Adds a text and the NUL that ends it.
    pub fn put_str(&mut self, kind: u16, text: &str) -> &mut Self {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        self.end(start)
    }

    /// Adds an attribute that holds those which `fill` writes.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.begin(kind | NESTED);
        fill(self);
        self.end(start)
    }

    /// The body. Fails if any attribute came out too long.
    pub fn finish(self) -> Result<Vec<u8>, TooLong> {
        if self.too_long {
            Err(TooLong)
        } else {
            Ok(self.bytes)
        }
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) -> &mut Self {
        match u16::try_from(self.bytes.len() - start) {
            Ok(length) => self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        self.bytes.resize(aligned(self.bytes.len()), 0);
        self
    }
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr<'a> {
    /// Type, without the two flags above.
    pub kind: u16,
    /// Value, without padding.
    pub value: &'a [u8],
}

impl<'a> Attr<'a> {
    /// The first byte.
    pub fn u8(&self) -> Option<u8> {
        self.value.first().copied()
    }

    /// 16 bits in this machine's order.
    pub fn u16(&self) -> Option<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    /// 32 bits in this machine's order.
    pub fn u32(&self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    /// 32 bits with a sign in this machine's order.
    pub fn i32(&self) -> Option<i32> {
        self.array().map(i32::from_ne_bytes)
    }

    /// 16 bits in network order.
    pub fn u16_be(&self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// 32 bits in network order.
    pub fn u32_be(&self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// 64 bits in network order.
    pub fn u64_be(&self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text up to its NUL or, without one, to its end; bytes that are no UTF-8
    /// are replaced, for an administrator may put any byte into an alias.
    pub fn text(&self) -> String {
        let end = self.value.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&self.value[..end.unwrap_or(self.value.len())]).into_owned()
    }

    /// An IPv4 or IPv6 address, by its length.
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        ip_of(self.value)
    }

    /// The attributes that it holds.
    pub fn nested(&self) -> Attrs<'a> {
        Attrs::new(self.value)
    }

    fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.value.first_chunk::<N>().copied()
    }
}

/// The address that 4 or 16 bytes are.
pub fn ip_of(bytes: &[u8]) -> Option<std::net::IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}

/// Goes through attributes. Ends at the first that does not fit.
#[derive(Debug, Clone)]
pub struct Attrs<'a> {
    rest: &'a [u8],
}

impl<'a> Attrs<'a> {
    /// The attributes in these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The attributes behind a fixed header of that length; none if even the
    /// header is not whole.
    pub fn after(header: usize, body: &'a [u8]) -> Self {
        Self::new(body.get(aligned(header)..).unwrap_or_default())
    }

    /// The first attribute of that type.
    pub fn find_kind(mut self, kind: u16) -> Option<Attr<'a>> {
        self.find(|attr| attr.kind == kind)
    }

    /// What was not gone through: after the end, bytes that are no attribute.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Attrs<'a> {
    type Item = Attr<'a>;

    fn next(&mut self) -> Option<Attr<'a>> {
        let [l0, l1, k0, k1] = *self.rest.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = self.rest.get(HEADER..length)?;
        // The last attribute of a message need not be padded.
        self.rest = self.rest.get(aligned(length)..).unwrap_or_default();
        Some(Attr {
            kind: u16::from_ne_bytes([k0, k1]) & !(NESTED | NET_BYTEORDER),
            value,
        })
    }
}
