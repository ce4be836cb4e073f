//! fairwayd at a real API server. The witness is kubectl on one side and the daemon's socket on the other.

mod addresses;
mod crowd;
mod lead;
mod mirror;
mod node;
