//! The differential suite: side by side with the reference plugins.
