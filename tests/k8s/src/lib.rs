//! A Kubernetes API server for tests: real, in a namespace of its own, gone whatever happens.
//!
//! It is Debian's kube-apiserver on Debian's etcd; `cargo xtask test k8s` builds it once. There is no controller manager
//! and no scheduler: what these would write a test writes itself. So a pod needs no service account, has the node that it
//! names, and runs nowhere, unless the test has a [`Kubelet`] there.
//!
//! ```no_run
//! # fn main() -> fairway_tests_k8s::Result {
//! use fairway_tests_k8s::{Bed, User};
//! let bed = Bed::start()?;
//! bed.install()?;
//! bed.kubectl(User::Admin, "get ippools")?;
//! bed.server.kill()?;
//! bed.server.launch()?;
//! # Ok(()) }
//! ```
//!
//! All tests of a program may share one server ([`Bed::shared`]): names of their own keep them apart, and a test that
//! stops the server has one to itself.

mod bed;
mod error;
mod kubectl;
mod kubelet;
pub mod node;
mod papers;
mod programs;
mod server;

pub use bed::Bed;
pub use error::{Error, Result};
pub use kubectl::{Answer, Doc};
pub use kubelet::Kubelet;
pub use papers::User;
pub use programs::Programs;
pub use server::{PORT, Server};
