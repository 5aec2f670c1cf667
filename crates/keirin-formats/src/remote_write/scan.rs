//! Counts the parts of a message before memory is taken for them: a part of two bytes becomes one of fifty.

use crate::protobuf::for_each_field;

/// What a message holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) series: usize,
    pub(super) samples: usize,
    pub(super) metadata: usize,
}

/// Counts what a write request holds; `None` where it is not one.
pub(super) fn counts(request: &[u8]) -> Option<Counts> {
    let mut counts = Counts::default();
    for_each_field(request, |tag, content| {
        match tag {
            1 => {
                counts.series += 1;
                for_each_field(content, |tag, _| {
                    counts.samples += usize::from(tag == 2);
                    Some(())
                })?;
            }
            3 => counts.metadata += 1,
            _ => {}
        }
        Some(())
    })?;
    Some(counts)
}
