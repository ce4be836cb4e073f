//! Objects that are valid, but not together.
//!
//! Two cluster-wide policies of one tier and priority are allowed by the API, which leaves open which of
//! them decides. Two nodes could decide differently, so the second is refused.

use super::error::{ObjectError, Reason};
use crate::spec::Object;

/// May `new` stand beside these? An older self among them does not count.
///
/// # Errors
/// Where it may not; the field, and the name of the other.
pub fn conflicts<'o>(
    new: &Object,
    others: impl IntoIterator<Item = &'o Object>,
) -> Result<(), ObjectError> {
    let Object::ClusterPolicy(new) = new else {
        return Ok(());
    };
    let taken = others.into_iter().find(|other| match other {
        Object::ClusterPolicy(other) => {
            other.name != new.name && (other.tier, other.priority) == (new.tier, new.priority)
        }
        _ => false,
    });
    let Some(other) = taken else {
        return Ok(());
    };
    let reason = Reason::Taken {
        priority: new.priority,
        tier: new.tier,
        other: other.object_name(),
    };
    Err(ObjectError::one("spec.priority", reason))
}
