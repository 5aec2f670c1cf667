//! Transforms: facts to series. What each figure means is said here, and nowhere else.
