//! The interop suite: Podman and containerd run containers through our
//! plugin binaries, and nobody should notice but the clock.

mod containerd;
mod install;
mod isolation;
mod plugins;
mod podman;
