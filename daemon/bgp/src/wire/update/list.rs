//! The list of attributes: which there are, and what is done about each that is wrong.

use super::super::{Coding, Fault, Field, Treatment, Wrong, code, cursor::Cursor};
use super::mp::{self, Reach, Unreach};
use super::{refused, values::Values};
use crate::message::{Notification, UpdateError};

/// What the list says.
#[derive(Debug, Default)]
pub(super) struct List<'a> {
    pub(super) values: Values,
    pub(super) reach: Option<Reach>,
    pub(super) unreach: Option<Unreach>,
    /// Types that were there.
    seen: Codes,
    /// How many attributes.
    count: usize,
    /// What was wrong with NEXT_HOP, and all of it: whether that matters depends on what else there is.
    next_hop: Option<(Wrong, &'a [u8])>,
    /// The first error for which routes are withdrawn; the data is what it was in.
    broken: Option<(UpdateError, &'a [u8])>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Attribute<'a> {
    flags: u8,
    code: u8,
    value: &'a [u8],
    /// Flags, type and length, too.
    whole: &'a [u8],
}

impl<'a> List<'a> {
    /// # Errors
    /// Where routes cannot be told for sure, and where a well-known attribute is not known here.
    pub(super) fn read(
        bytes: &'a [u8],
        coding: &Coding,
        faults: &mut Vec<Fault>,
    ) -> Result<List<'a>, Notification> {
        let mut list = List::default();
        let mut left = Cursor::new(bytes);
        while !left.is_empty() {
            list.count += 1;
            let start = left.rest();
            let attribute = match Attribute::read(&mut left) {
                Ok(attribute) => attribute,
                // What follows in the message is where the length of the list says (RFC 7606, 4).
                Err(wrong) => {
                    if let [_, code::MP_REACH_NLRI | code::MP_UNREACH_NLRI, ..] = start {
                        return Err(refused(UpdateError::OptionalAttribute, start));
                    }
                    list.withdraw(Field::Attributes, wrong, start, faults);
                    break;
                }
            };
            list.one(attribute, coding, faults)?;
        }
        Ok(list)
    }

    fn one(
        &mut self,
        attribute: Attribute<'a>,
        coding: &Coding,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Notification> {
        let Attribute {
            flags, code, whole, ..
        } = attribute;
        let field = Field::Attribute(code);
        let multiprotocol = matches!(code, code::MP_REACH_NLRI | code::MP_UNREACH_NLRI);
        let discard = |wrong| Fault {
            field,
            wrong,
            treatment: Treatment::Discard,
        };
        if !self.seen.insert(code) {
            if multiprotocol {
                return Err(refused(UpdateError::AttributeList, &[]));
            }
            faults.push(discard(Wrong::Repeated));
            return Ok(());
        }
        let is = flags & (code::OPTIONAL | code::TRANSITIVE);
        let wrong = match code::flags(code) {
            None if is & code::OPTIONAL == 0 => {
                return Err(refused(UpdateError::UnknownWellKnown, whole));
            }
            None => {
                if is & code::TRANSITIVE != 0 {
                    self.values.keep(code, attribute.value);
                }
                return Ok(());
            }
            Some(be) if is != be => {
                if multiprotocol {
                    return Err(refused(UpdateError::OptionalAttribute, whole));
                }
                Wrong::Flags(flags)
            }
            Some(_) if multiprotocol => return self.routes(attribute, coding, faults),
            // Whatever is in it.
            Some(_) if is_unexpected(code, coding) => {
                faults.push(discard(Wrong::Unexpected));
                return Ok(());
            }
            Some(_) => match self.values.take(code, attribute.value, coding) {
                Ok(()) => return Ok(()),
                Err(wrong) => wrong,
            },
        };
        match (code, wrong) {
            (code::NEXT_HOP, wrong) => self.next_hop = Some((wrong, whole)),
            // RFC 9774 knows no exception, RFC 7606 none for flags.
            (_, Wrong::Flags(_) | Wrong::AsSet) => self.withdraw(field, wrong, whole, faults),
            (
                code::ATOMIC_AGGREGATE | code::AGGREGATOR | code::AS4_PATH | code::AS4_AGGREGATOR,
                wrong,
            ) => faults.push(discard(wrong)),
            (_, wrong) => self.withdraw(field, wrong, whole, faults),
        }
        Ok(())
    }

    /// MP_REACH_NLRI and MP_UNREACH_NLRI.
    fn routes(
        &mut self,
        attribute: Attribute<'a>,
        coding: &Coding,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Notification> {
        let Attribute {
            code, value, whole, ..
        } = attribute;
        let field = Field::Attribute(code);
        let incorrect = || refused(UpdateError::OptionalAttribute, whole);
        let foreign = match code {
            code::MP_REACH_NLRI => {
                let reach = mp::reach(value, coding).ok_or_else(incorrect)?;
                if let Reach::Routes { next_hop: None, .. } = reach {
                    self.withdraw(field, Wrong::Value, whole, faults);
                }
                match *self.reach.insert(reach) {
                    Reach::Foreign(afi, safi) => Some((afi, safi)),
                    Reach::Routes { .. } => None,
                }
            }
            _ => {
                let unreach = mp::unreach(value, coding).ok_or_else(incorrect)?;
                match *self.unreach.insert(unreach) {
                    Unreach::Foreign(afi, safi) => Some((afi, safi)),
                    Unreach::Routes(..) => None,
                }
            }
        };
        faults.extend(foreign.map(|(afi, safi)| Fault {
            field,
            wrong: Wrong::Family(afi, safi),
            treatment: Treatment::Discard,
        }));
        Ok(())
    }

    /// What can only be judged when all is known: what must be there where something is announced, by which field
    /// NEXT_HOP counts. One beside an MP_REACH_NLRI that has all routes is ignored (RFC 4760, 3).
    pub(super) fn judge(&mut self, reachable: bool, by_next_hop: bool, faults: &mut Vec<Fault>) {
        if let Some((wrong, whole)) = self.next_hop
            && (by_next_hop || self.reach.is_none())
        {
            self.withdraw(Field::Attribute(code::NEXT_HOP), wrong, whole, faults);
        }
        for (code, data, wanted) in [
            (code::ORIGIN, &[code::ORIGIN], reachable),
            (code::AS_PATH, &[code::AS_PATH], reachable),
            (code::NEXT_HOP, &[code::NEXT_HOP], by_next_hop),
        ] {
            if wanted && !self.seen.has(code) {
                self.withdraw(Field::Attribute(code), Wrong::Missing, data, faults);
            }
        }
    }

    fn withdraw(&mut self, field: Field, wrong: Wrong, data: &'a [u8], faults: &mut Vec<Fault>) {
        self.broken.get_or_insert((subcode(field, wrong), data));
        faults.push(Fault {
            field,
            wrong,
            treatment: Treatment::Withdraw,
        });
    }

    /// The first error for which routes are withdrawn.
    pub(super) fn broken(&self) -> Option<(UpdateError, &'a [u8])> {
        self.broken
    }

    /// Whether there are routes in MP_REACH_NLRI; of a family that was not agreed on there may be.
    pub(super) fn announces(&self) -> bool {
        match &self.reach {
            Some(Reach::Routes { prefixes, .. }) => !prefixes.is_empty(),
            Some(Reach::Foreign(..)) => true,
            None => false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn is_single(&self) -> bool {
        self.count == 1
    }
}

/// Whether such a neighbour does not tell it. LOCAL_PREF: RFC 7606, 7.5, and RFC 5065, 5.3; those of reflectors: RFC
/// 7606, 7.9 and 7.10; those beside numbers of two octets: RFC 6793, 4.1.
fn is_unexpected(code: u8, coding: &Coding) -> bool {
    match code {
        code::LOCAL_PREF => !coding.has_local_pref(),
        code::ORIGINATOR_ID | code::CLUSTER_LIST => !coding.internal,
        code::AS4_PATH | code::AS4_AGGREGATOR => coding.four_octets,
        _ => false,
    }
}

/// What RFC 4271 calls it.
fn subcode(field: Field, wrong: Wrong) -> UpdateError {
    let Field::Attribute(code) = field else {
        return UpdateError::AttributeList;
    };
    match (wrong, code) {
        (Wrong::Missing, _) => UpdateError::MissingWellKnown,
        (Wrong::Flags(_), _) => UpdateError::AttributeFlags,
        (Wrong::Length(_), _) => UpdateError::AttributeLength,
        (_, code::ORIGIN) => UpdateError::Origin,
        (_, code::NEXT_HOP) => UpdateError::NextHop,
        (_, code::AS_PATH) => UpdateError::AsPath,
        _ => UpdateError::OptionalAttribute,
    }
}

impl<'a> Attribute<'a> {
    fn read(left: &mut Cursor<'a>) -> Result<Attribute<'a>, Wrong> {
        let start = left.rest();
        let flags = left.u8().ok_or(Wrong::Underrun)?;
        let code = left.u8().ok_or(Wrong::Underrun)?;
        let length = match flags & code::EXTENDED {
            0 => left.u8().map(usize::from),
            _ => left.u16().map(usize::from),
        };
        let value = left.take(length.ok_or(Wrong::Underrun)?);
        let value = value.ok_or(Wrong::Overrun)?;
        let whole = start.len() - left.rest().len();
        Ok(Attribute {
            flags,
            code,
            value,
            whole: start.split_at_checked(whole).ok_or(Wrong::Overrun)?.0,
        })
    }
}

/// A set of types.
#[derive(Debug, Default)]
struct Codes([u128; 2]);

impl Codes {
    /// Whether it was not there before.
    fn insert(&mut self, code: u8) -> bool {
        let had = self.has(code);
        let [low, high] = &mut self.0;
        *if code < 128 { low } else { high } |= 1 << (code % 128);
        !had
    }

    fn has(&self, code: u8) -> bool {
        let [low, high] = self.0;
        (if code < 128 { low } else { high }) >> (code % 128) & 1 == 1
    }
}
