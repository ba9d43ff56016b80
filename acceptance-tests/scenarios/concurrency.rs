//! Other writers, and many resources at once.
