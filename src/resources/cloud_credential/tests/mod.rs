//! `ako_cloud_credential` against the lab.
