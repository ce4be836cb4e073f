//! Rates on a cluster: they hold on every path, together, while they change and whatever restarts, and are gone
//! with their containers.

mod bad;
mod escape;
mod gone;
mod kinds;
mod live;
mod nested;
mod paths;
mod restart;
mod stage;
