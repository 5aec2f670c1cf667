//! Which files of a workspace a step means.

use std::io;
use std::path::Path;

use keirin_workflow::Globs;

use super::error::ToolError;
use super::links::{self, LinkTarget};
use super::walk::{Inside, Walk, WorkspaceEntry};
use crate::files::{InvalidPath, LONGEST, RelativePath};

/// A workspace may have this many entries before a search in it is given up.
const ENTRIES: usize = 2_000_000;

/// What stands for other characters in a pattern.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Globs over the paths of a workspace.
pub(crate) struct Patterns {
    globs: Globs,
    texts: Vec<String>,
}

impl Patterns {
    /// Reads globs; none may lead out of the workspace.
    pub(crate) fn parse(patterns: &[String]) -> Result<Self, ToolError> {
        for pattern in patterns {
            RelativePath::parse(pattern.strip_prefix('!').unwrap_or(pattern))?;
        }
        Ok(Self {
            globs: Globs::parse(patterns)?,
            texts: patterns.to_vec(),
        })
    }

    pub(crate) fn matches(&self, path: &RelativePath) -> bool {
        self.globs.matches_file(path.as_str())
    }

    /// Whether something in this folder may match, as far as can be told without looking: what stands in a pattern before its
    /// first wildcard leads there, and none that leaves out all of a folder does.
    fn may_match_below(&self, folder: &str) -> bool {
        let is_within = |root: &str| {
            let rest = folder.strip_prefix(root);
            rest.is_some_and(|rest| root.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        let (left_out, meant): (Vec<&String>, Vec<&String>) =
            self.texts.iter().partition(|pattern| pattern.starts_with('!'));
        let is_meant = meant.iter().any(|pattern| match pattern.find(WILDCARDS) {
            None => is_within(pattern.trim_end_matches('/')),
            Some(first) => folder.starts_with(&pattern[..first]),
        });
        let is_left_out = left_out.iter().any(|pattern| {
            let root = pattern[1..].trim_end_matches("/**").trim_end_matches('/');
            root.find(WILDCARDS).is_none() && is_within(root)
        });
        is_meant && !is_left_out
    }

    /// That nothing matched, as an error.
    pub(crate) fn nothing(&self) -> ToolError {
        ToolError::NothingMatches {
            patterns: self.texts.clone(),
        }
    }

    /// That nothing of what matches can be used, as an error.
    pub(crate) fn nothing_usable(&self) -> ToolError {
        ToolError::NothingUsable {
            patterns: self.texts.clone(),
        }
    }

    /// What matches below a folder, sorted by path. A link counts as the file of the workspace that it leads to; one that
    /// leads out is an error. Waits for the disk.
    pub(crate) fn find(&self, root: &Path, limit: usize) -> Result<Matches, ToolError> {
        let mut matches = Matches::default();
        let searched = |error: io::Error| ToolError::disk("search", root.display())(error);
        for (count, entry) in Walk::new(root).map_err(searched)?.enumerate() {
            let entry = entry.map_err(searched)?;
            if count > ENTRIES {
                return Err(ToolError::TooManyFiles { limit: ENTRIES });
            }
            let path = entry.path.to_string_lossy();
            let is_meant = match entry.inside {
                Inside::TooDeep => self.may_match_below(&path),
                _ => self.globs.matches_file(&path),
            };
            if !is_meant {
                continue;
            }
            let found = match classify(root, &entry)? {
                Classified::File(found) => found,
                Classified::Folder => continue,
                Classified::PassedOver(reason) => {
                    let path = path.into_owned();
                    matches.passed_over.push(PassedOver { path, reason });
                    continue;
                }
            };
            if matches.files.len() == limit {
                return Err(ToolError::TooManyFiles { limit });
            }
            matches.files.push(found);
        }
        Ok(matches)
    }
}

/// What matches.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    pub(crate) files: Vec<Found>,
    pub(crate) passed_over: Vec<PassedOver>,
}

/// A file that matches.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The path that matched.
    pub(crate) path: RelativePath,
    /// The file itself: another path where that is a link.
    pub(crate) source: RelativePath,
}

