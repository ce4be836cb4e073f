//! The interop suite: Podman and containerd run containers through our binaries.
