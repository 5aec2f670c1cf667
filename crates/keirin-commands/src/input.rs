//! What a command is given to read: a file, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, bail};

/// A file as a whole, or standard input where its name is `-`; no more than so many bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub(crate) fn whole(path: &Path, largest: u64) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut content = Vec::new();
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot open {shown}"))?)
    };
    source
        .take(largest + 1)
        .read_to_end(&mut content)
        .with_context(|| format!("cannot read {shown}"))?;
    if content.len() as u64 > largest {
        bail!("{shown} is larger than {largest} bytes");
    }
    Ok(content)
}
