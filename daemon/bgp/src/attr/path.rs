//! AS_PATH.

use crate::Asn;

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// One AS after the other, the nearest first.
    Sequence(Vec<Asn>),
    /// Of an aggregate: in no order. It counts as one.
    Set(Vec<Asn>),
    /// Within a confederation (RFC 5065); it does not count.
    ConfedSequence(Vec<Asn>),
    /// Likewise.
    ConfedSet(Vec<Asn>),
}

/// The AS that a route came through, the nearest first. No segment is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AsPath(Vec<Segment>);

impl AsPath {
    /// Of these; empty ones are left out.
    pub fn new(segments: impl IntoIterator<Item = Segment>) -> AsPath {
        let segments = segments.into_iter();
        AsPath(
            segments
                .filter(|segment| !segment.all().is_empty())
                .collect(),
        )
    }

    /// A single sequence.
    pub fn sequence(path: impl IntoIterator<Item = Asn>) -> AsPath {
        AsPath::new([Segment::Sequence(path.into_iter().collect())])
    }

    /// Its parts.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// How long it is (RFC 4271, 9.1.2.2): a set counts as one.
    pub fn len(&self) -> usize {
        let lengths = self.0.iter().map(|segment| match segment {
            Segment::Sequence(path) => path.len(),
            Segment::Set(_) => 1,
            Segment::ConfedSequence(_) | Segment::ConfedSet(_) => 0,
        });
        lengths.sum()
    }

    /// Whether it has no segment.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the AS is anywhere in it.
    pub fn has(&self, asn: Asn) -> bool {
        self.0.iter().any(|segment| segment.all().contains(&asn))
    }

    /// The neighbouring AS: the first of a leading sequence.
    pub fn neighbour(&self) -> Option<Asn> {
        match self.0.first()? {
            Segment::Sequence(path) => path.first().copied(),
            _ => None,
        }
    }

    /// Whose route it was first: the last of a sequence at the end, or the only one of a set there.
    pub fn originator(&self) -> Option<Asn> {
        match self.0.last()? {
            Segment::Sequence(path) => path.last().copied(),
            Segment::Set(set) if set.len() == 1 => set.first().copied(),
            _ => None,
        }
    }

    /// With the AS in front, so many times.
    #[must_use]
    pub fn prepended(&self, asn: Asn, times: usize) -> AsPath {
        let front = std::iter::repeat_n(asn, times);
        let (front, rest) = match self.0.split_first() {
            Some((Segment::Sequence(path), rest)) => {
                (front.chain(path.iter().copied()).collect(), rest)
            }
            _ => (front.collect(), &self.0[..]),
        };
        AsPath::new(std::iter::once(Segment::Sequence(front)).chain(rest.iter().cloned()))
    }
}

impl Segment {
    /// Those it has.
    pub fn all(&self) -> &[Asn] {
        let (Segment::Sequence(all)
        | Segment::Set(all)
        | Segment::ConfedSequence(all)
        | Segment::ConfedSet(all)) = self;
        all
    }
}
