//! Keys that several interface plugins have.

use fairway_cni::{FieldError, Object};
use fairway_netfilter::Backend;

/// The least MTU that IPv4 allows (RFC 791), the most that a veth takes.
const MTU: std::ops::RangeInclusive<i64> = 68..=65535;

/// `ipMasq` and `ipMasqBackend`: `None` is off, `Some(None)` leaves the backend to us.
pub fn masquerade(root: &Object<'_>) -> Result<Option<Option<Backend>>, FieldError> {
    let backend = root.parse::<Backend>("ipMasqBackend")?;
    Ok(root.flag("ipMasq")?.then_some(backend))
}

/// `mtu` in bytes: `None` for 0 or absent, which leaves it to the kernel.
pub fn mtu(root: &Object<'_>) -> Result<Option<u32>, FieldError> {
    match root.get("mtu") {
        Some(field) if field.value().as_i64() != Some(0) => {
            Ok(u32::try_from(field.integer(MTU)?).ok())
        }
        _ => Ok(None),
    }
}
