//! Behaviour of the emulated Azure, fact by fact.
