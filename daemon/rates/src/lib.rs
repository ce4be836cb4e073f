//! From what is said of rates to the limits that hold.
//!
//! A container's own configuration, an administrator's word on a workload that runs, and `RateLimit` objects
//! say how much a container, a namespace or a network may send and get. The [`Engine`] decides: each limit in
//! one place, with the reason for it and a history, so that whoever wonders, or a controller of a later day,
//! asks there.
//!
//! It is pure: no clock, no socket, no kernel.

mod engine;
mod model;
pub mod object;

pub use engine::{Changed, Engine, MOST};
pub use model::{
    Allowance, Asked, Direction, Endpoint, EndpointId, Held, Input, Number, Override, Picture,
    RateLimit, Scope, Way, Wish,
};
