//! What users write: parsed, and refused by field.
