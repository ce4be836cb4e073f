//! The speaker with BIRD, FRR and GoBGP: each one's own CLI is the witness.

mod basics;
mod bed;
mod beside;
mod flaps;
mod guarded;
mod hostile;
mod kinds;
mod limits;
mod malformed;
mod notified;
mod policies;
mod raw;
mod recorded;
mod reflected;
mod restarts;
