//! The engine against a naive evaluator of the same objects.

mod laws;
mod moments;
mod overflow;
mod recipes;
mod worlds;
