//! The multi-call binary that holds every plugin.

fn main() {}
