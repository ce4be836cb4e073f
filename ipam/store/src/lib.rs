//! The store: one trait, on redb (one node) and on etcd (many).

pub use fairway_kv as kv;
