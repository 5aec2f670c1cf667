//! Calls of servers over real connections. What the tests call listens on loopback, and ends with them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod authorities;
mod calls;
mod proxies;
