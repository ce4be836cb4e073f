//! dummy: an interface that leads nowhere, for addresses that are to be there whatever happens.

use crate::{
    conf::{Conf, Make},
    require_ipam,
};
use fairway_cni::{Context, FieldError};
use fairway_netlink::{ChildKind, Link, LinkKind};

pub(crate) fn parse(context: &Context<'_>) -> Result<Conf, FieldError> {
    require_ipam(context)?;
    Conf::new(&context.conf.root(), Make::Child(ChildKind::Dummy))
}

pub(crate) fn is_kind(link: &Link) -> bool {
    matches!(&link.kind, Some(LinkKind::Other(kind)) if kind == "dummy")
}
