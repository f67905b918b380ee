//! Events and calls of results.
