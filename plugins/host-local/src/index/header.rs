//! The first page of an index: of which folder, as of when, under which boot, and how the rest is laid out.

use super::{
    bytes::{Reader, put, put_mark},
    slot::SLOT,
};
use crate::{folder::Stamp, identity::Identity, span::Span};

/// Bytes of a page: of the header, and of each part of the table.
pub(crate) const PAGE: usize = 4096;
/// Slots of a page of the table.
pub(crate) const PAGE_SLOTS: usize = PAGE / SLOT;
/// The most addresses that the map of free ones covers: 128 KiB of bits.
const MAP_MAX: u64 = 1 << 20;
/// The most ranges that it covers.
const SPANS_MAX: usize = 96;
/// The most pages of the table: 16 million addresses.
const PAGES_MAX: u32 = 1 << 18;

const MAGIC: &[u8; 8] = b"FwHLidx\x01";
const SPANS_AT: usize = 96;
const SPAN: usize = 40;
const BUILT_AT: usize = PAGE - 8;
const EARLIER_AT: usize = PAGE - 9;

/// The bytes that change with each operation: all before the list of spans.
pub(super) const HEAD: usize = SPANS_AT;

/// What the first page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The boot under which the index was built.
    pub(crate) identity: Identity,
    /// The folder as we left it; all zeros while it is not known to be so.
    pub(crate) stamp: Stamp,
    /// Pages of the table.
    pub(crate) pages: u32,
    /// Slots in use.
    pub(crate) used: u32,
    /// Slots that a search goes past.
    pub(crate) gone: u32,
    /// The ranges whose addresses have a bit each, in order.
    pub(crate) spans: Vec<Span>,
    /// When the files were last looked at, in s since 1970.
    pub(crate) built: u64,
    /// There may be slots of an earlier boot.
    pub(crate) earlier: bool,
}

impl Header {
    /// A header for `used` addresses; of `spans` it keeps those that the map can cover.
    pub(crate) fn new(identity: Identity, spans: &[Span], used: usize) -> Self {
        let pages = used * 2 / PAGE_SLOTS + 1;
        let mut header = Header {
            identity,
            stamp: Stamp::default(),
            pages: u32::try_from(pages).unwrap_or(PAGES_MAX).min(PAGES_MAX),
            used: 0,
            gone: 0,
            spans: Vec::new(),
            built: 0,
            earlier: false,
        };
        for span in spans {
            let bits = header.bits().saturating_add(span.len().unwrap_or(u64::MAX));
            if bits <= MAP_MAX && header.spans.len() < SPANS_MAX {
                header.spans.push(*span);
            }
        }
        header
    }

    /// Reads the page; `None` where it is none, or not of this version.
    pub fn decode(page: &[u8]) -> Option<Self> {
        let reader = Reader(page);
        if page.len() != PAGE || &reader.bytes::<8>(0) != MAGIC {
            return None;
        }
        let count = usize::try_from(reader.u32(92)).ok()?;
        let span = |index| {
            let at = SPANS_AT + index * SPAN;
            Span::of_numbers(
                reader.u8(at) != 0,
                reader.u128(at + 8),
                reader.u128(at + 24),
            )
        };
        let header = Header {
            identity: Identity {
                boot: reader.id(8),
                machine: reader.id(24),
            },
            stamp: Stamp {
                dev: reader.u64(40),
                mark: reader.mark(48),
            },
            pages: reader.u32(80),
            used: reader.u32(84),
            gone: reader.u32(88),
            spans: (0..count.min(SPANS_MAX)).map(span).collect::<Option<_>>()?,
            built: reader.u64(BUILT_AT),
            earlier: reader.u8(EARLIER_AT) != 0,
        };
        let sound = count <= SPANS_MAX
            && (1..=PAGES_MAX).contains(&header.pages)
            && header.bits() <= MAP_MAX;
        sound.then_some(header)
    }

