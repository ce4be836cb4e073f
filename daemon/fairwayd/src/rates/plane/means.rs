//! By what a way's limits are kept.

/// The best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rates) enum Means {
    /// Departure times and fq.
    Edt,
    /// Classes of htb.
    Htb,
    /// A token bucket.
    Tbf,
    /// What is too much is dropped.
    Police,
    /// Nothing.
    None,
}

impl Means {
    /// As it is told.
    pub(in crate::rates) const fn name(self) -> &'static str {
        match self {
            Means::Edt => "edt",
            Means::Htb => "htb",
            Means::Tbf => "tbf",
            Means::Police => "police",
            Means::None => "none",
        }
    }
}
