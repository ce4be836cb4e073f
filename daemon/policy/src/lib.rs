//! From policy objects to verdicts.