/// Something that matches and is not a file that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PassedOver {
    /// Bytes of its name that are not UTF-8 are replaced.
    pub(crate) path: String,
    pub(crate) reason: Unusable,
}

/// Why something that matches is passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("its name is not valid UTF-8")]
    NotUtf8,
    #[error("{0}")]
    Path(#[from] InvalidPath),
    #[error("it is a link that leads nowhere: there is no `{target}`")]
    LeadsNowhere { target: String },
    #[error("it is a link to the folder `{target}`; name that folder itself")]
    LinkedFolder { target: String },
    #[error("it is an empty folder")]
    EmptyFolder,
    #[error("its path has more than {LONGEST} bytes, so what is in it was not looked at")]
    TooDeep,
    #[error("its name holds a control character or a backslash")]
    OddName,
    #[error("it is neither a file nor a folder")]
    Special,
}

enum Classified {
    File(Found),
    /// What is in it is found by itself.
    Folder,
    PassedOver(Unusable),
}

fn classify(root: &Path, entry: &WorkspaceEntry) -> Result<Classified, ToolError> {
    match entry.inside {
        Inside::NoFolder => {}
        Inside::Entries => return Ok(Classified::Folder),
        Inside::Nothing => return Ok(Classified::PassedOver(Unusable::EmptyFolder)),
        Inside::TooDeep => return Ok(Classified::PassedOver(Unusable::TooDeep)),
    }
    let Some(text) = entry.path.to_str() else {
        return Ok(Classified::PassedOver(Unusable::NotUtf8));
    };
    let path = match RelativePath::parse(text) {
        Ok(path) => path,
        Err(error) => return Ok(Classified::PassedOver(error.into())),
    };
    if entry.kind.is_symlink() {
        return behind_link(root, path);
    }
    Ok(match entry.kind.is_file() {
        true => Classified::File(Found {
            source: path.clone(),
            path,
        }),
        false => Classified::PassedOver(Unusable::Special),
    })
}

