//! The client against the lab, whose controller answers as a real one does.
