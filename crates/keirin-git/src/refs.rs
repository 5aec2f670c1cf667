//! Branches and tags of a repository on this machine, read from its files: no process, so a look costs microseconds.
//!
//! Anything out of the ordinary (another storage of references) is left to git itself.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::layout::{GitFolders, candidates, is_absent, read};

/// Symbolic references lead to others; git follows five.
const MOST_LINKS: usize = 5;

/// Where a repository keeps its references.
pub(crate) struct RefStore {
    own: PathBuf,
    common: PathBuf,
}

/// What a repository offers: its branches and tags (full names to object ids) and where `HEAD` points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct References {
    pub(crate) ids: BTreeMap<String, String>,
    /// Full name of the reference that `HEAD` stands for; `None` when it is detached.
    pub(crate) head: Option<String>,
}

impl References {
    /// How the repository names its objects, where it has any.
    pub(crate) fn object_format(&self) -> Option<ObjectFormat> {
        self.ids.values().next().map(|id| ObjectFormat::of(id))
    }
}

/// How a repository names its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectFormat {
    Sha1,
    Sha256,
}

impl ObjectFormat {
    /// The format that an object id is of.
    pub(crate) fn of(id: &str) -> Self {
        if id.len() == 64 { Self::Sha256 } else { Self::Sha1 }
    }

    /// What `git init` is told.
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Sha1 => "--object-format=sha1",
            Self::Sha256 => "--object-format=sha256",
        }
    }
}

impl RefStore {
    /// Finds the repository at `path` as git would: a checkout, a linked checkout, or a bare repository.
    /// `None` when there is none, or when its references are kept in another way than files.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        for candidate in candidates(path) {
            if let Some(store) = Self::at(&candidate)? {
                return Ok(Some(store));
            }
        }
        Ok(None)
    }

    /// The repository whose git folder, or whose file that names it, is `place`.
    pub(crate) fn at(place: &Path) -> io::Result<Option<Self>> {
        let Some(GitFolders { own, common }) = GitFolders::at(place)? else {
            return Ok(None);
        };
        let has_all =
            own.join("HEAD").is_file() && common.join("objects").is_dir() && common.join("refs").is_dir();
        let config = read(&common.join("config"))?.unwrap_or_default();
        let in_files = !config.to_ascii_lowercase().contains("refstorage");
        Ok((has_all && in_files).then_some(Self { own, common }))
    }

    /// How the bare repository at `place` names its objects.
    pub(crate) fn object_format(place: &Path) -> io::Result<ObjectFormat> {
        let config = read(&place.join("config"))?.unwrap_or_default();
        let is_sha256 = config.lines().any(|line| {
            let setting = line.split_once('=');
            setting.is_some_and(|(key, value)| {
                key.trim().eq_ignore_ascii_case("objectformat") && value.trim().eq_ignore_ascii_case("sha256")
            })
        });
        Ok(if is_sha256 {
            ObjectFormat::Sha256
        } else {
            ObjectFormat::Sha1
        })
    }

    /// The object that a full name (`refs/heads/...`) stands for.
    pub(crate) fn find(&self, name: &str) -> io::Result<Option<String>> {
        let mut name = name.to_owned();
        for _ in 0..MOST_LINKS {
            match self.loose(&name)? {
                Some(Loose::Id(id)) => return Ok(Some(id)),
                Some(Loose::Link(target)) => name = target,
                // In this order, for a reference that is being packed stands in both before it leaves the first.
                None => return Ok(self.packed()?.remove(&name)),
            }
        }
        Err(broken(&name, "it leads to too many others"))
    }

    /// All branches and tags, and `HEAD`.
    pub(crate) fn all(&self) -> io::Result<References> {
        let head = match self.loose("HEAD")? {
            Some(Loose::Link(target)) => Some(target),
            _ => None,
        };
        let mut loose = BTreeMap::new();
        for folder in ["refs/heads", "refs/tags"] {
            for name in self.names_below(folder)? {
                if let Some(id) = self.find(&name)? {
                    loose.insert(name, id);
                }
            }
        }
        let mut ids = self.packed()?;
        ids.retain(|name, _| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
        ids.extend(loose);
        Ok(References { ids, head })
    }

    fn names_below(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in WalkDir::new(self.common.join(folder)) {
            let entry = match entry {
                Ok(entry) => entry,
                // A branch, or the folder of its name, may go while we look.
                Err(error) if error.io_error().is_some_and(is_absent) => continue,
                Err(error) => return Err(error.into()),
            };
            let is_lock = entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "lock");
            if entry.file_type().is_dir() || is_lock {
                continue;
            }
            if let Some(name) = entry
                .path()
                .strip_prefix(&self.common)
                .ok()
                .and_then(Path::to_str)
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn loose(&self, name: &str) -> io::Result<Option<Loose>> {
        let folder = if name == "HEAD" { &self.own } else { &self.common };
        let Some(text) = read(&folder.join(name))? else {
            return Ok(None);
        };
        let text = text.trim_end();
        match text.strip_prefix("ref:") {
            Some(target) if target.trim_start().starts_with("refs/") => {
                Ok(Some(Loose::Link(target.trim_start().to_owned())))
            }
            None if is_id(text) => Ok(Some(Loose::Id(text.to_owned()))),
            _ => Err(broken(name, "its file holds no object id")),
        }
    }

    fn packed(&self) -> io::Result<BTreeMap<String, String>> {
        let text = read(&self.common.join("packed-refs"))?.unwrap_or_default();
        let mut ids = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with(['#', '^'])) {
            match line.split_once(' ') {
                Some((id, name)) if is_id(id) => ids.insert(name.to_owned(), id.to_owned()),
                _ => return Err(broken("packed-refs", "a line holds no object id")),
            };
        }
        Ok(ids)
    }
}

enum Loose {
    Id(String),
    Link(String),
}

pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn broken(name: &str, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the reference {name} is broken: {why}"),
    )
}
