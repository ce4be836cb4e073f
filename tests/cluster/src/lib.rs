//! Daemons in namespaces on a real etcd: what the suite's tests share.

pub mod history;
