//! Scenarios with the real terraform against the embedded Azure and Kubernetes.
//!
//! `README.md` beside this file says how to run one, how to watch it and how to add one.
#![cfg(test)]

mod harness;
mod scenarios;
