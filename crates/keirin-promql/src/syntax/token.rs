//! The words of the language.

use super::error::TextRange;

/// One word, number, text or sign, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) place: TextRange,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A name or a keyword; which of them, only the reader of the sentence can say.
    Word(String),
    Number(f64),
    /// Milliseconds.
    Duration(i64),
    Text(Vec<u8>),
    /// A sign of one or two characters.
    Sign(&'static str),
    End,
}

impl Kind {
    /// As error messages name it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("identifier {word:?}"),
            Self::Number(number) => format!("number {number:?}"),
            Self::Duration(milliseconds) => {
                format!("duration {:?}", super::duration::format_duration(*milliseconds))
            }
            Self::Text(bytes) => format!("string {}", super::text::quote(bytes)),
            Self::Sign(sign) => format!("{sign:?}"),
            Self::End => "end of input".to_owned(),
        }
    }
}
