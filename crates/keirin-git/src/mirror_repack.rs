//! Putting the many packs of a mirror together: each fetch adds one, or objects that lie alone, and git looks through all of
//! them for every object that it wants.

use std::fs;
use std::io;
use std::path::Path;

use crate::command::TRANSFER_TIMEOUT;
use crate::credential::Access;
use crate::error::GitError;
use crate::mirror::{Mirror, in_background};

/// A mirror with more packs than this is worth repacking.
const MANY_PACKS: usize = 20;
/// One with more objects that lie alone is too.
const MANY_LOOSE_OBJECTS: usize = 5000;

/// What a mirror's objects lie in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectLayout {
    /// Packs.
    pub packs: usize,
    /// Objects in files of their own.
    pub loose: usize,
}

impl ObjectLayout {
    /// Whether repacking is worth its time.
    pub fn is_scattered(self) -> bool {
        self.packs > MANY_PACKS || self.loose > MANY_LOOSE_OBJECTS
    }
}

impl Mirror {
    /// What the mirror's objects lie in; nothing where there is no mirror yet.
    ///
    /// # Errors
    /// The mirror's files cannot be read.
    pub async fn object_layout(&self) -> Result<ObjectLayout, GitError> {
        let objects = self.path.join("objects");
        in_background("count the mirror's packs", move || layout(&objects)).await
    }

    /// Puts all objects of the mirror into few packs. None is lost, also none that no branch leads to any more: flows of the
    /// past name commits by their ids. It can be read and fetched from meanwhile; fetches into it wait.
    ///
    /// # Errors
    /// [`GitError::NotMirrored`], and whatever git says.
    pub async fn repack(&self) -> Result<(), GitError> {
        self.existing()?;
        let _writing = self.lock_writing().await?;
        self.clear_leftovers().await?;
        // It has to know that objects are left out on purpose, and fetches none.
        let access = if self.url.is_local() {
            Access::default()
        } else {
            Access::default().with_promise()
        };
        // One thread: nobody waits for it.
        self.call([
            "-c",
            "pack.threads=1",
            "repack",
            "-a",
            "-d",
            "--keep-unreachable",
            "--quiet",
        ])
        .access(&access)
        .timeout(TRANSFER_TIMEOUT)
        .ok_in(self.scene())
        .await?;
        self.call(["pack-refs", "--all"])
            .ok_in(self.scene())
            .await
            .map(drop)
    }
}

fn layout(objects: &Path) -> io::Result<ObjectLayout> {
    let mut layout = ObjectLayout::default();
    let folders = match fs::read_dir(objects) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(layout),
        Err(error) => return Err(error),
    };
    for folder in folders {
        let folder = folder?;
        let name = folder.file_name();
        if name == "pack" {
            for file in fs::read_dir(folder.path())? {
                let name = file?.file_name();
                // One that is being written has another name.
                let is_pack = name.as_encoded_bytes().starts_with(b"pack-")
                    && Path::new(&name).extension() == Some("pack".as_ref());
                layout.packs += usize::from(is_pack);
            }
        } else if name.len() == 2 {
            layout.loose += fs::read_dir(folder.path())?.count();
        }
    }
    Ok(layout)
}
