//! Other makers' BGP speakers for tests: BIRD, FRR and GoBGP, as Debian has them (packages bird2, frr, gobgpd), each in a
//! namespace, with its own CLI as the witness. They are gone whatever happens.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use fairway_bgp_bed::Bird;
//! let lab = fairway_lab::Lab::new()?;
//! let bird = Bird::start(&lab.machine("bird")?, "router id 10.0.0.1;")?;
//! println!("{}", bird.ask("show status")?);
//! # Ok(()) }
//! ```

mod bird;
mod frr;
mod gobgp;

pub use bird::Bird;
pub use frr::Frr;
pub use gobgp::Gobgp;

use std::time::Duration;

/// For a speaker to answer its own CLI; the machine may be building something.
const SOON: Duration = Duration::from_secs(60);
/// For it to end when it is asked to.
const END: Duration = Duration::from_secs(30);
