//! The netns suite: the plugins against a real kernel.
