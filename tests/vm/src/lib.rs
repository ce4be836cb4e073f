//! The vm suite: what the build machine's kernel lacks.
