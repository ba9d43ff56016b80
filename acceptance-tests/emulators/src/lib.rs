//! Azure, the Avi controller and Kubernetes on loopback, good enough that other people's clients work against them.
//!
//! What the emulators do comes from recordings of the real services and from their documentation, cited where
//! it is coded. What no source tells is marked "assumed" and errs on the unkind side. The crate does not depend
//! on the provider: both cannot be wrong together.
//!
//! ```no_run
//! let lab = ako_lab::Lab::start_blocking(ako_lab::Options::default())?;
//! let azure = &lab.connection().azure;
//! // … run a client against azure.resource_manager_endpoint …
//! assert!(lab.journal().iter().all(|entry| entry.status != Some(500)));
//! # Ok::<(), ako_lab::Error>(())
//! ```

pub mod actors;
pub mod avi;
pub mod azure;
pub mod bench;
pub mod certificates;
pub mod client_certificates;
mod control;
pub mod demo;
pub mod faults;
mod front;
pub mod http;
pub mod journal;
pub mod kubernetes;
mod lab;
pub mod latency;
mod listener;
pub mod proxy;
pub mod second_client;
pub mod seed;
mod sync;
pub mod terraform;

pub use self::faults::{Action, Fault};
pub use self::lab::{
    AzureConnection, BlockingLab, Connection, Error, KubernetesConnection, Lab, Options, SignIn,
};
pub use self::latency::Latency;
pub use self::proxy::{Conduct, Proxy};
pub use self::seed::Seed;
