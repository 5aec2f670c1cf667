//! Which mirrors there are, and the end of one.

use std::fs;
use std::io;

use crate::error::GitError;
use crate::mirror::{Mirrors, in_background};

impl Mirrors {
    /// The names of the mirrors that are there, in no order.
    ///
    /// # Errors
    /// [`GitError::Io`] when their folder cannot be read.
    pub async fn names(&self) -> Result<Vec<String>, GitError> {
        let root = self.root().to_owned();
        in_background("list the mirrors", move || {
            let entries = match fs::read_dir(&root) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            let mut names = Vec::new();
            for entry in entries {
                let file = entry?.file_name();
                names.extend(
                    file.to_str()
                        .and_then(|file| file.strip_suffix(".git"))
                        .map(str::to_owned),
                );
            }
            Ok(names)
        })
        .await
    }

    /// Removes the mirror of this name, if there is one. Where its repository is fetched again it is made again; nothing in it
    /// is lost that the repository still has.
    ///
    /// # Errors
    /// [`GitError::Io`] when the folder cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<(), GitError> {
        let state = self.state(name);
        let _running = state.fetches.running.lock().await;
        let _others = self.lock(name).await?;
        let (mirror, making) = (
            self.root().join(format!("{name}.git")),
            self.root().join(format!(".making-{name}")),
        );
        in_background("remove the mirror", move || {
            for folder in [&mirror, &making] {
                match fs::remove_dir_all(folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }
}
