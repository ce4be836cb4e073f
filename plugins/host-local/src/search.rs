//! The next free address of a set: by the index's map, by trying names, or by listing the folder.

use crate::{
    error::StoreError,
    session::{Session, Trust},
    span::{Span, address},
};
use std::net::IpAddr;

/// How many names are tried one by one before the folder is listed, where the index has no map.
const PROBES: usize = 1024;

/// Takes an address if it is free; says whether it was.
pub(crate) type Take<'a> = dyn FnMut(&mut Session<'_>, IpAddr) -> Result<bool, StoreError> + 'a;

/// Takes the first free address of `legs`, as `take` has it; `None` where there is none.
///
/// That there is none a current index says by itself (see [`Session::review`]).
pub(crate) fn find(
    session: &mut Session<'_>,
    legs: &[Span],
    take: &mut Take<'_>,
) -> Result<Option<IpAddr>, StoreError> {
    loop {
        let found = search(session, legs, take)?;
        if found.is_some() || !session.review()? {
            return Ok(found);
        }
    }
}

fn search(
    session: &mut Session<'_>,
    legs: &[Span],
    take: &mut Take<'_>,
) -> Result<Option<IpAddr>, StoreError> {
    let mut probes = PROBES;
    for leg in legs {
        let mut found = None;
        if !session.maps(leg) {
            found = probe(session, leg, &mut probes, take)?;
            if found.is_none() && probes == 0 {
                // Ranges that the index was not built for: build it anew, if it can map them.
                let mappable = session.could_map(leg) && session.verify(Trust::Listed)?;
                if !(mappable && session.maps(leg)) {
                    found = gap(session, leg, take)?;
                }
            }
        }
        if found.is_none() && session.maps(leg) {
            found = mapped(session, leg, take)?;
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Asks the index's map.
fn mapped(
    session: &mut Session<'_>,
    leg: &Span,
    take: &mut Take<'_>,
) -> Result<Option<IpAddr>, StoreError> {
    let mut rest = Some(*leg);
    while let Some(span) = rest {
        let Some(ip) = session.first_free(&span)? else {
            break;
        };
        if take(session, ip)? {
            return Ok(Some(ip));
        }
        // A file of which the index knows nothing: there may be more.
        if session.verify(Trust::Listed)? {
            rest = Some(*leg);
        } else {
            session.occupy(ip);
            rest = span.after(ip);
        }
    }
    Ok(None)
}

/// Tries one name after the other.
fn probe(
    session: &mut Session<'_>,
    leg: &Span,
    probes: &mut usize,
    take: &mut Take<'_>,
) -> Result<Option<IpAddr>, StoreError> {
    for ip in leg.iter() {
        if *probes == 0 {
            break;
        }
        *probes -= 1;
        if take(session, ip)? {
            return Ok(Some(ip));
        }
    }
    Ok(None)
}

/// Lists the folder once and takes the first number that is not in it.
fn gap(
    session: &mut Session<'_>,
    leg: &Span,
    take: &mut Take<'_>,
) -> Result<Option<IpAddr>, StoreError> {
    let taken = session.taken(leg.v6())?;
    let mut next = leg.first();
    for &number in taken.iter().skip_while(|number| **number < leg.first()) {
        while next < number && next <= leg.last() {
            if let Some(ip) = address(leg.v6(), next)
                && take(session, ip)?
            {
                return Ok(Some(ip));
            }
            next += 1;
        }
        if number >= leg.last() {
            return Ok(None);
        }
        next = number + 1;
    }
    let rest = address(leg.v6(), next).and_then(|ip| Span::new(ip, address(leg.v6(), leg.last())?));
    match rest {
        Some(rest) => probe(session, &rest, &mut { PROBES }, take),
        None => Ok(None),
    }
}
