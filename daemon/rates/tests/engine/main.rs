//! What is said, and what follows.

mod fixture;
mod numbers;
mod rules;
mod times;
mod worlds;
