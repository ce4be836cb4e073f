//! fairwayd at a real API server. The witness is kubectl on one side and the daemon's socket on the other.

mod access;
mod addresses;
mod crowd;
mod definitions;
mod guard;
mod late;
mod lead;
mod making;
mod mirror;
mod other;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
