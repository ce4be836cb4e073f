//! Medians and quartiles.

use fairway_lab::{Value, json};

/// What one side took, in the order of the rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(pub(crate) Vec<f64>);

impl Samples {
    /// The value below which this part (0 to 1) of the samples lies, interpolated.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return f64::NAN;
        };
        let at = part * last as f64;
        let below = at.floor();
        let value = |index: f64| sorted[(index as usize).min(last)];
        value(below) + (value(below + 1.0) - value(below)) * (at - below)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Raw and summed up.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "median": self.median(),
            "q1": self.quantile(0.25),
            "q3": self.quantile(0.75),
            "samples": self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let samples = Samples(vec![4.0, 1.0, 3.0, 2.0]);
        let quantiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| samples.quantile(part));
        assert_eq!(quantiles, [1.0, 1.75, 2.5, 3.25, 4.0]);
        assert_eq!(Samples(vec![7.0]).median(), 7.0);
        assert!(Samples::default().median().is_nan());
    }
}
