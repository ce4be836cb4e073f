//! Fields and what stands in them: AS numbers, addresses, times.

use crate::{Asn, Prefix, RouterId};
use fairway_policy::object::{
    Reason, cidr, clip,
    field::{self, Faults, Path},
    form::Form,
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// Elements of any list.
pub(super) const MOST: usize = 1000;

/// An object whose fields are read one by one.
#[derive(Clone, Copy)]
pub(super) struct Fields<'v, 'p> {
    map: &'v Map<String, Value>,
    at: &'p Path<'p>,
}

impl<'v, 'p> Fields<'v, 'p> {
    /// Of an object that has no others than these.
    pub(super) fn of(
        value: &'v Value,
        known: &[&str],
        at: &'p Path<'p>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let map = field::object(value, at, faults)?;
        field::only(map, known, at, faults);
        Some(Fields { map, at })
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Which of these there are.
    pub(super) fn given(self, of: &'static [&'static str]) -> Vec<&'static str> {
        of.iter().copied().filter(|name| self.has(name)).collect()
    }

    /// A field; none within: it is absent.
    pub(super) fn maybe<T>(
        self,
        name: &str,
        faults: &mut Faults,
        read: impl FnOnce(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<Option<T>> {
        match field::optional(self.map, name, self.at, faults) {
            None => Some(None),
            Some(value) => read(value, &self.at.field(name), faults).map(Some),
        }
    }

    /// A field, or what it is where it is absent.
    pub(super) fn or<T>(
        self,
        (name, default): (&str, T),
        faults: &mut Faults,
        read: impl FnOnce(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        let read = self.maybe(name, faults, read)?;
        Some(read.unwrap_or(default))
    }

    /// A field that has to be there.
    pub(super) fn must<T>(
        self,
        name: &str,
        faults: &mut Faults,
        read: impl FnOnce(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        let value = field::required(self.map, name, self.at, faults)?;
        read(value, &self.at.field(name), faults)
    }

    /// It may not be there, for another says something that does not go with it.
    pub(super) fn misplaced(self, name: &str, when: &'static str, faults: &mut Faults) {
        if self.has(name) {
            faults.add::<()>(&self.at.field(name), Reason::Misplaced { when });
        }
    }

    /// Something is wrong with a field.
    pub(super) fn refuse<T>(self, name: &str, reason: Reason, faults: &mut Faults) -> Option<T> {
        faults.add(&self.at.field(name), reason)
    }
}

/// What its own reader says is wrong.
pub(super) fn refused(what: impl ToString) -> Reason {
    let what = what.to_string();
    Reason::Refused { what }
}

pub(super) fn flag(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<bool> {
    let flag = value.as_bool();
    flag.or_else(|| field::mistyped(value, "true or false", at, faults))
}

/// A list of things. One without any is refused: to some it means all, to others none.
pub(super) fn some<'v, T>(
    value: &'v Value,
    at: &Path<'_>,
    faults: &mut Faults,
    read: impl FnMut(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    field::counted(value, (1, MOST), at, faults);
    field::list(value, at, faults, read).filter(|all| !all.is_empty())
}

/// Likewise, each once.
pub(super) fn each<'v, T: Ord + Clone>(
    value: &'v Value,
    at: &Path<'_>,
    faults: &mut Faults,
    mut read: impl FnMut(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let mut seen = BTreeSet::new();
    some(value, at, faults, |value, at, faults| {
        let one = read(value, at, faults)?;
        match seen.insert(one.clone()) {
            true => Some(one),
            false => faults.add(at, Reason::Twice),
        }
    })
}

pub(super) fn names(
    value: &Value,
    form: Form,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    each(value, at, faults, |value, at, faults| {
        field::formed(value, form, at, faults).map(str::to_owned)
    })
}

/// Any AS that a path can have.
pub(super) fn asn(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Asn> {
    Asn::new(field::number(value, (1, u32::MAX), at, faults)?)
}

/// An AS that a speaker can be of.
pub(super) fn speaker(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Asn> {
    let asn = asn(value, at, faults)?;
    let what = match asn {
        Asn::TRANS => "it stands for AS numbers of four octets (RFC 6793)",
        _ if [0xFFFF, 0xFFFF_FFFF].contains(&asn.get()) => "it is reserved (RFC 7300)",
        _ => return Some(asn),
    };
    faults.add(at, refused(format!("AS {asn} is no speaker's: {what}")))
}

/// The address of a machine. How it is written is how it is shown.
pub(super) fn address(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<IpAddr> {
    let given = field::text(value, at, faults)?;
    let what = match given.parse::<IpAddr>() {
        Err(_) => "is no IP address",
        Ok(ip) if ip.is_unspecified() => "is no machine's address",
        Ok(ip) if ip.is_multicast() => "is the address of a group",
        Ok(IpAddr::V4(Ipv4Addr::BROADCAST)) => "is the address of all machines of a link",
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some() => {
            "is an IPv4 address mapped into IPv6; write it as such"
        }
        Ok(IpAddr::V6(v6)) if v6.is_unicast_link_local() => {
            "is of a link only, and there is no way to say of which; write a global address"
        }
        Ok(ip) => return Some(ip),
    };
    faults.add(at, refused(format!("{:?} {what}", clip(given))))
}

/// A prefix without host bits.
pub(super) fn prefix(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Prefix> {
    let net = cidr::parse(value, at, faults)?;
    Prefix::new(net.ip(), net.prefix())
}

/// An identifier, written as an IPv4 address.
pub(super) fn router(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<RouterId> {
    let given = field::text(value, at, faults)?;
    let number = given.parse::<Ipv4Addr>().ok();
    number
        .and_then(|ip| RouterId::new(ip.to_bits()))
        .or_else(|| {
            let form = "an identifier in the form of an IPv4 address other than 0.0.0.0";
            let given = clip(given);
            faults.add(at, Reason::Form { given, form })
        })
}

/// A time in whole seconds, as `90s` or `2m`, of at least and at most so many.
pub(super) fn seconds(
    value: &Value,
    (least, most): (u16, u16),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<u16> {
    let Some(text) = value.as_str() else {
        return field::mistyped(value, "a time, such as 90s", at, faults);
    };
    let Some(found) = duration(text) else {
        let form = "a whole number with s, m, h or d, such as 90s";
        let given = clip(text);
        return faults.add(at, Reason::Form { given, form });
    };
    let fits = u16::try_from(found).ok();
    fits.filter(|found| (least..=most).contains(found))
        .or_else(|| {
            let what = format!("{:?} is not in {least}s to {most}s", clip(text));
            faults.add(at, refused(what))
        })
}

/// The same as a duration.
pub(super) fn time(
    value: &Value,
    bounds: (u16, u16),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Duration> {
    let found = seconds(value, bounds, at, faults)?;
    Some(Duration::from_secs(found.into()))
}

/// In seconds; what has no room is the most there is.
fn duration(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = number.parse::<u64>().unwrap_or(u64::MAX);
    Some(number.saturating_mul(factor))
}