/// The file that a link leads to.
fn behind_link(root: &Path, path: RelativePath) -> Result<Classified, ToolError> {
    let target = links::follow(root, path.as_path()).map_err(ToolError::disk("look at", &path))?;
    let unusable = match target {
        LinkTarget::File(source) => match source.to_str() {
            Some(source) => {
                let source = RelativePath::parse(source)?;
                return Ok(Classified::File(Found { path, source }));
            }
            None => Unusable::NotUtf8,
        },
        LinkTarget::Folder(target) => Unusable::LinkedFolder {
            target: target.to_string_lossy().into_owned(),
        },
        LinkTarget::Special => Unusable::Special,
        LinkTarget::Nowhere(target) => Unusable::LeadsNowhere {
            target: target.to_string_lossy().into_owned(),
        },
        LinkTarget::Out => {
            let path = path.to_string();
            return Err(ToolError::LinkOut { path });
        }
    };
    Ok(Classified::PassedOver(unusable))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn find(root: &Path, patterns: &[&str]) -> Result<Vec<String>, ToolError> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let found = Patterns::parse(&patterns)?.find(root, 100)?;
        Ok(found
            .files
            .into_iter()
            .map(|found| found.path.to_string())
            .collect())
    }

    #[test]
    fn patterns_find_files_and_whole_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("dist/sub")).unwrap();
        for name in ["dist/a.txt", "dist/sub/b.txt", "dist/c.bin", "d.txt"] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink("a.txt", root.join("dist/link.txt")).unwrap();
        assert_eq!(
            find(&root, &["dist/*.txt"]).unwrap(),
            ["dist/a.txt", "dist/link.txt"]
        );
        assert_eq!(
            find(&root, &["**/*.txt", "d.txt"]).unwrap(),
            ["d.txt", "dist/a.txt", "dist/link.txt", "dist/sub/b.txt"]
        );
        assert_eq!(find(&root, &["./dist/"]).unwrap().len(), 4);
        assert_eq!(
            find(&root, &["dist", "!dist/sub", "!**/*.bin"]).unwrap(),
            ["dist/a.txt", "dist/link.txt"]
        );
        assert_eq!(find(&root, &["*"]).unwrap(), ["d.txt"]);
        assert!(find(&root, &["nothing*"]).unwrap().is_empty());
        assert!(matches!(find(&root, &["../*"]), Err(ToolError::Path(_))));
        assert!(matches!(find(&root, &["/etc/*"]), Err(ToolError::Path(_))));
        assert!(matches!(find(&root, &["a[b"]), Err(ToolError::Glob(_))));
    }

    #[test]
    fn a_link_that_leads_out_is_an_error_only_where_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("in.bin"), "x").unwrap();
        // Whether there is such a file is not told.
        for target in ["/etc/passwd", "/etc/absent", "../absent"] {
            symlink(target, root.join("out.txt")).unwrap();
            assert!(
                matches!(find(&root, &["*.txt"]), Err(ToolError::LinkOut { .. })),
                "{target}"
            );
            fs::remove_file(root.join("out.txt")).unwrap();
        }
        symlink("/etc/passwd", root.join("out.txt")).unwrap();
        assert_eq!(find(&root, &["*.bin"]).unwrap(), ["in.bin"]);
    }

    #[test]
    fn what_lies_too_deep_to_be_looked_at_is_named_where_it_may_be_meant() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mut deep = root.join("out");
        for _ in 0..11 {
            deep.push("d".repeat(100));
        }
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "").unwrap();
        fs::write(root.join("plain"), "").unwrap();
        let passed_over = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            let patterns = Patterns::parse(&patterns).unwrap();
            let reasons = patterns.find(&root, 100).unwrap().passed_over.into_iter();
            reasons.map(|passed_over| passed_over.reason).collect::<Vec<_>>()
        };
        for meant in ["out", "out/**", "**/file", "o*/**/file"] {
            assert_eq!(passed_over(&[meant]), [Unusable::TooDeep], "{meant}");
        }
        for elsewhere in ["plain", "pl*", "other/**", "ou"] {
            assert_eq!(passed_over(&[elsewhere]), [], "{elsewhere}");
        }
        assert_eq!(passed_over(&["**", "!out/**"]), []);
    }

    #[test]
    fn what_matches_and_is_no_file_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("out/empty")).unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/b"), "b").unwrap();
        fs::write(root.join("out/a"), "a").unwrap();
        symlink("../real", root.join("out/linked")).unwrap();
        symlink("gone", root.join("out/dead")).unwrap();
        symlink("circle", root.join("out/circle")).unwrap();
        fs::write(root.join(OsStr::from_bytes(b"out/l\xe9")), "l").unwrap();
        nix::unistd::mkfifo(&root.join("out/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let matches = Patterns::parse(&["out".to_owned()])
            .unwrap()
            .find(&root, 100)
            .unwrap();
        let files: Vec<&str> = matches.files.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(files, ["out/a"]);
        let passed_over: Vec<(&str, String)> = matches
            .passed_over
            .iter()
            .map(|passed_over| (passed_over.path.as_str(), passed_over.reason.to_string()))
            .collect();
        let nowhere = |target: &str| format!("it is a link that leads nowhere: there is no `{target}`");
        assert_eq!(
            passed_over,
            [
                ("out/circle", nowhere("circle")),
                ("out/dead", nowhere("gone")),
                ("out/empty", "it is an empty folder".to_owned()),
                (
                    "out/linked",
                    "it is a link to the folder `real`; name that folder itself".to_owned()
                ),
                ("out/l\u{fffd}", "its name is not valid UTF-8".to_owned()),
                ("out/pipe", "it is neither a file nor a folder".to_owned()),
            ]
        );
    }
}
