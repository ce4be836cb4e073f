//! Daemons in namespaces on a real etcd.
