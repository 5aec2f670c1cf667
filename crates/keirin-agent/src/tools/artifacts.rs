//! `artifacts`: keeps files of the workspace with the flow, and brings kept files back.

use std::fs::File;
use std::io::{self, Write};

use futures::{StreamExt, TryStreamExt, stream};
use keirin_wire::agent::Kept;
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use super::error::ToolError;
use super::files::{RelativePath, Tree};
use super::matching::{Found, Patterns};
use super::{count, on_disk};
use crate::backoff::Backoff;
use crate::delivery::until_answered;
use crate::server::{CallError, FileStream};
use crate::step::StepContext;

/// Keeps the files that match.
pub(super) async fn upload(context: &StepContext<'_>, patterns: &[String]) -> Result<(), ToolError> {
    let patterns = Patterns::parse(patterns)?;
    let limits = context.config.limits;
    let root = context.workspace.work().to_owned();
    let found = on_disk(move || {
        let found = patterns.find(&root, limits.artifact_files)?;
        if found.is_empty() {
            Err(patterns.nothing())
        } else {
            Ok(found)
        }
    });
    let found = found.await?;
    let tree = Tree::new(context.workspace.work(), &context.config.identity);
    let mut bytes = 0_u64;
    let mut backoff = context.backoff();
    for Found { path, source } in &found {
        let size = open(&tree, source)?.1;
        bytes = bytes.saturating_add(size);
        if bytes > limits.artifact_bytes {
            return Err(ToolError::TooManyBytes {
                limit: limits.artifact_bytes,
            });
        }
        keep(context, &tree, path, source, size, &mut backoff).await?;
        context.say(&format!("Kept {path} ({size} bytes)"));
    }
    context.say(&format!(
        "Kept {}, {bytes} bytes",
        count(found.len() as u64, "file")
    ));
    Ok(())
}

async fn keep(
    context: &StepContext<'_>,
    tree: &Tree,
    path: &RelativePath,
    source: &RelativePath,
    size: u64,
    backoff: &mut Backoff,
) -> Result<(), ToolError> {
    let changed = || ToolError::Changed {
        path: path.to_string(),
    };
    loop {
        let (file, size_now) = open(tree, source)?;
        if size_now != size {
            return Err(changed());
        }
        let answer = context
            .server
            .keep(context.lease, path.as_str(), size, content(file, size))
            .await;
        match answer {
            Err(CallError::Unreachable { reason }) => {
                let wait = backoff.next();
                tracing::warn!(%path, %reason, ?wait, "a file could not be sent; sending it again");
                tokio::time::sleep(wait).await;
            }
            answer => {
                backoff.reset();
                return Ok(answer?);
            }
        }
    }
}

fn open(tree: &Tree, path: &RelativePath) -> Result<(File, u64), ToolError> {
    let file = tree.open(path).map_err(ToolError::disk("read", path))?;
    if !tree
        .is_the_steps(&file)
        .map_err(ToolError::disk("look at", path))?
    {
        return Err(ToolError::NotTheSteps {
            path: path.to_string(),
        });
    }
    let size = file.metadata().map_err(ToolError::disk("look at", path))?.len();
    Ok((file, size))
}

/// Exactly `size` bytes of a file; an error where it has become shorter.
fn content(file: File, size: u64) -> FileStream {
    let state = (
        ReaderStream::with_capacity(tokio::fs::File::from_std(file), 256 * 1024),
        size,
    );
    stream::try_unfold(state, |(mut reader, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut bytes) = reader.try_next().await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - bytes.len() as u64;
        Ok(Some((bytes, (reader, left))))
    })
    .boxed()
}

/// Brings back the kept files that match.
pub(super) async fn download(
    context: &StepContext<'_>,
    patterns: &[String],
    destination: Option<&str>,
) -> Result<(), ToolError> {
    let patterns = Patterns::parse(patterns)?;
    let limits = context.config.limits;
    let destination = RelativePath::parse(destination.unwrap_or("."))?;
    let attempt = context.lease.attempt;
    let mut backoff = context.backoff();
    let kept = until_answered(attempt, &mut backoff, || context.server.kept(context.lease)).await?;
    // What the server lists is checked like anything from outside.
    let mut wanted = Vec::new();
    for file in kept {
        let path = RelativePath::parse(&file.path)?;
        if patterns.matches(&path) {
            wanted.push((path, file));
        }
    }
    if wanted.is_empty() {
        return Err(patterns.nothing());
    }
    if wanted.len() > limits.artifact_files {
        return Err(ToolError::TooManyFiles {
            limit: limits.artifact_files,
        });
    }
    let bytes = wanted
        .iter()
        .fold(0_u64, |sum, (_, file)| sum.saturating_add(file.size));
    if bytes > limits.artifact_bytes {
        return Err(ToolError::TooManyBytes {
            limit: limits.artifact_bytes,
        });
    }
    let tree = Tree::new(context.workspace.work(), &context.config.identity);
    for (path, file) in &wanted {
        fetch(context, &tree, &path.below(&destination), file, &mut backoff).await?;
        context.say(&format!("Brought back {path} ({} bytes)", file.size));
    }
    Ok(())
}

async fn fetch(
    context: &StepContext<'_>,
    tree: &Tree,
    path: &RelativePath,
    kept: &Kept,
    backoff: &mut Backoff,
) -> Result<(), ToolError> {
    loop {
        let attempt = context.lease.attempt;
        let content = until_answered(attempt, backoff, || {
            context.server.fetch_kept(context.lease, kept.id)
        })
        .await?;
        let file = tree.create(path).map_err(ToolError::disk("write", path))?;
        match receive(content, file, kept.size).await {
            Ok(found) if found == kept.sha256 => return Ok(()),
            Ok(found) => {
                let expected = kept.sha256.clone();
                return Err(ToolError::Damaged {
                    path: path.to_string(),
                    expected,
                    found,
                });
            }
            Err(Broken::Disk(error)) => return Err(ToolError::disk("write", path)(error)),
            Err(Broken::Connection(error)) => {
                let wait = backoff.next();
                tracing::warn!(%path, %error, ?wait, "a file did not arrive whole; fetching it again");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

enum Broken {
    Disk(io::Error),
    Connection(io::Error),
}

/// Writes what arrives, up to the size that was announced; returns its SHA-256.
async fn receive(mut content: FileStream, mut file: File, size: u64) -> Result<String, Broken> {
    let mut hash = Sha256::new();
    let mut received = 0_u64;
    while let Some(bytes) = content.try_next().await.map_err(Broken::Connection)? {
        received += bytes.len() as u64;
        if received > size {
            break;
        }
        hash.update(&bytes);
        file.write_all(&bytes).map_err(Broken::Disk)?;
    }
    if received != size {
        let text = format!("{received} bytes arrived where {size} were announced");
        return Err(Broken::Connection(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            text,
        )));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
