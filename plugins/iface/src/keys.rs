//! Keys that several interface plugins have.

use crate::{Error, Rates, rates::Asked};
use fairway_cni::{Context, Field, FieldError, Object};
use fairway_netfilter::Backend;
use fairway_netlink::MacAddr;
use serde_json::Value;

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

/// The hardware address that the container's interface is to have: what the runtime passes, `args.cni`,
/// `CNI_ARGS`, and at last a key of the plugin's own. An empty one counts as none: runtimes fill in what
/// they have.
pub fn mac(context: &Context<'_>, own: Option<Field<'_>>) -> Result<Option<MacAddr>, FieldError> {
    let from_args = context.args.get("MAC");
    let from_args = from_args.map(|text| Value::String(text.to_owned()));
    let conf = context.conf;
    let mut fields = [
        conf.runtime_config()?.and_then(|object| object.get("mac")),
        conf.args_cni()?.and_then(|object| object.get("mac")),
        from_args
            .as_ref()
            .map(|value| Field::new(value, "CNI_ARGS: MAC")),
        own,
    ]
    .into_iter()
    .flatten();
    let Some(field) = fields.find(|field| field.value().as_str() != Some("")) else {
        return Ok(None);
    };
    let mac: MacAddr = field.parse()?;
    if mac.is_multicast() || mac == MacAddr::default() {
        return Err(field.invalid("is no hardware address that an interface can have"));
    }
    Ok(Some(mac))
}

/// Refuses policy and rates, for a plugin whose links have no end on the host where they would hold.
pub fn no_host_end(context: &Context<'_>, kind: &str) -> Result<(), Error> {
    let root = context.conf.root();
    let why = |what: &str| {
        format!(
            "{what} on the host's end of a link, and {kind} makes none: bridge, ptp and vxlan do"
        )
    };
    if root.flag("policy").map_err(Error::Field)? {
        let error = root.invalid("policy", true, why("policies hold"));
        return Err(Error::Unsupported(error));
    }
    let rates = Rates::read(context.conf, context.args).map_err(Error::Field)?;
    let refuse = |asked: &Asked| {
        Error::Unsupported(FieldError::Value {
            path: asked.field.clone(),
            value: asked.limit.rate.to_string(),
            reason: why("rates are kept"),
        })
    };
    let first = rates.ingress.first().or(rates.egress.first());
    first.map_or(Ok(()), |asked| Err(refuse(asked)))
}
