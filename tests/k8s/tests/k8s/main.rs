//! Our kinds on a real API server, and what the daemon's account may do there. Wants root, and what `cargo xtask test k8s`
//! builds.

mod definitions;
mod objects;
mod rbac;
mod restarts;
