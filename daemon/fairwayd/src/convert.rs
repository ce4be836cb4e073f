//! Between the words of the socket and those of the core.

use fairway_api::{ErrorBody, ipam};
use fairway_cni::{Code, ContainerId, IfName, NetworkName, names::NameError};
use fairway_ipam::{
    Address, Allocate, Allocated, AttachmentId, Headroom, InvalidName, Millis, Netns, NotAChoice,
    PodFacts, PoolName, Workload, WorkloadError,
};
use std::{fmt::Display, str::FromStr};

/// Something in a request that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A name of the attachment.
    #[error("attachment.{field}: {source}")]
    Attachment {
        /// Which.
        field: &'static str,
        /// What is wrong.
        source: NameError,
    },
    /// A pool's name.
    #[error("{field}: {source}")]
    Pool {
        /// Where it came from.
        field: String,
        /// What is wrong.
        source: InvalidName,
    },
    /// A release policy or handover mode.
    #[error("{field}: {source}")]
    Choice {
        /// Where it came from.
        field: String,
        /// What is wrong.
        source: NotAChoice,
    },
    /// The workload.
    #[error("{field}: {source}")]
    Workload {
        /// Where it came from.
        field: String,
        /// What is wrong.
        source: WorkloadError,
    },
}

impl From<BadRequest> for ErrorBody {
    fn from(error: BadRequest) -> ErrorBody {
        let environment = match &error {
            BadRequest::Attachment { .. } => false,
            BadRequest::Pool { field, .. }
            | BadRequest::Choice { field, .. }
            | BadRequest::Workload { field, .. } => field.starts_with("CNI_ARGS"),
        };
        let code = match environment {
            true => Code::INVALID_ENVIRONMENT,
            false => Code::INVALID_CONFIG,
        };
        body(code, error)
    }
}

/// An error for the socket.
pub fn body(code: Code, message: impl Display) -> ErrorBody {
    ErrorBody {
        code: code.number(),
        message: message.to_string(),
        details: String::new(),
    }
}

/// Which attachment, judged: it becomes part of keys and names.
///
/// # Errors
/// Names the part that is wrong.
pub fn attachment(attachment: &ipam::Attachment) -> Result<AttachmentId, BadRequest> {
    fn judge<T: FromStr<Err = NameError>>(
        field: &'static str,
        text: &str,
    ) -> Result<(), BadRequest> {
        let judged = text.parse::<T>().map(drop);
        judged.map_err(|source| BadRequest::Attachment { field, source })
    }
    judge::<NetworkName>("network", &attachment.network)?;
    judge::<ContainerId>("container", &attachment.container)?;
    judge::<IfName>("ifname", &attachment.ifname)?;
    Ok(attachment_id(attachment))
}

/// Which attachment, as it was written.
pub fn attachment_id(attachment: &ipam::Attachment) -> AttachmentId {
    AttachmentId {
        network: attachment.network.clone(),
        container: attachment.container.clone(),
        ifname: attachment.ifname.clone(),
    }
}

/// Which attachment, for the socket.
pub fn attachment_out(attachment: &AttachmentId) -> ipam::Attachment {
    ipam::Attachment {
        network: attachment.network.clone(),
        container: attachment.container.clone(),
        ifname: attachment.ifname.clone(),
    }
}

/// A pool's name.
///
/// # Errors
/// Names the field.
pub fn pool(pool: &ipam::Sourced<String>) -> Result<PoolName, BadRequest> {
    PoolName::new(pool.value.clone()).map_err(|source| BadRequest::Pool {
        field: pool.field.clone(),
        source,
    })
}

fn choice<T: FromStr<Err = NotAChoice>>(
    text: Option<&ipam::Sourced<String>>,
) -> Result<Option<T>, BadRequest> {
    let parse = |text: &ipam::Sourced<String>| {
        text.value.parse().map_err(|source| BadRequest::Choice {
            field: text.field.clone(),
            source,
        })
    };
    text.map(parse).transpose()
}

