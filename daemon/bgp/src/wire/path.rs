//! AS_PATH and AS4_PATH (RFC 4271, 4.3; RFC 5065, 6793, 7606, 7607, 9774).

use super::{Coding, Wrong, cursor::Cursor};
use crate::Asn;
use crate::attr::{AsPath, Segment};

const SET: u8 = 1;
const SEQUENCE: u8 = 2;
const CONFED_SEQUENCE: u8 = 3;
const CONFED_SET: u8 = 4;

/// Most AS of a segment.
const MOST: usize = 255;

/// Which of the two attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// AS_PATH, of numbers as they were agreed on.
    Path,
    /// AS4_PATH: four octets, and no confederation, whose segments are left out (RFC 6793, 6).
    As4,
}

/// Sequences that follow each other are one.
pub(super) fn read(value: &[u8], kind: Kind, coding: &Coding) -> Result<AsPath, Wrong> {
    let four_octets = kind == Kind::As4 || coding.four_octets;
    let mut segments = Vec::new();
    let mut left = Cursor::new(value);
    while !left.is_empty() {
        let code = left.u8().ok_or(Wrong::Segment)?;
        let count = left.u8().ok_or(Wrong::Segment)?;
        let size = if four_octets { 4 } else { 2 };
        let all = left.take(usize::from(count) * size).ok_or(Wrong::Segment)?;
        if count == 0 || !(SET..=CONFED_SET).contains(&code) {
            return Err(Wrong::Segment);
        }
        if matches!(code, SET | CONFED_SET) && !coding.as_sets {
            return Err(Wrong::AsSet);
        }
        let all = numbers(all, four_octets).ok_or(Wrong::AsZero)?;
        match (code, kind) {
            (CONFED_SEQUENCE | CONFED_SET, Kind::As4) => {}
            (CONFED_SEQUENCE | CONFED_SET, _) if !coding.confederation => {
                return Err(Wrong::Confederation);
            }
            (SET, _) => segments.push(Segment::Set(all)),
            (SEQUENCE, _) => join(&mut segments, Segment::Sequence(all)),
            (CONFED_SEQUENCE, _) => join(&mut segments, Segment::ConfedSequence(all)),
            (_, _) => segments.push(Segment::ConfedSet(all)),
        }
    }
    Ok(AsPath::new(segments))
}

/// None where one is 0.
fn numbers(all: &[u8], four_octets: bool) -> Option<Vec<Asn>> {
    match four_octets {
        true => {
            let (all, _) = all.as_chunks();
            all.iter()
                .map(|asn| Asn::new(u32::from_be_bytes(*asn)))
                .collect()
        }
        false => {
            let (all, _) = all.as_chunks();
            all.iter()
                .map(|asn| Asn::new(u16::from_be_bytes(*asn).into()))
                .collect()
        }
    }
}

fn join(segments: &mut Vec<Segment>, next: Segment) {
    match (segments.last_mut(), next) {
        (Some(Segment::Sequence(all)), Segment::Sequence(more))
        | (Some(Segment::ConfedSequence(all)), Segment::ConfedSequence(more)) => all.extend(more),
        (_, next) => segments.push(next),
    }
}

/// What a speaker of two-octet numbers tells in both attributes (RFC 6793, 4.2.3): as much of the front of the one as it
/// is longer than the other, and then the other.
pub(super) fn merged(path: AsPath, as4: AsPath) -> AsPath {
    let Some(mut more) = path.len().checked_sub(as4.len()) else {
        return path;
    };
    let mut segments = Vec::new();
    for segment in path.segments() {
        match segment {
            Segment::ConfedSequence(_) | Segment::ConfedSet(_) => segments.push(segment.clone()),
            _ if more == 0 => break,
            Segment::Set(_) => {
                more -= 1;
                segments.push(segment.clone());
            }
            Segment::Sequence(all) => {
                let front = all.iter().copied().take(more).collect::<Vec<_>>();
                let whole = front.len() == all.len();
                more -= front.len();
                segments.push(Segment::Sequence(front));
                if !whole {
                    break;
                }
            }
        }
    }
    for segment in as4.segments() {
        join(&mut segments, segment.clone());
    }
    AsPath::new(segments)
}

/// Octets of what [`write()`] writes.
pub(super) fn octets(path: &AsPath, kind: Kind, coding: &Coding) -> usize {
    let size = if kind == Kind::As4 || coding.four_octets {
        4
    } else {
        2
    };
    let segments =
        told(path, kind, coding).map(|(_, all)| all.len().div_ceil(MOST) * 2 + all.len() * size);
    segments.sum()
}

/// Segments of a confederation are left out where the neighbour is in none (RFC 5065, 5.3).
pub(super) fn write(path: &AsPath, kind: Kind, coding: &Coding, out: &mut Vec<u8>) {
    for (code, all) in told(path, kind, coding) {
        for part in all.chunks(MOST) {
            let [.., count] = part.len().to_be_bytes();
            out.extend_from_slice(&[code, count]);
            for asn in part {
                match kind == Kind::As4 || coding.four_octets {
                    true => out.extend_from_slice(&asn.get().to_be_bytes()),
                    false => out.extend_from_slice(&asn.short().to_be_bytes()),
                }
            }
        }
    }
}

fn told<'a>(
    path: &'a AsPath,
    kind: Kind,
    coding: &Coding,
) -> impl Iterator<Item = (u8, &'a [Asn])> + use<'a> {
    let confederation = kind == Kind::Path && coding.confederation;
    path.segments().iter().filter_map(move |segment| {
        let code = match segment {
            Segment::Set(_) => SET,
            Segment::Sequence(_) => SEQUENCE,
            Segment::ConfedSequence(_) if confederation => CONFED_SEQUENCE,
            Segment::ConfedSet(_) if confederation => CONFED_SET,
            Segment::ConfedSequence(_) | Segment::ConfedSet(_) => return None,
        };
        Some((code, segment.all()))
    })
}

/// Whether it has a set that is not to be told, or one that has too many AS for a segment: cut in two it would be longer.
pub(super) fn has_bad_set(path: &AsPath, coding: &Coding) -> bool {
    let told = told(path, Kind::Path, coding);
    told.into_iter().any(|(code, all)| {
        matches!(code, SET | CONFED_SET) && (!coding.as_sets || all.len() > MOST)
    })
}

/// Whether a speaker of two-octet numbers has to be told the rest in AS4_PATH.
pub(super) fn is_long(path: &AsPath) -> bool {
    let told = path
        .segments()
        .iter()
        .filter(|segment| matches!(segment, Segment::Sequence(_) | Segment::Set(_)));
    told.flat_map(Segment::all).any(|asn| asn.is_long())
}
