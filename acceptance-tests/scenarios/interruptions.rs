//! Ctrl-C, lost answers and killed processes.
