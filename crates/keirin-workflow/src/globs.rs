//! Globs as workflow files write them: over branches, tags, changed paths, kept files and reports alike.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Bytes of one glob: programs turn it into something larger.
const LONGEST: usize = 1000;

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It cannot be read.
    #[error("`{glob}` is not a glob: {reason}")]
    Invalid {
        /// As it is written.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is longer than one may be.
    #[error("a glob is {bytes} bytes long, and at most {LONGEST} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Each of them can be read, and all together are larger than a program may become.
    #[error("{count} globs are too large together")]
    TooLarge {
        /// How many there are.
        count: usize,
    },
}

/// A list of globs.
///
/// - `*` stands for any part of one name and never crosses a `/`; `?` for one character of it.
/// - `**` as a whole name stands for any number of folders, none included.
/// - `[ab]` and `{a,b}` are choices; `\` takes the meaning from the character after it.
/// - `!` at the start leaves out what the glob matches. The last glob of the list that matches decides; a list of such
///   globs alone means everything but what they match.
///
/// Over files ([`Globs::matches_file`]) a glob whose last name has no wildcard also means all that lies below the folder
/// of that name: `dist` and `dist/` are `dist/**`. `.` is everything.
#[derive(Debug, Clone)]
pub struct Globs {
    exact: GlobSet,
    /// For each glob what lies below it; nothing can match where its last name has a wildcard.
    below: GlobSet,
    /// Of each glob of `below`, its place in the list.
    below_of: Vec<usize>,
    leaves_out: Vec<bool>,
}

impl Globs {
    /// Reads a list.
    pub fn parse<T: AsRef<str>>(globs: &[T]) -> Result<Self, GlobError> {
        let (mut exact, mut below) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let (mut below_of, mut leaves_out) = (Vec::new(), Vec::new());
        for (index, glob) in globs.iter().enumerate() {
            let text = glob.as_ref();
            let invalid = |reason: String| GlobError::Invalid {
                glob: text.to_owned(),
                reason,
            };
            if text.len() > LONGEST {
                return Err(GlobError::TooLong { bytes: text.len() });
            }
            let pattern = match leaves_out_what(text).unwrap_or(text) {
                "" => return Err(invalid("it names nothing".to_owned())),
                pattern => plain(pattern),
            };
            let build = |pattern: &str| {
                GlobBuilder::new(pattern)
                    .literal_separator(true)
                    .backslash_escape(true)
                    .build()
                    .map_err(|error| invalid(error.kind().to_string()))
            };
            exact.add(build(&pattern)?);
            if may_name_a_folder(&pattern) {
                below.add(build(&format!("{pattern}/**"))?);
                below_of.push(index);
            }
            leaves_out.push(leaves_out_what(text).is_some());
        }
        // Each of them has been read, so only their size together is left to be refused.
        let count = globs.len();
        let whole = |_| GlobError::TooLarge { count };
        Ok(Self {
            exact: exact.build().map_err(whole)?,
            below: below.build().map_err(whole)?,
            below_of,
            leaves_out,
        })
    }

    /// Whether a name is meant, such as that of a branch or of a tag.
    pub fn matches_name(&self, name: &str) -> bool {
        self.decide(self.exact.matches(name).into_iter().max())
    }

    /// Whether a file is meant, by its path from the root, with `/` between the names.
    pub fn matches_file(&self, path: &str) -> bool {
        let exact = self.exact.matches(path).into_iter().max();
        let below = self.below.matches(path).into_iter();
        let below = below.filter_map(|index| self.below_of.get(index).copied()).max();
        self.decide(exact.max(below))
    }

    /// Whether the glob at this place of the list decides that something is in.
    fn decide(&self, last: Option<usize>) -> bool {
        match last.and_then(|last| self.leaves_out.get(last)) {
            Some(leaves_out) => !leaves_out,
            None => !self.leaves_out.is_empty() && self.leaves_out.iter().all(|leaves_out| *leaves_out),
        }
    }
}

