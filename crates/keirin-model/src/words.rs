//! Enumerations whose values are words, in the API as in the database.

use strum::VariantArray;

/// A text that is none of the words of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
    /// The text, cut to a bounded length.
    word: String,
    /// The words that there are.
    known: String,
}

impl UnknownWord {
    /// For a text that is no word of `T`.
    pub(crate) fn of<T: VariantArray + Copy + Into<&'static str>>(text: &str) -> Self {
        let known: Vec<&str> = T::VARIANTS.iter().map(|&value| value.into()).collect();
        Self {
            word: text.chars().take(64).collect(),
            known: known.join(", "),
        }
    }
}
