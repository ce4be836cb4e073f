//! The engine against a naive evaluator of the same objects.

mod laws;
mod worlds;
