//! The resource through the provider's server, against the lab.
