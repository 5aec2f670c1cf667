//! Copying the tree that somebody works in, so that a job run here neither waits for a commit nor touches their files.
//!
//! What is copied: of a git checkout the files that git tracks or would track (nothing that is ignored), as they are on the
//! disk; of any other folder everything but caches: folders marked by a `CACHEDIR.TAG`, and `node_modules`. Symbolic links
//! stay links; modes and times are kept, so that tools see no change where there is none; pipes and sockets are left out.
//!
//! The copy of a checkout's root is a repository of its own, so that git works in the job. It borrows the original's objects
//! (as `git clone --shared` does) and has no remote, so that nothing can be pushed by accident. Submodules and repositories
//! inside come as plain files.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use walkdir::WalkDir;

use crate::classify::{Scene, classify};
use crate::command::Git;
use crate::credential::LOCAL_UPLOAD_PACK;
use crate::error::GitError;
use crate::mirror::in_background;

/// A list of the files of a very large tree.
const LIST_LIMIT: usize = 512 * 1024 * 1024;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedTree {
    /// Number of files and links.
    pub files: u64,
    /// Sum of the files' sizes.
    pub bytes: u64,
    /// Whether the copy is a git repository of its own.
    pub has_git: bool,
}

/// The root of the checkout that `folder` lies in; `None` when it lies in none.
///
/// # Errors
/// [`GitError::GitMissing`] and others; lying in no checkout is none.
pub async fn working_tree_of(git: &Git, folder: &Path) -> Result<Option<PathBuf>, GitError> {
    let finished = git
        .call(["rev-parse", "--show-toplevel"])
        .found_from(folder)
        .run()
        .await?;
    if finished.succeeded() {
        let line = finished.output.strip_suffix(b"\n").unwrap_or(&finished.output);
        return Ok(Some(PathBuf::from(std::ffi::OsStr::from_bytes(line))));
    }
    let is_none = finished.stderr.contains("not a git repository")
        || finished.stderr.contains("must be run in a work tree");
    if is_none {
        Ok(None)
    } else {
        Err(classify(&finished, Scene::default()))
    }
}

/// Copies the tree at `from` into the folder `into`, which must be missing or empty. `from` is copied itself, not the checkout
/// around it; see [`working_tree_of`].
///
/// # Errors
/// [`GitError::Io`] and [`GitError::DiskFull`] among others.
pub async fn copy_working_tree(git: &Git, from: &Path, into: &Path) -> Result<CopiedTree, GitError> {
    let from = canonical(from).await?;
    let root = working_tree_of(git, &from).await?;
    let has_git = root.as_ref() == Some(&from);
    if has_git {
        borrow_repository(git, &from, into).await?;
    }
    let into = into.to_owned();
    let given_up = CancellationToken::new();
    let _gives_up = given_up.clone().drop_guard();
    if root.is_none() {
        return in_background("copy the folder", move || copy_folder(&from, &into, &given_up)).await;
    }
    let mut copied = CopiedTree {
        has_git,
        ..CopiedTree::default()
    };
    let mut trees = vec![(from, into)];
    while let Some((from, into)) = trees.pop() {
        let list = git
            .call(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .found_from(&from)
            .output_limit(LIST_LIMIT);
        let list = list.ok().await?.output;
        let given_up = given_up.clone();
        let (part, inner) = in_background("copy the working tree", move || {
            copy_listed(&from, &into, &list, &given_up)
        })
        .await?;
        copied.files += part.files;
        copied.bytes += part.bytes;
        trees.extend(inner);
    }
    Ok(copied)
}

/// What copies goes on in a thread of its own, and would make anew what a caller removes who has given up.
fn check_wanted(given_up: &CancellationToken) -> io::Result<()> {
    match given_up.is_cancelled() {
        false => Ok(()),
        true => Err(io::Error::new(
            io::ErrorKind::Interrupted,
            "nobody waits for the copy any more",
        )),
    }
}

async fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    let path = path.to_owned();
    let what = format!("find the folder {}", path.display());
    in_background("find the folder", move || fs::canonicalize(path))
        .await
        .map_err(|error| match error {
            GitError::Io { source, .. } => GitError::Io { what, source },
            other => other,
        })
}

