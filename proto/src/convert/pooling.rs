//! Events and calls of pooling.
