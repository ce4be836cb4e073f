//! The engine against a naive evaluator of the same objects.

mod explained;
mod laws;
mod moments;
mod orders;
mod overflow;
mod recipes;
mod worlds;
