//! Log lines and the chunks that carry them: the unit of sending, storing and reading.
