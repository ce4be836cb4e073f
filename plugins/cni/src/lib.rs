//! The CNI protocol, versions 0.1.0 to 1.1.0: what a runtime says to a plugin and how it is answered.
//!
//! A plugin implements [`Plugin`]; [`serve`] reads the environment and standard input, checks them in
//! the order the protocol lays down, calls the plugin and prints its result or its error. Nothing in
//! here touches the kernel; what a plugin gets has been parsed into types that hold only valid values.
//! [`fake`] is for tests of plugins.

pub mod about;
pub mod args;
pub mod asked;
mod chain;
pub mod code;
pub mod config;
pub mod confirmation;
pub mod conflist;
pub mod delegate;
pub mod dispatch;
pub mod env;
pub mod failure;
pub mod fake;
pub mod labels;
pub mod names;
pub mod object;
pub mod plugin;
pub mod recorder;
pub mod result;
pub mod steps;
pub mod version;

pub use args::CniArgs;
pub use chain::{chained, runtime_config};
pub use code::Code;
pub use config::{Dns, GcAttachments, NetConf};
pub use confirmation::Confirmation;
pub use delegate::{Delegates, Registry};
pub use dispatch::{Failed, serve, serve_and_tell};
pub use failure::{Failure, Fault};
pub use names::{ContainerId, IfName, NetworkName};
pub use object::{Field, FieldError, Object};
pub use plugin::{Attachment, Context, Detach, Plugin, Sandbox};
pub use result::{CniResult, Interface, IpConfig, Route};
pub use steps::Steps;
pub use version::Version;
