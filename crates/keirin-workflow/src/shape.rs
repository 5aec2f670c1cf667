//! The vocabulary in which the format is described: what shape a value has. The checker and the JSON Schema are both
//! made from it.

/// What a value looks like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A scalar, taken as it is written: `3.10` and `true` are text here.
    Text { may_be_empty: bool, template: bool },
    /// `true` or `false`.
    Boolean { template: bool },
    /// A whole number.
    Integer { least: i64, most: i64, template: bool },
    /// Such as `1h 30m`.
    Duration { template: bool },
    /// One of a few words.
    Word {
        words: &'static [&'static str],
        template: bool,
    },
    /// Exactly this number.
    Version(i64),
    /// A list.
    List {
        item: &'static Shape,
        least: usize,
        most: usize,
    },
    /// A list, or one item without the brackets.
    OneOrMany {
        item: &'static Shape,
        least: usize,
        most: usize,
    },
    /// A map whose keys the author chooses.
    Map {
        keys: Names,
        value: &'static Shape,
        least: usize,
        most: usize,
    },
    /// A map whose keys the format knows.
    Record(&'static Record),
    /// A scalar of one shape, or a map of another.
    Either {
        scalar: &'static Shape,
        map: &'static Record,
    },
    /// The shape, or nothing at all.
    OrNothing(&'static Shape),
}

/// What names an author may choose.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names {
    /// Stages and jobs.
    Dashed,
    /// What expressions and environment variables refer to.
    Identifiers,
}

/// A map with known keys.
#[derive(Debug)]
pub(crate) struct Record {
    /// With its article: "a job".
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
    pub(crate) keys: &'static [Key],
    /// The key that a value which is no map stands for.
    pub(crate) main: Option<&'static str>,
    /// Exactly one of these keys must be there, where there are any.
    pub(crate) one_of: &'static [&'static str],
    /// What keys of the author's choice may stand beside the known ones.
    pub(crate) others: Option<(Names, &'static Shape)>,
}

/// A key of a record.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

impl Key {
    pub(crate) const fn new(name: &'static str, shape: Shape, docs: &'static str) -> Self {
        Self {
            name,
            docs,
            shape,
            required: false,
        }
    }

    pub(crate) const fn required(name: &'static str, shape: Shape, docs: &'static str) -> Self {
        Self {
            name,
            docs,
            shape,
            required: true,
        }
    }
}

impl Record {
    pub(crate) const fn new(name: &'static str, docs: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            docs,
            keys,
            main: None,
            one_of: &[],
            others: None,
        }
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Names {
    /// For the schema; [`Names::allow`] takes exactly this.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Dashed => "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$",
            Self::Identifiers => "^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        }
    }

    pub(crate) fn allow(self, name: &str) -> bool {
        let word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let first = |character: char| match self {
            Self::Dashed => word(character),
            Self::Identifiers => word(character) && !character.is_ascii_digit(),
        };
        let later = |character: char| match self {
            Self::Dashed => word(character) || matches!(character, '.' | '-'),
            Self::Identifiers => word(character),
        };
        name.len() <= 100 && name.starts_with(first) && name.chars().all(later)
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Dashed => "letters, digits, `_`, `.` and `-`, at most 100 of them, the first no `.` or `-`",
            Self::Identifiers => "letters, digits and `_`, at most 100 of them, the first no digit",
        }
    }
}

/// What a value that is one whole `${{ }}` looks like, for the schema; [`is_whole_expression`] takes exactly this.
pub(crate) const WHOLE_EXPRESSION: &str = r"^[ \t\r\n]*\$\{\{[\s\S]*\}\}[ \t\r\n]*$";

/// Whether a text looks like one whole `${{ }}`.
pub(crate) fn is_whole_expression(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    text.len() >= 5 && text.starts_with("${{") && text.ends_with("}}")
}
