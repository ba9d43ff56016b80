//! `ako_azure_cloud` against the lab.
