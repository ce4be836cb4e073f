//! `bandwidth`, as the reference plugin of that name writes it.
//!
//! Four keys, rates in bits a second and bursts in bits. The plugin `bandwidth` has them at the top of its
//! configuration, those that make links themselves in an object, and a runtime passes them as
//! `runtimeConfig.bandwidth` from a pod's annotations.
//!
//! Runtimes that know a rate and no burst write the most that there is room for (kubelet 2³¹−1, containerd 2³²−1,
//! CRI-O 2³⁵−9): no limit to speak of for as long as half a gigabyte lasts. Such a burst is taken for none given.

use fairway_cni::{FieldError, NetConf, Object};
use fairway_shape::{Burst, Limit, Rate};

use super::{Asked, Rates};

const BANDWIDTH: &str = "bandwidth";
/// What the reference plugin had for a while and we have not; to ignore them would limit what is not to be.
const SUBNETS: [&str; 2] = ["shapedSubnets", "unshapedSubnets"];
/// The first burst that can only mean "whatever there is": 256 MiB.
const NONE_MEANT: i64 = i32::MAX as i64;
/// As the reference plugin has it: below 4 GiB.
const BURST_MAX: i64 = u32::MAX as i64 * 8 - 1;
const RATE_MAX: i64 = 1_000_000_000_000;

/// The object of a plugin that makes links; none where the configuration says nothing.
pub(super) fn nested(conf: &NetConf) -> Result<Option<Rates>, FieldError> {
    let object = conf.root().object(BANDWIDTH)?;
    object.map(|object| of(&object)).transpose()
}

/// The keys at the top; none where there is none of them.
pub(super) fn flat(conf: &NetConf) -> Result<Option<Rates>, FieldError> {
    let root = conf.root();
    let keys = ["ingressRate", "ingressBurst", "egressRate", "egressBurst"];
    let here = |key: &&str| root.get(key).is_some();
    let says = keys.iter().chain(&SUBNETS).any(here);
    says.then(|| of(&root)).transpose()
}

/// What the runtime passes.
pub(super) fn passed(conf: &NetConf) -> Result<Rates, FieldError> {
    let passed = conf.runtime_config()?;
    match passed.map(|object| object.object(BANDWIDTH)).transpose()? {
        Some(Some(object)) => of(&object),
        _ => Ok(Rates::default()),
    }
}

fn of(object: &Object<'_>) -> Result<Rates, FieldError> {
    for key in SUBNETS {
        if !object.items(key)?.is_empty() {
            let reason = "is not supported: a limit holds for all that a container sends or gets";
            return Err(object.invalid(key, "a list", reason));
        }
    }
    Ok(Rates {
        ingress: asked(object, "ingress")?.into_iter().collect(),
        egress: asked(object, "egress")?.into_iter().collect(),
    })
}

/// One direction.
fn asked(object: &Object<'_>, direction: &str) -> Result<Option<Asked>, FieldError> {
    let key = |what: &str| format!("{direction}{what}");
    let (rate_key, burst_key) = (key("Rate"), key("Burst"));
    let rate = object.integer(&rate_key, 0..=RATE_MAX)?.unwrap_or(0);
    let burst = object.integer(&burst_key, 0..=BURST_MAX)?.unwrap_or(0);
    if rate == 0 {
        return match burst {
            0 => Ok(None),
            bits => {
                let reason = format!("needs {rate_key}: a burst alone is no limit");
                Err(object.invalid(&burst_key, bits, reason))
            }
        };
    }
    let refused = |error: &dyn std::fmt::Display| object.invalid(&rate_key, rate, error);
    let rate = Rate::new(rate.unsigned_abs()).map_err(|error| refused(&error))?;
    let burst = match burst {
        0 | NONE_MEANT.. => None,
        bits => Some(Burst::new(bits.unsigned_abs() / 8).map_err(|error| {
            let reason = format!("{error} ({} bits)", Burst::MIN.bytes() * 8);
            object.invalid(&burst_key, bits, reason)
        })?),
    };
    let place = |key: String| match object.path() {
        "" => key,
        path => format!("{path}.{key}"),
    };
    Ok(Some(Asked {
        limit: Limit { rate, burst },
        field: place(rate_key),
        burst: place(burst_key),
    }))
}
