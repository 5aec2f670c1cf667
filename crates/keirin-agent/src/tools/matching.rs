//! Which files of a workspace a step means.

use std::io;
use std::path::Path;

use keirin_workflow::Globs;
use walkdir::WalkDir;

use super::error::ToolError;
use super::files::RelativePath;

/// A workspace may have this many entries before a search in it is given up.
const ENTRIES: usize = 2_000_000;

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

    /// That nothing matched, as an error.
    pub(crate) fn nothing(&self) -> ToolError {
        ToolError::NothingMatches {
            patterns: self.texts.clone(),
        }
    }

    /// The files below a folder that match, sorted by path. A link counts as the file of the workspace that it leads to;
    /// one that leads out is an error. Waits for the disk.
    pub(crate) fn find(&self, root: &Path, limit: usize) -> Result<Vec<Found>, ToolError> {
        let mut found = Vec::new();
        for (count, entry) in WalkDir::new(root)
            .follow_links(false)
            .sort_by_file_name()
            .into_iter()
            .enumerate()
        {
            let entry = match entry {
                Ok(entry) => entry,
                // What has gone meanwhile is not there; a folder that cannot be read might hold what is asked for.
                Err(error)
                    if error
                        .io_error()
                        .is_some_and(|error| error.kind() == io::ErrorKind::NotFound) =>
                {
                    continue;
                }
                Err(error) => return Err(ToolError::disk("search", root.display())(error)),
            };
            if count > ENTRIES {
                return Err(ToolError::TooManyFiles { limit: ENTRIES });
            }
            let Some(text) = entry.path().strip_prefix(root).ok().and_then(Path::to_str) else {
                continue;
            };
            let Ok(path) = RelativePath::parse(text) else {
                continue;
            };
            if entry.file_type().is_dir() || !self.matches(&path) {
                continue;
            }
            if found.len() == limit {
                return Err(ToolError::TooManyFiles { limit });
            }
            match entry.path_is_symlink() {
                false if entry.file_type().is_file() => found.push(Found {
                    source: path.clone(),
                    path,
                }),
                false => {}
                true => found.extend(behind_link(root, entry.path(), path)?),
            }
        }
        Ok(found)
    }
}

/// A file that matches.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The path that matched.
    pub(crate) path: RelativePath,
    /// The file itself: another path where that is a link.
    pub(crate) source: RelativePath,
}

/// The file that a link leads to. A link to a folder is passed over: what is in the folder is found in its own place.
fn behind_link(root: &Path, link: &Path, path: RelativePath) -> Result<Option<Found>, ToolError> {
    let out = || ToolError::LinkOut {
        path: path.to_string(),
    };
    let Ok(target) = link.canonicalize() else {
        return Err(out());
    };
    let inside = target
        .strip_prefix(root)
        .ok()
        .and_then(Path::to_str)
        .ok_or_else(out)?;
    let source = RelativePath::parse(inside)?;
    Ok(target.is_file().then_some(Found { path, source }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn find(root: &Path, patterns: &[&str]) -> Result<Vec<String>, ToolError> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let found = Patterns::parse(&patterns)?.find(root, 100)?;
        Ok(found.into_iter().map(|found| found.path.to_string()).collect())
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
        symlink("/etc/passwd", root.join("out.txt")).unwrap();
        fs::write(root.join("in.bin"), "x").unwrap();
        assert!(matches!(find(&root, &["*.txt"]), Err(ToolError::LinkOut { .. })));
        assert_eq!(find(&root, &["*.bin"]).unwrap(), ["in.bin"]);
    }
}
