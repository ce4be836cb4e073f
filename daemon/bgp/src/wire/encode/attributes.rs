//! Attributes as bytes.

use crate::Asn;
use crate::attr::{Aggregator, Attributes, Unknown};
use crate::wire::{Coding, LONGEST_EXTENDED, Unwritable};
use crate::wire::{code, path};
use std::iter::Peekable;
use std::slice;

/// Attributes as bytes: encoded once for all routes that have them, and for all neighbours whose codings
/// [share](Coding::shares_attributes) them. What such neighbours are not told is left out (LOCAL_PREF, ORIGINATOR_ID and
/// CLUSTER_LIST in another AS; segments of a confederation outside of it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Box<[u8]>,
    /// Where NEXT_HOP belongs, between AS_PATH and the rest.
    next_hop: usize,
}

impl Encoded {
    /// By ascending type.
    ///
    /// # Errors
    /// [`Unwritable::AsSet`]; [`Unwritable::TooLong`] where one of them alone is too long for any message.
    pub fn new(attributes: &Attributes, coding: &Coding) -> Result<Encoded, Unwritable> {
        if path::has_bad_set(&attributes.as_path, coding) {
            return Err(Unwritable::AsSet);
        }
        let mut out = Writer::new(attributes);
        out.head(code::ORIGIN, 1)?;
        out.bytes.push(attributes.origin as u8);
        out.path(code::AS_PATH, path::Kind::Path, attributes, coding)?;
        let next_hop = out.bytes.len();
        out.number(code::MULTI_EXIT_DISC, attributes.med)?;
        let local_pref = attributes.local_pref.filter(|_| coding.has_local_pref());
        out.number(code::LOCAL_PREF, local_pref)?;
        if attributes.atomic_aggregate {
            out.head(code::ATOMIC_AGGREGATE, 0)?;
        }
        let long = match &attributes.aggregator {
            Some(aggregator) => out.aggregator(aggregator, coding)?,
            None => None,
        };
        let communities = attributes.communities.iter();
        out.all(code::COMMUNITIES, communities.map(|c| c.0.to_be_bytes()))?;
        if coding.internal {
            let originator = attributes.originator.map(|id| id.get());
            out.number(code::ORIGINATOR_ID, originator)?;
            let clusters = attributes.clusters.iter();
            out.all(
                code::CLUSTER_LIST,
                clusters.map(|id| id.get().to_be_bytes()),
            )?;
        }
        let extended = attributes.extended.iter();
        out.all(
            code::EXTENDED_COMMUNITIES,
            extended.map(|c| c.0.to_be_bytes()),
        )?;
        if !coding.four_octets && path::is_long(&attributes.as_path) {
            out.path(code::AS4_PATH, path::Kind::As4, attributes, coding)?;
        }
        if let Some(aggregator) = long {
            out.head(code::AS4_AGGREGATOR, 8)?;
            out.bytes.extend_from_slice(&aggregator);
        }
        let large = attributes.large.iter().map(|mark| {
            let [first, second] = mark.local;
            [mark.global, first, second].map(u32::to_be_bytes)
        });
        out.all(code::LARGE_COMMUNITY, large.map(|[a, b, c]| join(a, b, c)))?;
        out.unknown(u8::MAX)?;
        Ok(Encoded {
            bytes: out.bytes.into(),
            next_hop,
        })
    }

    /// What comes before NEXT_HOP, and what comes after it.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        let parts = self.bytes.split_at_checked(self.next_hop);
        parts.unwrap_or((&self.bytes, &[]))
    }

    /// All of it, where there is no NEXT_HOP.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Writes attributes by ascending type.
struct Writer<'a> {
    bytes: Vec<u8>,
    /// Those that were not written yet.
    unknown: Peekable<slice::Iter<'a, Unknown>>,
}

impl<'a> Writer<'a> {
    fn new(attributes: &'a Attributes) -> Writer<'a> {
        Writer {
            // Most take less.
            bytes: Vec::with_capacity(256),
            unknown: attributes.unknown.iter().peekable(),
        }
    }

    /// Flags, type and length of one that is known here, after what is not known and comes before it.
    fn head(&mut self, code: u8, length: usize) -> Result<(), Unwritable> {
        self.unknown(code)?;
        self.lead(code::flags(code).unwrap_or_default(), code, length)
    }

    /// Those up to a type. All were told by others before, to whom they were not known either.
    fn unknown(&mut self, code: u8) -> Result<(), Unwritable> {
        while let Some(unknown) = self.unknown.next_if(|unknown| unknown.code <= code) {
            if code::flags(unknown.code).is_none() {
                let flags = code::OPTIONAL | code::TRANSITIVE | code::PARTIAL;
                self.lead(flags, unknown.code, unknown.value.len())?;
                self.bytes.extend_from_slice(&unknown.value);
            }
        }
        Ok(())
    }

    fn lead(&mut self, flags: u8, code: u8, length: usize) -> Result<(), Unwritable> {
        match length.to_be_bytes() {
            [.., low] if length <= 0xFF => self.bytes.extend_from_slice(&[flags, code, low]),
            [.., high, low] if length <= 0xFFFF => {
                let flags = flags | code::EXTENDED;
                self.bytes.extend_from_slice(&[flags, code, high, low]);
            }
            _ => {
                let limit = LONGEST_EXTENDED;
                return Err(Unwritable::TooLong { length, limit });
            }
        }
        Ok(())
    }

    fn number(&mut self, code: u8, number: Option<u32>) -> Result<(), Unwritable> {
        self.all(code, number.into_iter().map(u32::to_be_bytes))
    }

    /// Nothing where there is none.
    fn all<const N: usize>(
        &mut self,
        code: u8,
        all: impl ExactSizeIterator<Item = [u8; N]>,
    ) -> Result<(), Unwritable> {
        if all.len() > 0 {
            self.head(code, all.len() * N)?;
            self.bytes.extend(all.flatten());
        }
        Ok(())
    }

    fn path(
        &mut self,
        code: u8,
        kind: path::Kind,
        attributes: &Attributes,
        coding: &Coding,
    ) -> Result<(), Unwritable> {
        let path = &attributes.as_path;
        self.head(code, path::octets(path, kind, coding))?;
        path::write(path, kind, coding, &mut self.bytes);
        Ok(())
    }

    /// The answer is what goes into AS4_AGGREGATOR besides.
    fn aggregator(
        &mut self,
        aggregator: &Aggregator,
        coding: &Coding,
    ) -> Result<Option<[u8; 8]>, Unwritable> {
        let Aggregator { asn, router } = aggregator;
        let ([a, b, c, d], [e, f, g, h]) = (asn.get().to_be_bytes(), router.octets());
        let long = [a, b, c, d, e, f, g, h];
        if coding.four_octets {
            self.head(code::AGGREGATOR, 8)?;
            self.bytes.extend_from_slice(&long);
            return Ok(None);
        }
        self.head(code::AGGREGATOR, 6)?;
        self.bytes.extend_from_slice(&asn.short().to_be_bytes());
        self.bytes.extend_from_slice(&router.octets());
        Ok(Asn::is_long(*asn).then_some(long))
    }
}

fn join(a: [u8; 4], b: [u8; 4], c: [u8; 4]) -> [u8; 12] {
    let mut all = [0; 12];
    let (parts, _) = all.as_chunks_mut();
    for (part, from) in parts.iter_mut().zip([a, b, c]) {
        *part = from;
    }
    all
}
