//! The interop suite's hands: a private host, Podman, containerd and what
//! can be seen of them in the kernel and on disk.
//!
//! The tests are in `tests/interop/`. Each runs on a host of its own (see
//! [`host`]), so a container engine that is killed half-way, leaks a mount or
//! writes to a fixed path does it where the kernel sweeps it up.

pub mod cmd;
pub mod conf;
pub mod containerd;
pub mod cri;
pub mod host;
mod janitor;
pub mod plugins;
pub mod podman;
pub mod seen;
