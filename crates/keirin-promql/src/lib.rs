//! PromQL over series that somebody else has fetched: reading, formatting, evaluating. No I/O, no clock, no async.