/// Gives the copy a repository: the original's objects by reference, its commit, and an index that matches the commit.
async fn borrow_repository(git: &Git, from: &Path, into: &Path) -> Result<(), GitError> {
    let clone = git.call([
        "clone",
        "--quiet",
        "--shared",
        "--no-checkout",
        "--template=",
        "--no-recurse-submodules",
    ]);
    let clone = clone
        .argument(format!("--upload-pack={LOCAL_UPLOAD_PACK}"))
        .argument("--")
        .argument(from)
        .argument(into);
    clone.config("safe.directory", "*").speaking("file").ok().await?;
    let has_commit = git
        .call(["rev-parse", "--verify", "--quiet", "HEAD"])
        .checkout(into)
        .run()
        .await?
        .succeeded();
    if has_commit {
        git.call(["read-tree", "HEAD"]).checkout(into).ok().await?;
    }
    git.call(["config", "--remove-section", "remote.origin"])
        .checkout(into)
        .ok()
        .await
        .map(drop)
}

type Inner = Vec<(PathBuf, PathBuf)>;

/// Copies what git listed, and says which of it are repositories inside.
fn copy_listed(
    from: &Path,
    into: &Path,
    list: &[u8],
    given_up: &CancellationToken,
) -> io::Result<(CopiedTree, Inner)> {
    let mut copied = CopiedTree::default();
    let mut inner = Vec::new();
    let mut real_folders = HashMap::new();
    fs::create_dir_all(into)?;
    for name in list.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        check_wanted(given_up)?;
        let path = Path::new(std::ffi::OsStr::from_bytes(name));
        // A tracked file whose folder has become a link is gone from the tree, whatever the link leads to.
        if !path
            .parent()
            .is_none_or(|folder| is_real_folder(from, folder, &mut real_folders))
        {
            continue;
        }
        let source = from.join(path);
        match fs::symlink_metadata(&source) {
            Ok(metadata) if metadata.is_dir() && source.join(".git").exists() => {
                inner.push((source, into.join(path)))
            }
            // The place of a submodule that nobody has checked out.
            Ok(metadata) if metadata.is_dir() => fs::create_dir_all(into.join(path))?,
            Ok(metadata) => copy_entry(&source, &into.join(path), &metadata, &mut copied)?,
            // Tracked, and deleted in the tree.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok((copied, inner))
}

fn is_real_folder(root: &Path, folder: &Path, known: &mut HashMap<PathBuf, bool>) -> bool {
    if folder.as_os_str().is_empty() {
        return true;
    }
    if let Some(known) = known.get(folder) {
        return *known;
    }
    let parent_is_real = folder
        .parent()
        .is_none_or(|parent| is_real_folder(root, parent, known));
    let is_real =
        parent_is_real && fs::symlink_metadata(root.join(folder)).is_ok_and(|metadata| metadata.is_dir());
    known.insert(folder.to_owned(), is_real);
    is_real
}

/// Copies a folder that git knows nothing of.
fn copy_folder(from: &Path, into: &Path, given_up: &CancellationToken) -> io::Result<CopiedTree> {
    let mut copied = CopiedTree::default();
    fs::create_dir_all(into)?;
    let copy = fs::canonicalize(into)?;
    let mut entries = WalkDir::new(from).min_depth(1).into_iter();
    while let Some(entry) = entries.next() {
        check_wanted(given_up)?;
        let entry = entry?;
        if entry.file_type().is_dir() && (is_left_out(&entry) || entry.path() == copy) {
            entries.skip_current_dir();
            continue;
        }
        let target = into.join(entry.path().strip_prefix(from).map_err(io::Error::other)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(target)?;
        } else {
            copy_entry(entry.path(), &target, &entry.metadata()?, &mut copied)?;
        }
    }
    Ok(copied)
}

/// A `.git` here is none that git knows.
fn is_left_out(folder: &walkdir::DirEntry) -> bool {
    folder.file_name() == ".git"
        || folder.file_name() == "node_modules"
        || folder.path().join("CACHEDIR.TAG").is_file()
}

fn copy_entry(
    source: &Path,
    target: &Path,
    metadata: &fs::Metadata,
    copied: &mut CopiedTree,
) -> io::Result<()> {
    let is_link = metadata.file_type().is_symlink();
    if !is_link && !metadata.is_file() {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    copied.files += 1;
    if is_link {
        return std::os::unix::fs::symlink(fs::read_link(source)?, target);
    }
    copied.bytes += fs::copy(source, target)?;
    // Last, for a file may be read-only.
    let times = fs::FileTimes::new().set_modified(metadata.modified()?);
    match fs::File::open(target) {
        Ok(file) => file.set_times(times),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}