/// What an ADD asks for.
///
/// # Errors
/// Names the field.
pub fn allocate(
    request: &ipam::Allocate,
    netns: Option<Netns>,
    deadline: Millis,
) -> Result<Allocate, BadRequest> {
    let facts = &request.facts;
    let text = |value: &Option<ipam::Sourced<String>>| value.as_ref().map(|it| it.value.clone());
    let pod = PodFacts {
        namespace: facts.namespace.clone(),
        pod: facts.pod.clone(),
        owner: text(&facts.owner),
        claim: text(&facts.claim),
    };
    let workload = Workload::identify(&pod).map_err(|source| {
        let said = match source.field() {
            "claim" => facts.claim.as_ref(),
            "owner" | "namespace" => facts.owner.as_ref(),
            _ => None,
        };
        let field = said.map_or_else(|| source.field().to_owned(), |said| said.field.clone());
        BadRequest::Workload { field, source }
    })?;
    let label = match (&facts.namespace, &facts.pod) {
        (Some(namespace), Some(pod)) => Some(format!("{namespace}/{pod}")),
        (None, Some(pod)) => Some(pod.clone()),
        _ => None,
    };
    Ok(Allocate {
        attachment: attachment(&request.attachment)?,
        netns,
        pool: facts.pool.as_ref().map(pool).transpose()?,
        namespace: facts.namespace.clone(),
        workload,
        label,
        release: choice(facts.release.as_ref())?,
        handover: choice(facts.handover.as_ref())?,
        addresses: facts.addresses.iter().map(|ip| ip.value).collect(),
        deadline,
    })
}

/// What an ADD got.
pub fn allocated(allocated: &Allocated) -> ipam::Allocated {
    let address = |address: &Address| ipam::Address {
        ip: address.ip,
        prefix: address.range.prefix(),
        gateway: address.gateway,
        pool: address.pool.to_string(),
        claim: address.claim.as_ref().map(ToString::to_string),
    };
    ipam::Allocated {
        addresses: allocated.addresses.iter().map(address).collect(),
        seq: allocated.seq,
        temporary: allocated.temporary,
    }
}

/// How a pool stands.
pub fn headroom(headroom: &Headroom) -> ipam::Headroom {
    ipam::Headroom {
        pool: headroom.pool.to_string(),
        family: match headroom.family {
            fairway_ipam::Family::V4 => 4,
            fairway_ipam::Family::V6 => 6,
        },
        free: headroom.free,
        blocks: headroom.blocks,
        unowned: headroom.unowned.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_api::ipam::{Facts, Sourced};

    fn sourced(value: &str, field: &str) -> Option<Sourced<String>> {
        Some(Sourced {
            value: value.into(),
            field: field.into(),
        })
    }

    fn request(container: &str, facts: Facts) -> ipam::Allocate {
        ipam::Allocate {
            attachment: ipam::Attachment {
                network: "net".into(),
                container: container.into(),
                ifname: "eth0".into(),
            },
            netns: None,
            facts,
            early: false,
        }
    }

    fn error(container: &str, facts: Facts) -> ErrorBody {
        let request = request(container, facts);
        allocate(&request, None, Millis(0)).unwrap_err().into()
    }

    #[test]
    fn what_is_wrong_is_named_by_where_it_came_from() {
        let none = Facts::default;
        assert!(
            error("a/b", none())
                .message
                .starts_with("attachment.container: ")
        );
        let cases = [
            (
                Facts {
                    pool: sourced("A B", "ipam.pool"),
                    ..none()
                },
                "ipam.pool: ",
                7,
            ),
            (
                Facts {
                    release: sourced("soon", "args.cni.release"),
                    ..none()
                },
                "args.cni.release: ",
                7,
            ),
            (
                Facts {
                    handover: sourced("x", "CNI_ARGS: HANDOVER"),
                    ..none()
                },
                "CNI_ARGS: HANDOVER: ",
                4,
            ),
            (
                Facts {
                    claim: sourced("~x", "ipam.claim"),
                    ..none()
                },
                "ipam.claim: ",
                7,
            ),
            (
                Facts {
                    owner: sourced("x", "the label"),
                    ..none()
                },
                "the label: ",
                7,
            ),
        ];
        for (facts, start, code) in cases {
            let error = error("c1", facts);
            assert!(error.message.starts_with(start), "{error:?}");
            assert_eq!(error.code, code, "{error:?}");
        }
    }

    #[test]
    fn a_statefulset_is_known_by_its_pods_name() {
        let facts = Facts {
            namespace: Some("prod".into()),
            pod: Some("db-0".into()),
            pool: sourced("web", "ipam.pool"),
            ..Facts::default()
        };
        let allocate = allocate(&request("c1", facts), None, Millis(5)).unwrap();
        assert!(allocate.workload.is_some());
        assert_eq!(allocate.label.as_deref(), Some("prod/db-0"));
        assert_eq!(allocate.pool.unwrap().as_str(), "web");
    }
}
