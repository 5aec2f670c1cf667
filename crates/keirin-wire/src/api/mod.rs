//! The HTTP API's requests and answers, by noun.
