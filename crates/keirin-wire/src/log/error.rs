//! What can be wrong with a chunk.

/// Why lines could not be encoded, or bytes could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Not made by [`super::ChunkBuilder`].
    #[error("this is no log chunk: {0}")]
    Malformed(&'static str),
    /// Made by another version of Keirin.
    #[error("log chunk of version {0}, but only version {known} is known here; update the older side", known = super::encode::VERSION)]
    Version(u8),
    /// More than the reader allows.
    #[error("a log chunk may have {limit} {what}, this one has {found}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
        /// How much there is.
        found: u64,
    },
    /// A line's text holds the byte that parts lines.
    #[error("the text of a log line holds a line feed; part it into lines first")]
    LineFeed,
    /// A line's time is one that no clock shows.
    #[error(
        "the time of a log line is before 1970 or after 9999; set the clock of the machine it comes from"
    )]
    Time,
    /// The compressed part does not decompress.
    #[error("the compressed part of the log chunk is broken: {0}")]
    Compression(String),
}