/// What a glob leaves out, where it starts with `!`.
pub(crate) fn leaves_out_what(glob: &str) -> Option<&str> {
    glob.strip_prefix('!')
}

/// Without `.` and empty names: `./dist//` is `dist`, and `.` is everything.
fn plain(pattern: &str) -> String {
    let names: Vec<&str> = pattern
        .split('/')
        .filter(|name| !name.is_empty() && *name != ".")
        .collect();
    match names.is_empty() {
        true => "**".to_owned(),
        false => names.join("/"),
    }
}

fn may_name_a_folder(pattern: &str) -> bool {
    let last = pattern.rsplit('/').next().unwrap_or(pattern);
    !last.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(globs: &[&str], names: &[&'a str]) -> Vec<&'a str> {
        let globs = Globs::parse(globs).unwrap();
        let found = names.iter().filter(|name| globs.matches_name(name));
        found.copied().collect()
    }

    fn files<'a>(globs: &[&str], paths: &[&'a str]) -> Vec<&'a str> {
        let globs = Globs::parse(globs).unwrap();
        let found = paths.iter().filter(|path| globs.matches_file(path));
        found.copied().collect()
    }

    const BRANCHES: [&str; 4] = ["main", "release", "release/1", "release/1/2"];
    const PATHS: [&str; 5] = ["a.md", "docs/a.md", "docs/deep/b.md", "src/a.rs", "src/gen/b.rs"];

    #[test]
    fn a_star_stays_within_a_name_and_two_cross() {
        assert_eq!(names(&["release/*"], &BRANCHES), ["release/1"]);
        assert_eq!(names(&["release/**"], &BRANCHES), ["release/1", "release/1/2"]);
        assert_eq!(names(&["*"], &BRANCHES), ["main", "release"]);
        assert_eq!(names(&["**"], &BRANCHES), BRANCHES);
        assert_eq!(files(&["*.md"], &PATHS), ["a.md"]);
        assert_eq!(
            files(&["**/*.md"], &PATHS),
            ["a.md", "docs/a.md", "docs/deep/b.md"]
        );
        assert_eq!(files(&["docs/?.md"], &PATHS), ["docs/a.md"]);
        assert_eq!(names(&["{main,rel*}"], &BRANCHES), ["main", "release"]);
    }

    #[test]
    fn an_exclamation_mark_leaves_out_and_the_last_glob_that_matches_decides() {
        assert_eq!(
            files(&["**", "!docs/**"], &PATHS),
            ["a.md", "src/a.rs", "src/gen/b.rs"]
        );
        assert_eq!(
            files(&["src", "!src/gen", "src/gen/b.rs"], &PATHS),
            ["src/a.rs", "src/gen/b.rs"]
        );
        assert_eq!(files(&["!docs"], &PATHS), ["a.md", "src/a.rs", "src/gen/b.rs"]);
        assert_eq!(names(&["!release/**"], &BRANCHES), ["main", "release"]);
        assert_eq!(names(&[r"\!main"], &["main", "!main"]), ["!main"]);
        let none: [&str; 0] = [];
        assert_eq!(names(&none, &BRANCHES), none);
    }

    #[test]
    fn a_folder_over_files_means_all_that_is_in_it_and_a_name_means_itself() {
        for glob in ["docs", "docs/", "./docs", "docs/**", "{docs,x}"] {
            assert_eq!(files(&[glob], &PATHS), ["docs/a.md", "docs/deep/b.md"], "{glob}");
        }
        assert_eq!(files(&["docs/*"], &PATHS), ["docs/a.md"]);
        assert_eq!(files(&["."], &PATHS), PATHS);
        assert_eq!(names(&["release"], &BRANCHES), ["release"]);
    }

    #[test]
    fn what_is_no_glob_says_why() {
        for (glob, reason) in [
            ("a[b", "unclosed character class"),
            ("!", "it names nothing"),
            ("", "it names nothing"),
            (&"x".repeat(2000), "2000 bytes"),
        ] {
            let error = Globs::parse(&[glob]).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
