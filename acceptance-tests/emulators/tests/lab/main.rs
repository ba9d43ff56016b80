//! The lab as its clients meet it: over TLS, with tokens and certificates, through the journal and the faults.

#![cfg(test)]

mod access;
mod actors_ako;
mod actors_connector;
mod actors_engines;
mod actors_stage;
mod ako_recordings;
mod ako_stage;
mod arm;
mod avi;
mod avi_api;
mod avi_objects;
mod avi_sessions;
mod avi_traces;
mod control;
mod faults;
mod networks;
mod operations;
mod recordings;
mod routes;
mod security;
mod sign_in;
mod tls;
mod traces;
