//! Merging new samples into the chunks of a series.

use keirin_store::series::SampleChunkRow;

use super::StorageError;
use super::write::SampleColumns;
use crate::chunk;

/// What happens where there is a sample at the same time already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The new one counts.
    Set,
    /// They are added up.
    Add,
}

/// What a merge changes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Merged {
    /// The chunks that are replaced, by series and first time.
    pub(super) old: Vec<(i64, i64)>,
    /// Those in their place.
    pub(super) new: Vec<SampleChunkRow>,
}

/// Merges samples, whose times rise, into the chunks that they fall into. `chunks` are all that reach into the samples'
/// time, and the last one before it, in order. A chunk that is full and that no sample falls into stays as it is.
pub(super) fn merge(
    series: i64,
    chunks: &[SampleChunkRow],
    samples: &SampleColumns,
    how: How,
    merged: &mut Merged,
) -> Result<(), StorageError> {
    let Some(first) = samples.times_ms.first() else {
        return Ok(());
    };
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for row in chunks {
        if row.last_ms < *first && row.samples >= chunk::SAMPLES {
            continue;
        }
        merged.old.push((series, row.first_ms));
        chunk::decode(&row.body, row.samples, &mut times, &mut values)
            .map_err(|damage| StorageError::Damaged(damage, series))?;
    }
    let (times, values) = if times.last().is_none_or(|last| last < first) {
        times.extend_from_slice(&samples.times_ms);
        values.extend_from_slice(&samples.values);
        (times, values)
    } else {
        interleave(&times, &values, samples, how)
    };
    for (times, values) in times.chunks(chunk::SAMPLES).zip(values.chunks(chunk::SAMPLES)) {
        merged.new.push(SampleChunkRow {
            series,
            first_ms: times[0],
            last_ms: times[times.len() - 1],
            samples: times.len(),
            body: chunk::encode(times, values),
        });
    }
    // A chunk of the same first time is overwritten, so it need not be removed first.
    let kept: std::collections::HashSet<_> =
        merged.new.iter().map(|row| (row.series, row.first_ms)).collect();
    merged.old.retain(|key| !kept.contains(key));
    // Zeros that are added, and samples that come a second time, change nothing.
    merged.new.retain(|row| {
        let old = chunks.binary_search_by_key(&row.first_ms, |chunk| chunk.first_ms);
        !old.is_ok_and(|at| chunks[at] == *row)
    });
    Ok(())
}

/// What of a chunk is before a time; it begins before it.
pub(super) fn cut_off(chunk: SampleChunkRow, until_ms: i64) -> Result<SampleChunkRow, StorageError> {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    chunk::decode(&chunk.body, chunk.samples, &mut times, &mut values)
        .map_err(|damage| StorageError::Damaged(damage, chunk.series))?;
    let samples = times.partition_point(|time| *time < until_ms);
    times.truncate(samples);
    values.truncate(samples);
    Ok(SampleChunkRow {
        last_ms: times.last().copied().unwrap_or(chunk.first_ms),
        samples,
        body: chunk::encode(&times, &values),
        ..chunk
    })
}

