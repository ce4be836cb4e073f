//! What an administrator may change in the store: pools, claims, nodes. Each change is computed from what
//! is there and comes out as transactions whose conditions fail where it is no longer so.
