//! Guest tests, told apart by the guest that they need.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::guest::Guest;

/// How long one test may take, unless its plan says otherwise. The emulated CPU is some
/// twenty times slower than a real one, and there are some ten guests at once on as few cores as the machine has: what takes
/// half a minute in a guest by itself takes two beside the others.
pub const LIMIT: Duration = Duration::from_secs(300);

/// A test that runs within a guest.
#[derive(Debug, Clone, Copy)]
pub struct GuestTest {
    /// Unique within its plan.
    pub name: &'static str,
    /// The test itself; an error or a panic is a failure.
    pub run: fn() -> anyhow::Result<()>,
}

/// Tests that share one boot.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Unique; begins the names of its tests as shown.
    pub name: &'static str,
    /// The guest that they need.
    pub guest: fn() -> Guest,
    /// They measure time: no other guest runs beside theirs.
    pub alone: bool,
    /// How long one of its tests may take.
    pub limit: Duration,
    /// The tests, each in a process of its own and a lab of its own.
    pub tests: &'static [GuestTest],
}

/// How one test went; one line of JSON on the way out of the guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The test's name.
    pub test: String,
    /// What a failed test said.
    pub failure: Option<String>,
    /// How long it took in the guest.
    pub millis: u64,
}

/// Lists guest tests by the path of their functions: `guest_tests![trunk::ids, del::twice]`.
#[macro_export]
macro_rules! guest_tests {
    ($($module:ident::$test:ident),+ $(,)?) => {
        &[$($crate::plan::GuestTest {
            name: concat!(stringify!($module), "::", stringify!($test)),
            run: $module::$test,
        }),+]
    };
}
