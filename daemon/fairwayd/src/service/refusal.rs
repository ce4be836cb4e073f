//! What a refusal is on the socket: a code as CNI has them, and the field that asked for it in front.

use crate::{code::Coded, convert::body, driver::Failure};
use fairway_api::{ErrorBody, ipam::Facts};
use fairway_cni::Code;
use fairway_ipam::{Answer, Refusal, Status};

/// A failure, in answer to a request that said nothing about fields.
pub(super) fn failure(failure: &Failure) -> ErrorBody {
    said(failure, &Facts::default())
}

/// A failure, with the field in front that it is about.
pub(super) fn said(failure: &Failure, facts: &Facts) -> ErrorBody {
    let field = match failure {
        Failure::Journal { .. } | Failure::Stopping => None,
        Failure::Refused(refusal) => field(refusal, facts),
    };
    match field {
        Some(field) => body(failure.code(), format_args!("{field}: {failure}")),
        None => body(failure.code(), failure),
    }
}

impl Coded for Failure {
    fn code(&self) -> Code {
        match self {
            Failure::Journal { .. } => Code::IO,
            Failure::Stopping => Code::TRY_AGAIN,
            Failure::Refused(refusal) => code(refusal),
        }
    }
}

fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::NoPool { .. }
        | Refusal::NotForYou { .. }
        | Refusal::NoPoolTakes
        | Refusal::NoWorkload { .. } => Code::INVALID_CONFIG,
        Refusal::Draining { .. } | Refusal::Exhausted { .. } => Code::ADDRESSES_EXHAUSTED,
        Refusal::StoreAway { .. }
        | Refusal::Resting { .. }
        | Refusal::Held { again: true, .. }
        | Refusal::TimedOut { .. }
        | Refusal::Again { .. } => Code::TRY_AGAIN,
        Refusal::NotGiven { .. }
        | Refusal::Taken { .. }
        | Refusal::Held { again: false, .. }
        | Refusal::KeptFor { .. }
        | Refusal::Claim { .. } => Code::ADDRESS_UNAVAILABLE,
        Refusal::AlreadyAttached { .. } => Code::ALREADY_ATTACHED,
        Refusal::Unknown { .. } | Refusal::Differs { .. } | Refusal::CutOff { .. } => {
            Code::CHECK_FAILED
        }
        Refusal::Record { .. } => Code::IO,
    }
}

fn field<'a>(refusal: &Refusal, facts: &'a Facts) -> Option<&'a str> {
    let asked = match refusal {
        Refusal::NotGiven { ip, .. } | Refusal::Taken { ip, .. } | Refusal::Resting { ip, .. } => {
            let mut asked = facts.addresses.iter();
            return asked
                .find(|asked| asked.value == *ip)
                .map(|asked| asked.field.as_str());
        }
        Refusal::NoPool { .. } | Refusal::NotForYou { .. } | Refusal::Draining { .. } => {
            &facts.pool
        }
        Refusal::Held { .. } | Refusal::KeptFor { .. } | Refusal::Claim { .. } => &facts.claim,
        Refusal::NoWorkload { .. } => &facts.release,
        _ => return None,
    };
    asked.as_ref().map(|asked| asked.field.as_str())
}

/// STATUS, as the agent judges it: 50 where an ADD would get no address, 51 where it would not since the
/// store is away.
///
/// # Errors
/// With one of the two codes.
pub(super) fn status(answer: &Result<Answer, Failure>) -> Result<&Status, ErrorBody> {
    match answer {
        Ok(Answer::Status(status)) => Ok(status),
        Ok(_) => Err(body(Code::INTERNAL, "the agent answered something else")),
        Err(failure @ Failure::Refused(Refusal::StoreAway { .. })) => {
            Err(body(Code::UNAVAILABLE_DEGRADED, failure))
        }
        Err(failure) => Err(body(Code::UNAVAILABLE, failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::ipam::Sourced;
    use fairway_ipam::PoolName;

    fn pool(name: &str) -> PoolName {
        PoolName::new(name).unwrap()
    }

    #[test]
    fn the_field_stands_in_front() {
        let facts = Facts {
            addresses: vec![Sourced {
                value: "10.0.0.5".parse().unwrap(),
                field: "CNI_ARGS: IP".into(),
            }],
            ..Facts::default()
        };
        let taken = Failure::Refused(Refusal::Taken {
            ip: "10.0.0.5".parse().unwrap(),
            holder: "net/c2/eth0 on n2".into(),
        });
        let error = said(&taken, &facts);
        let text = "CNI_ARGS: IP: address 10.0.0.5 is taken by net/c2/eth0 on n2";
        assert_eq!((error.code, error.message.as_str()), (102, text));
        let error = failure(&taken);
        assert!(error.message.starts_with("address 10.0.0.5"), "{error:?}");
    }

    #[test]
    fn codes_are_those_of_the_list() {
        let held = |again| Refusal::Held {
            claim: fairway_ipam::ClaimName::new("prod/db-0").unwrap(),
            holder: "x".into(),
            again,
        };
        let away = Refusal::StoreAway {
            what: "a block".into(),
        };
        for (refusal, code) in [
            (Refusal::NoPoolTakes, 7),
            (Refusal::NoPool { pool: pool("p") }, 7),
            (held(true), 11),
            (held(false), 102),
            (away, 11),
            (Refusal::Draining { pool: pool("p") }, 101),
        ] {
            let error = failure(&Failure::Refused(refusal.clone()));
            assert_eq!(error.code, code, "{refusal:?}");
        }
        assert_eq!(failure(&Failure::Stopping).code, 11);
        assert_eq!(
            failure(&Failure::Journal {
                reason: "full".into()
            })
            .code,
            5
        );
    }

    #[test]
    fn status_has_two_codes_of_its_own() {
        let code = |refusal| {
            let answer = Err(Failure::Refused(refusal));
            status(&answer).map(drop).map_err(|error| error.code)
        };
        let away = Refusal::StoreAway {
            what: "a block".into(),
        };
        assert_eq!(code(away), Err(51));
        assert_eq!(code(Refusal::NoPoolTakes), Err(50));
        // Nothing free here, and an ADD has an address of another node's block all the same.
        let pools = Vec::new();
        let lent = Ok(Answer::Status(Status {
            connected: true,
            pools,
        }));
        assert!(status(&lent).is_ok());
    }
}
