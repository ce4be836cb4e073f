//! The CNI protocol: verbs, versions, errors, results, configuration, delegation.
