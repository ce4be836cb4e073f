//! Who decides about packets, and how.

use super::super::turn::Turn;
use crate::convert::body;
use fairway_api::{
    ErrorBody,
    admin::{PolicyExplain, PolicyExplained},
};
use fairway_cni::Code;

pub(in crate::policy) fn explained(
    _turn: &Turn,
    _explain: &PolicyExplain,
) -> Result<PolicyExplained, ErrorBody> {
    Err(body(Code::UNAVAILABLE, "not yet"))
}
