//! One thing measured by itself, against a bound that somebody set: so many a second, so many ms.

use crate::stats::Samples;
use fairway_lab::{Value, json};

/// What the median is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// `None` where it is only told.
    pub(crate) bound: Option<Bound>,
    pub(crate) samples: Samples,
}

impl Figure {
    /// How much of what is allowed is used: 1 is just at the bound, less is better.
    pub(crate) fn share(&self) -> Option<f64> {
        let median = self.samples.median();
        Some(match self.bound? {
            Bound::AtMost(most) => median / most,
            Bound::AtLeast(least) => least / median,
        })
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.share() {
            Some(share) if share <= 1.0 => "pass",
            Some(_) => "miss",
            None => "",
        }
    }

    /// The bound, for people.
    pub(crate) fn target(&self) -> String {
        match self.bound {
            Some(Bound::AtMost(most)) => format!("≤ {most}"),
            Some(Bound::AtLeast(least)) => format!("≥ {least}"),
            None => String::new(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let (most, least) = match self.bound {
            Some(Bound::AtMost(most)) => (Some(most), None),
            Some(Bound::AtLeast(least)) => (None, Some(least)),
            None => (None, None),
        };
        json!({
            "name": self.name, "unit": self.unit, "at most": most, "at least": least,
            "met": self.share().map(|share| share <= 1.0), "measured": self.samples.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_kept_from_either_side() {
        let figure = |bound, value| Figure {
            name: String::new(),
            unit: "s",
            bound,
            samples: Samples(vec![value]),
        };
        let verdict = |bound, value| figure(Some(bound), value).verdict();
        assert_eq!(verdict(Bound::AtMost(10.0), 9.0), "pass");
        assert_eq!(verdict(Bound::AtMost(10.0), 11.0), "miss");
        assert_eq!(verdict(Bound::AtLeast(10.0), 9.0), "miss");
        assert_eq!(verdict(Bound::AtLeast(10.0), 11.0), "pass");
        assert_eq!(verdict(Bound::AtLeast(10.0), f64::NAN), "miss");
        assert_eq!(figure(None, 1.0).verdict(), "");
    }
}
