//! The daemon as a process of its own, in a namespace of its own, on the embedded store: what it does when
//! it is killed, when its disk is full, when containers vanish. Wants root.

mod bed;
mod containers;
mod lives;
mod trouble;
