//! Containers on different nodes reach each other, and keep reaching each other.

mod churn;
mod doctor;
mod fabric;
mod heal;
mod life;
mod moves;
mod reach;
mod stage;
mod tenants;
