//! The wait through the provider's server, against the lab.
