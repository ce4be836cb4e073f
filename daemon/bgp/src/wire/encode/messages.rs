//! Messages of as many prefixes as they hold.

use super::Encoded;
use crate::attr::NextHop;
use crate::message::Kind;
use crate::wire::code;
use crate::wire::{Coding, Unwritable, frame, nlri};
use crate::{Family, Prefix};

/// Announces prefixes, of which all have these attributes, at the end of `out`, in as few messages as hold them if those
/// of a family are beside each other. The answer is how many messages these are.
///
/// # Errors
/// [`Unwritable::TooLong`], [`Unwritable::NextHop`], [`Unwritable::Family`]: then nothing is written.
pub fn announce(
    attributes: &Encoded,
    next_hop: NextHop,
    prefixes: impl IntoIterator<Item = Prefix>,
    coding: &Coding,
    out: &mut Vec<u8>,
) -> Result<usize, Unwritable> {
    messages(prefixes, coding, out, |family, out| {
        match (family, next_hop) {
            (Family::Ipv4, NextHop::V4(ip)) => {
                let (front, back) = attributes.parts();
                let length = front.len() + 7 + back.len();
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&two(length));
                out.extend_from_slice(front);
                out.extend_from_slice(&[code::TRANSITIVE, code::NEXT_HOP, 4]);
                out.extend_from_slice(&ip.octets());
                out.extend_from_slice(back);
                Ok(Layout::Announced)
            }
            (Family::Ipv4, NextHop::V6(..)) if !coding.ipv4_by_ipv6 => {
                Err(Unwritable::NextHop { family, next_hop })
            }
            (Family::Ipv6, NextHop::V4(_)) => Err(Unwritable::NextHop { family, next_hop }),
            (_, NextHop::V6(ip, link)) => {
                multiprotocol(code::MP_REACH_NLRI, family, out);
                out.push(if link.is_some() { 32 } else { 16 });
                out.extend_from_slice(&ip.octets());
                out.extend(link.iter().flat_map(|ip| ip.octets()));
                out.push(0);
                Ok(Layout::Reach(attributes.bytes()))
            }
        }
    })
}

/// Withdraws prefixes, at the end of `out`, in as few messages as hold them if those of a family are beside each other.
/// The answer is how many messages these are.
///
/// # Errors
/// [`Unwritable::Family`]: then nothing is written.
pub fn withdraw(
    prefixes: impl IntoIterator<Item = Prefix>,
    coding: &Coding,
    out: &mut Vec<u8>,
) -> Result<usize, Unwritable> {
    messages(prefixes, coding, out, |family, out| match family {
        Family::Ipv4 => {
            out.extend_from_slice(&[0, 0]);
            Ok(Layout::Withdrawn)
        }
        Family::Ipv6 => {
            multiprotocol(code::MP_UNREACH_NLRI, family, out);
            Ok(Layout::Unreach)
        }
    })
}

/// Says that all routes of a family were told (RFC 4724, 2), at the end of `out`.
///
/// # Errors
/// [`Unwritable::Family`].
pub fn end_of_rib(family: Family, coding: &Coding, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    if !coding.speaks(family) {
        return Err(Unwritable::Family(family));
    }
    let start = frame::begin(Kind::Update, out);
    match family {
        Family::Ipv4 => out.extend_from_slice(&[0, 0, 0, 0]),
        Family::Ipv6 => {
            multiprotocol(code::MP_UNREACH_NLRI, family, out);
            Layout::Unreach.end(start, out);
        }
    }
    frame::end(start, out);
    Ok(())
}

/// Where the prefixes of a message are.
enum Layout<'a> {
    Withdrawn,
    Announced,
    Unreach,
    /// Before the other attributes, which are these.
    Reach(&'a [u8]),
}

/// The octets before MP_REACH_NLRI or MP_UNREACH_NLRI: header, no withdrawn routes, length of all attributes; and its own
/// flags, type and length.
const BEFORE: usize = frame::HEADER + 4;
const LEAD: usize = 4;

impl Layout<'_> {
    /// What follows the prefixes.
    fn after(&self) -> &[u8] {
        match self {
            Layout::Withdrawn => &[0, 0],
            Layout::Announced | Layout::Unreach => &[],
            Layout::Reach(attributes) => attributes,
        }
    }

    /// Ends the message that began at `start`, after its prefixes.
    fn end(&self, start: usize, out: &mut Vec<u8>) {
        let length = out.len() - start;
        match self {
            Layout::Withdrawn => {
                let place = frame::HEADER;
                frame::put(out, start + place, length - place - 2);
            }
            Layout::Announced => {}
            Layout::Unreach | Layout::Reach(_) => {
                frame::put(
                    out,
                    start + BEFORE - 2,
                    length - BEFORE + self.after().len(),
                );
                frame::put(out, start + BEFORE + 2, length - BEFORE - LEAD);
            }
        }
        out.extend_from_slice(self.after());
        frame::end(start, out);
    }
}

/// All up to AFI and SAFI.
fn multiprotocol(code: u8, family: Family, out: &mut Vec<u8>) {
    let flags = code::OPTIONAL | code::EXTENDED;
    out.extend_from_slice(&[0, 0, 0, 0, flags, code, 0, 0]);
    out.extend_from_slice(&family.afi().to_be_bytes());
    out.push(family.safi());
}

fn two(length: usize) -> [u8; 2] {
    let [.., high, low] = length.to_be_bytes();
    [high, low]
}

/// One message after the other, each begun by `begin` and ended where it is full or where a prefix of another family
/// follows.
fn messages<'a>(
    prefixes: impl IntoIterator<Item = Prefix>,
    coding: &Coding,
    out: &mut Vec<u8>,
    mut begin: impl FnMut(Family, &mut Vec<u8>) -> Result<Layout<'a>, Unwritable>,
) -> Result<usize, Unwritable> {
    let first = out.len();
    let undone = |error, out: &mut Vec<u8>| {
        out.truncate(first);
        Err(error)
    };
    let limit = coding.longest(Kind::Update);
    let mut prefixes = prefixes.into_iter();
    let mut next = prefixes.next();
    let mut count = 0;
    while let Some(prefix) = next {
        let family = prefix.family();
        if !coding.speaks(family) {
            return undone(Unwritable::Family(family), out);
        }
        let start = frame::begin(Kind::Update, out);
        let layout = match begin(family, out) {
            Ok(layout) => layout,
            Err(error) => return undone(error, out),
        };
        let empty = out.len();
        let end = (start + limit).saturating_sub(layout.after().len());
        while let Some(prefix) = next.filter(|prefix| prefix.family() == family)
            && out.len() + nlri::octets(prefix.length()) <= end
        {
            match prefix {
                Prefix::V4(net) => nlri::write_v4(net, out),
                Prefix::V6(net) => nlri::write_v6(net, out),
            }
            next = prefixes.next();
        }
        if out.len() == empty {
            let length = empty - start + layout.after().len() + nlri::octets(prefix.length());
            return undone(Unwritable::TooLong { length, limit }, out);
        }
        layout.end(start, out);
        count += 1;
    }
    Ok(count)
}
