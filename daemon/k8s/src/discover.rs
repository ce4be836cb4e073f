//! Whether a server has a kind, and in which version.

use crate::{
    call::{CallError, call},
    kind::Kind,
};
use kube::{
    Client,
    core::{ApiResource, GroupVersionKind},
    discovery::oneshot,
};

/// The newest version of a kind that the server and we know; none: the server does not have it.
pub(crate) async fn find(client: &Client, kind: Kind) -> Result<Option<ApiResource>, CallError> {
    let (group, versions, _) = kind.served();
    if !kind.optional() {
        return Ok(versions.first().map(|version| kind.resource(version)));
    }
    for version in versions {
        let gvk = GroupVersionKind::gvk(group, version, kind.name());
        match call(oneshot::pinned_kind(client, &gvk)).await {
            Ok((resource, _)) => return Ok(Some(resource)),
            Err(CallError::Kube(kube::Error::Discovery(_))) => {}
            Err(error) if error.code() == Some(404) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
