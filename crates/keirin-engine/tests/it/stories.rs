//! Stories, by theme. Most are told by [`crate::driver::whatever_the_server_does`], so each holds for a server that is
//! replaced in the middle of it too.

mod agents;
mod flows;
mod queue;
mod reports;
mod schedules;
mod stops;
mod turns;
mod waiting;
