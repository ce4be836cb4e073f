//! The kernel's side: synchronous typed netlink, network namespaces, sysctls.