    /// The bytes of the page.
    pub fn encode(&self) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        put(&mut page, 0, MAGIC);
        put(&mut page, 8, &self.identity.boot.unwrap_or_default());
        put(&mut page, 24, &self.identity.machine.unwrap_or_default());
        put(&mut page, 40, &self.stamp.dev.to_le_bytes());
        put_mark(&mut page, 48, &self.stamp.mark);
        put(&mut page, 80, &self.pages.to_le_bytes());
        put(&mut page, 84, &self.used.to_le_bytes());
        put(&mut page, 88, &self.gone.to_le_bytes());
        let count = u32::try_from(self.spans.len()).unwrap_or_default();
        put(&mut page, 92, &count.to_le_bytes());
        for (index, span) in self.spans.iter().enumerate() {
            let at = SPANS_AT + index * SPAN;
            put(&mut page, at, &[u8::from(span.v6())]);
            put(&mut page, at + 8, &span.first().to_le_bytes());
            put(&mut page, at + 24, &span.last().to_le_bytes());
        }
        put(&mut page, BUILT_AT, &self.built.to_le_bytes());
        put(&mut page, EARLIER_AT, &[u8::from(self.earlier)]);
        page
    }

    /// The bits of the map.
    pub(crate) fn bits(&self) -> u64 {
        let len = |span: &Span| span.len().unwrap_or(u64::MAX);
        self.spans.iter().map(len).fold(0, u64::saturating_add)
    }

    /// Where the table begins, in bytes; the map comes before it.
    pub(crate) fn table_at(&self) -> u64 {
        let page = PAGE as u64;
        page + self.bits().div_ceil(8).next_multiple_of(page)
    }

    /// The size of the whole, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.table_at() + u64::from(self.pages) * PAGE as u64
    }

    /// Is one more slot too many for quick searches?
    pub(crate) fn full(&self) -> bool {
        let slots = u64::from(self.pages) * PAGE_SLOTS as u64;
        (u64::from(self.used) + u64::from(self.gone) + 1) * 4 > slots * 3
    }

    /// The page at which the search for a key begins.
    pub(crate) fn page_of(&self, key: u64) -> u32 {
        let page = (u128::from(key) * u128::from(self.pages)) >> 64;
        u32::try_from(page).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(text: &str) -> Span {
        let (first, last) = text.split_once('-').unwrap();
        Span::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
    }

    #[test]
    fn there_and_back() {
        let identity = Identity {
            boot: Some([7; 16]),
            machine: None,
        };
        let spans = [
            span("10.0.0.1-10.0.255.254"),
            span("::1-ffff::"),
            span("fd00::1-fd00::ffff"),
        ];
        let mut header = Header::new(identity, &spans, 50_000);
        header.used = 50_000;
        (header.built, header.earlier) = (1_800_000_000, true);
        header.stamp = Stamp {
            dev: 3,
            mark: crate::mark::Mark {
                ino: 4,
                ctime: -5,
                mtime: 6,
            },
        };
        assert_eq!(Header::decode(&header.encode()), Some(header.clone()));
        assert_eq!(
            header.spans,
            [spans[0], spans[2]],
            "what is too large is left out"
        );
        assert_eq!(header.pages, 1563);
        assert_eq!(header.table_at() % PAGE as u64, 0);
        assert!(!header.full());
    }

    #[test]
    fn layouts_that_cannot_be() {
        let good = Header::new(Identity::default(), &[span("10.0.0.1-10.0.0.9")], 0);
        assert_eq!(
            (good.bits(), good.table_at(), good.size()),
            (9, 8192, 12288)
        );
        for (at, byte) in [
            (0, b'X'),
            (7, 2),
            (80, 0),
            (82, 0xff),
            (92, 200),
            (96 + 8, 255),
        ] {
            let mut page = good.encode();
            page[at] = byte;
            assert_eq!(Header::decode(&page), None, "byte {at}");
        }
        assert_eq!(Header::decode(&good.encode()[1..]), None);
    }

    proptest! {
        #[test]
        fn any_bytes(tail in prop::collection::vec(any::<u8>(), PAGE - 8)) {
            let page = [MAGIC.as_slice(), &tail].concat();
            if let Some(header) = Header::decode(&page) {
                prop_assert!(header.size() < 1 << 31);
            }
        }
    }
}
