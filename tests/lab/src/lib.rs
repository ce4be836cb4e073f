//! Namespaces for tests, gone whatever happens.
