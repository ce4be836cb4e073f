//! The daemon on every node.

fn main() {}
