//! What the workload's author asks for, by annotations and labels, and what the runtime makes of them.
//!
//! kubelet and containerd derive `runtimeConfig.bandwidth` from the annotations of Kubernetes, so it says the same
//! as these where both are there, and counts only where neither a label nor the configuration says anything.

use fairway_cni::{
    CniArgs, FieldError, NetConf,
    labels::{self, Label, labels},
};
use fairway_shape::{Limit, Rate, RateError};

use super::{Asked, Rates, keys};

/// The configuration's own limits and those of the workload.
pub(super) fn with(
    conf: &NetConf,
    args: &CniArgs,
    own: Option<Rates>,
) -> Result<Rates, FieldError> {
    let passed = match own {
        // As with the reference plugin, `0` included.
        Some(_) => Rates::default(),
        None => keys::passed(conf)?,
    };
    let mut rates = own.unwrap_or_default();
    let first = |keys: [&str; 2], passed: Vec<Asked>| {
        for key in keys {
            if let Some(label) = labels(conf, args, key)?.into_iter().next() {
                return Ok::<_, FieldError>(vec![asked(label)?]);
            }
        }
        Ok(passed)
    };
    let to = [labels::INGRESS_RATE, labels::INGRESS_BANDWIDTH];
    let from = [labels::EGRESS_RATE, labels::EGRESS_BANDWIDTH];
    rates.ingress.extend(first(to, passed.ingress)?);
    rates.egress.extend(first(from, passed.egress)?);
    Ok(rates)
}

fn asked(label: Label) -> Result<Asked, FieldError> {
    let rate: Result<Rate, RateError> = label.value.parse();
    let refused = |error: RateError| FieldError::Value {
        path: label.field.clone(),
        value: format!("{:?}", label.value),
        reason: match error {
            RateError::Malformed(_) => {
                "is no rate: bits a second, such as 20M, 1.5G, 500k or 1Mi".to_owned()
            }
            error => error.to_string(),
        },
    };
    Ok(Asked {
        limit: Limit::new(rate.map_err(refused)?),
        burst: label.field.clone(),
        field: label.field,
    })
}
