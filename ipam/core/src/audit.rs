//! The proof that `allocated = live + claimed + cooling`, across store, journals and kernels.
