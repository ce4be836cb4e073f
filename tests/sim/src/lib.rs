//! A deterministic simulation of the address logic.
