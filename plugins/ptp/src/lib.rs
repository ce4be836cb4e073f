//! The ptp plugin.
