//! The whole path: an API server has the objects, containerd starts the pods as a kubelet would have it, or as a real
//! one has it (`life`), our plugins and daemons give them addresses and judge their packets.
//!
//! The witnesses are kubectl, `ip`, `curl` and `ping`. Each test is on a private host, since containerd writes to fixed
//! paths; the nodes are namespaces of that host.

mod alive;
mod kubelet;
mod life;
mod stage;
mod talk;
mod whole;
