//! Containers on different nodes reach each other, and keep reaching each other.

mod churn;
mod doctor;
pub(crate) mod fabric;
mod heal;
pub(crate) mod life;
mod moves;
mod reach;
pub(crate) mod stage;
mod tenants;
