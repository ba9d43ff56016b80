//! Azure and Kubernetes on loopback, good enough that other people's clients work against them.
//!
//! What the emulators do comes from recordings of the real services and from their documentation, cited where
//! it is coded. What no source tells is marked "assumed" and errs on the unkind side. The crate does not depend
//! on the provider: both cannot be wrong together.

pub mod http;
pub mod kubernetes;