fn interleave(times: &[i64], values: &[f64], samples: &SampleColumns, how: How) -> (Vec<i64>, Vec<f64>) {
    let total = times.len() + samples.times_ms.len();
    let (mut all_times, mut all_values) = (Vec::with_capacity(total), Vec::with_capacity(total));
    let (mut old, mut new) = (0, 0);
    while old < times.len() || new < samples.times_ms.len() {
        let old_time = times.get(old).copied().unwrap_or(i64::MAX);
        let new_time = samples.times_ms.get(new).copied().unwrap_or(i64::MAX);
        let takes_old = old < times.len() && (new == samples.times_ms.len() || old_time <= new_time);
        let takes_new = new < samples.times_ms.len() && (old == times.len() || new_time <= old_time);
        all_times.push(old_time.min(new_time));
        all_values.push(match (takes_old, takes_new, how) {
            (true, true, How::Add) => values[old] + samples.values[new],
            (_, true, _) => samples.values[new],
            _ => values[old],
        });
        old += usize::from(takes_old);
        new += usize::from(takes_new);
    }
    (all_times, all_values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The chunks of one series as the database would keep them.
    fn apply(kept: &mut BTreeMap<i64, SampleChunkRow>, samples: &SampleColumns, how: How) {
        let (first, last) = (samples.times_ms[0], samples.times_ms[samples.times_ms.len() - 1]);
        let begin = kept
            .range(..=first)
            .next_back()
            .map_or(first, |(first, _)| *first);
        let reached: Vec<_> = kept.range(begin..=last).map(|(_, row)| row.clone()).collect();
        let mut merged = Merged::default();
        merge(1, &reached, samples, how, &mut merged).expect("chunks can be read");
        for (_, first) in &merged.old {
            kept.remove(first);
        }
        for row in merged.new {
            kept.insert(row.first_ms, row);
        }
    }

    fn all(kept: &BTreeMap<i64, SampleChunkRow>) -> Vec<(i64, f64)> {
        let (mut times, mut values) = (Vec::new(), Vec::new());
        for row in kept.values() {
            assert!(row.samples <= chunk::SAMPLES);
            chunk::decode(&row.body, row.samples, &mut times, &mut values).expect("chunks can be read");
            assert_eq!(times.last(), Some(&row.last_ms));
        }
        times.into_iter().zip(values).collect()
    }

    proptest! {
        #[test]
        fn the_series_is_what_was_written_to_it_in_any_order(
            writes in prop::collection::vec(prop::collection::btree_map(0_i64..2000, -9_i32..9, 1..300), 1..6),
            adds in any::<bool>(),
        ) {
            let how = if adds { How::Add } else { How::Set };
            let (mut kept, mut expected) = (BTreeMap::new(), BTreeMap::<i64, f64>::new());
            for write in &writes {
                let samples = SampleColumns {
                    times_ms: write.keys().copied().collect(),
                    values: write.values().map(|value| f64::from(*value)).collect(),
                };
                apply(&mut kept, &samples, how);
                for (time, value) in write {
                    let entry = expected.entry(*time).or_insert(0.0);
                    *entry = if adds { *entry } else { 0.0 } + f64::from(*value);
                }
            }
            prop_assert_eq!(all(&kept), expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_changes_nothing_is_not_written_again() {
        let mut kept = BTreeMap::new();
        let samples = SampleColumns {
            times_ms: (0..150).collect(),
            values: vec![1.0; 150],
        };
        apply(&mut kept, &samples, How::Set);
        let rows: Vec<_> = kept.values().cloned().collect();
        assert_eq!(rows.len(), 2);
        let merged = |samples: &SampleColumns, how| {
            let mut merged = Merged::default();
            merge(1, &rows, samples, how, &mut merged).expect("chunks can be read");
            merged
        };
        assert_eq!(merged(&samples, How::Set), Merged::default());
        let zeros = SampleColumns {
            values: vec![0.0; 150],
            ..samples.clone()
        };
        assert_eq!(merged(&zeros, How::Add), Merged::default());
        let one = SampleColumns {
            times_ms: vec![130],
            values: vec![1.0],
        };
        let changed = merged(&one, How::Add);
        assert_eq!((changed.old.len(), changed.new.len()), (0, 1));
        assert_eq!(changed.new[0].first_ms, 120);
    }

    #[test]
    fn a_full_chunk_is_not_touched_by_what_comes_after_it() {
        let mut kept = BTreeMap::new();
        let full = SampleColumns {
            times_ms: (0..120).collect(),
            values: vec![1.0; 120],
        };
        apply(&mut kept, &full, How::Set);
        let rows: Vec<_> = kept.values().cloned().collect();
        let mut merged = Merged::default();
        let next = SampleColumns {
            times_ms: vec![120],
            values: vec![2.0],
        };
        merge(1, &rows, &next, How::Set, &mut merged).expect("chunks can be read");
        assert!(merged.old.is_empty());
        assert_eq!(merged.new.len(), 1);
        assert_eq!((merged.new[0].first_ms, merged.new[0].samples), (120, 1));
    }
}
