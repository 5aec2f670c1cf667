//! `artifacts`: keeps files of the workspace with the flow, and brings kept files back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

use futures::{StreamExt, TryStreamExt, stream};
use keirin_model::plan::Artifacts;
use keirin_wire::agent::Kept;
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use super::error::ToolError;
use super::matching::{Found, PassedOver, Patterns, Unusable};
use super::{count, name_passed_over, on_disk};
use crate::backoff::Backoff;
use crate::files::{RelativePath, Tree};
use crate::server::{CallError, FileStream, Trouble};
use crate::step::StepContext;

/// Keeps the files that match, and names what matches and cannot be kept.
pub(super) async fn upload(context: &StepContext<'_>, patterns: &[String]) -> Result<(), ToolError> {
    let patterns = Patterns::parse(patterns)?;
    let limits = context.job.config.limits;
    let root = context.workspace().work().to_owned();
    let found = on_disk(move || Ok((patterns.find(&root, limits.artifact_files)?, patterns)));
    let (matches, patterns) = found.await?;
    let (files, odd) = matches.files.into_iter().partition::<Vec<_>, _>(has_plain_name);
    let mut passed_over = matches.passed_over;
    passed_over.extend(odd.into_iter().map(|found| PassedOver {
        path: found.path.to_string().escape_debug().to_string(),
        reason: Unusable::OddName,
    }));
    name_passed_over(context, "Not kept", &passed_over);
    match (files.is_empty(), passed_over.is_empty()) {
        (true, true) => return Err(patterns.nothing()),
        (true, false) => return Err(patterns.nothing_usable()),
        (false, _) => {}
    }
    let tree = context.workspace().files();
    let mut bytes = 0_u64;
    let mut backoff = context.backoff();
    for Found { path, source } in &files {
        let size = open(&tree, source)?.size;
        bytes = bytes.saturating_add(size);
        if bytes > limits.artifact_bytes {
            return Err(ToolError::TooManyBytes {
                limit: limits.artifact_bytes,
            });
        }
        keep(context, &tree, path, source, size, &mut backoff).await?;
        context.say(&format!("Kept {path} ({size} bytes)"));
    }
    let kept = count(files.len() as u64, "file");
    context.say(&match passed_over.len() {
        0 => format!("Kept {kept}, {bytes} bytes"),
        passed_over => format!("Kept {kept}, {bytes} bytes; {passed_over} not kept, named above"),
    });
    Ok(())
}

/// Whether the server takes a file of this name.
fn has_plain_name(found: &Found) -> bool {
    let is_odd = |character: char| character.is_control() || character == '\\';
    !found.path.as_str().contains(is_odd)
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
    let within = context.job.config.patience.upload;
    let mut trouble = Trouble::default();
    loop {
        let opened = open(tree, source)?;
        if opened.size != size {
            return Err(changed());
        }
        let (executable, content) = (opened.is_executable, content(opened.file, size));
        let answer = context
            .job
            .server
            .keep(context.job.lease, path.as_str(), size, executable, content)
            .await;
        match answer {
            Err(error @ (CallError::Unreachable { .. } | CallError::Failing { .. })) => {
                let is_over = trouble.is_over(&error, within);
                let reason = match error {
                    CallError::Failing { reason } => reason,
                    away => away.to_string(),
                };
                let reason = without_stop(&reason);
                if is_over {
                    let path = path.to_string();
                    return Err(ToolError::NotTaken { path, within, reason });
                }
                if trouble.is_news(&reason) {
                    context.say(&format!("Not kept yet: `{path}`: {reason}. Sending it again."));
                }
                tokio::time::sleep(backoff.next()).await;
            }
            answer => {
                backoff.reset();
                return Ok(answer?);
            }
        }
    }
}

/// A sentence to be gone on with.
fn without_stop(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}

/// A file that is open for reading.
struct Opened {
    file: File,
    size: u64,
    is_executable: bool,
}

fn open(tree: &Tree, path: &RelativePath) -> Result<Opened, ToolError> {
    let file = tree.open(path).map_err(ToolError::disk("read", path))?;
    if !tree
        .is_the_steps(&file)
        .map_err(ToolError::disk("look at", path))?
    {
        return Err(ToolError::NotTheSteps {
            path: path.to_string(),
        });
    }
    let metadata = file.metadata().map_err(ToolError::disk("look at", path))?;
    Ok(Opened {
        file,
        size: metadata.len(),
        is_executable: metadata.mode() & 0o100 != 0,
    })
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
    from: &[String],
    destination: Option<&str>,
) -> Result<(), ToolError> {
    let limits = context.job.config.limits;
    let destination = RelativePath::parse(destination.unwrap_or("."))?;
    let mut backoff = context.backoff();
    let parsed = Patterns::parse(patterns)?;
    let kept = context
        .until_answered(&mut backoff, || context.job.server.kept(context.job.lease))
        .await?;
    let wanted = choose(kept, &parsed, from)?;
    if wanted.is_empty() {
        return Err(ToolError::NothingKept {
            patterns: patterns.to_vec(),
            from: from.to_vec(),
        });
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
    let tree = context.workspace().files();
    for (path, file) in &wanted {
        fetch(context, &tree, &path.below(&destination), file, &mut backoff).await?;
        context.say(&format!("Brought back {path} ({} bytes)", file.size));
    }
    Ok(())
}

/// The files that are meant, by path. A path that several jobs keep with different content is an error: any choice among
/// them would be a guess.
fn choose(
    kept: Vec<Kept>,
    patterns: &Patterns,
    from: &[String],
) -> Result<BTreeMap<RelativePath, Kept>, ToolError> {
    let mut wanted: BTreeMap<RelativePath, Vec<Kept>> = BTreeMap::new();
    for file in kept {
        // What the server lists is checked like anything from outside.
        let path = RelativePath::parse(&file.path)?;
        let is_from = |job: &String| Artifacts::is_from(job, &file.stage, &file.job);
        if patterns.matches(&path) && (from.is_empty() || from.iter().any(is_from)) {
            wanted.entry(path).or_default().push(file);
        }
    }
    let mut chosen = BTreeMap::new();
    for (path, mut files) in wanted {
        let Some(last) = files.pop() else { continue };
        let is_same = |file: &Kept| file.sha256 == last.sha256 && file.executable == last.executable;
        if !files.iter().all(is_same) {
            files.push(last);
            let mut jobs: Vec<String> = files
                .iter()
                .map(|file| format!("{}/{}", file.stage, file.job))
                .collect();
            jobs.sort();
            return Err(ToolError::KeptBySeveral {
                path: path.to_string(),
                jobs,
            });
        }
        chosen.insert(path, last);
    }
    Ok(chosen)
}

async fn fetch(
    context: &StepContext<'_>,
    tree: &Tree,
    path: &RelativePath,
    kept: &Kept,
    backoff: &mut Backoff,
) -> Result<(), ToolError> {
    loop {
        let content = context
            .until_answered(backoff, || {
                context.job.server.fetch_kept(context.job.lease, kept.id)
            })
            .await?;
        let file = tree.create(path).map_err(ToolError::disk("write", path))?;
        if kept.executable {
            Tree::make_executable(&file).map_err(ToolError::disk("write", path))?;
        }
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
                context.say(&format!(
                    "`{path}` did not arrive whole: {error}. Fetching it again."
                ));
                tokio::time::sleep(backoff.next()).await;
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
