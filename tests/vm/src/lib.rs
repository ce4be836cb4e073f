//! The vm suite: what the build machine's kernel lacks, run in a QEMU guest.
//!
//! `tests/vm.rs` boots one guest per [`plan::Plan`] and shows each guest test as a test of
//! its own. Within the guest the program `guest-tests` runs them; it is this same crate,
//! read from the machine's files. So a new guest test is a function in a file below
//! `plans/` and its name in that plan's list; a plan that needs other hardware says so in
//! its [`guest::Guest`].
//!
//! Kernel and QEMU come from Debian's packages; nothing but the kernel is kept, in
//! `$FAIRWAY_CACHE/vm` ([`cache`]).

pub mod cache;
pub mod error;
pub mod guest;
pub mod kernel;
pub mod plan;
pub mod plans;
pub mod runner;

mod apt;
mod bzimage;
mod cpio;
mod hear;
mod initrd;
mod qemu;
