//! A cluster of real etcd members for tests.
