//! Where a background job stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::status::{UnknownWord, words};

words! { "state of a background job",
    /// Where a background job stands.
    BackgroundJobState {
        /// It waits for its time, or for others of its kind.
        Waiting = "waiting",
        /// It runs.
        Running = "running",
        /// It has failed too often, and waits for a person.
        Dead = "dead",
    }
}
