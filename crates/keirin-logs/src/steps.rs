//! The index of steps: where the lines of each lie.

use std::collections::HashMap;

use keirin_wire::log::{StepLines, Stream, TaggedLines};

use crate::error::LogError;

/// Steps that one log may have: far more than a job has, and few enough to be written with each chunk.
const STEPS: usize = 1000;

/// Brings the index of a log up to date with runs that begin at `first_line`.
pub(crate) fn extend(
    steps: &mut Vec<StepLines>,
    first_line: u64,
    runs: &[TaggedLines],
) -> Result<(), LogError> {
    let mut places: HashMap<Option<u16>, usize> = steps
        .iter()
        .enumerate()
        .map(|(place, lines)| (lines.step, place))
        .collect();
    let mut line = first_line;
    for run in runs {
        let place = *places.entry(run.tag.step).or_insert(steps.len());
        if place == STEPS {
            return Err(LogError::TooManySteps { limit: STEPS });
        }
        if place == steps.len() {
            let step = run.tag.step;
            steps.push(StepLines {
                step,
                first_line: line,
                next_line: line,
                lines: 0,
                first_error: None,
            });
        }
        let known = &mut steps[place];
        if run.tag.stream == Stream::Error {
            known.first_error.get_or_insert(line);
        }
        line += u64::from(run.lines);
        known.next_line = line;
        known.lines += u64::from(run.lines);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use keirin_wire::log::LineTag;

    use super::*;

    fn run(lines: u32, step: Option<u16>, stream: Stream) -> TaggedLines {
        TaggedLines {
            lines,
            tag: LineTag {
                step,
                stream,
                cut: false,
            },
        }
    }

    #[test]
    fn steps_are_found_by_their_lines() {
        let mut steps = Vec::new();
        extend(
            &mut steps,
            0,
            &[run(2, None, Stream::Agent), run(3, Some(0), Stream::Output)],
        )
        .unwrap();
        let more = [
            run(1, Some(0), Stream::Error),
            run(1, None, Stream::Agent),
            run(4, Some(0), Stream::Error),
        ];
        extend(&mut steps, 5, &more).unwrap();
        let none = StepLines {
            step: None,
            first_line: 0,
            next_line: 7,
            lines: 3,
            first_error: None,
        };
        let first = StepLines {
            step: Some(0),
            first_line: 2,
            next_line: 11,
            lines: 8,
            first_error: Some(5),
        };
        assert_eq!(steps, [none, first]);
    }

    #[test]
    fn there_is_an_end_to_the_number_of_steps() {
        let runs: Vec<TaggedLines> = (0..1001).map(|step| run(1, Some(step), Stream::Output)).collect();
        let mut steps = Vec::new();
        extend(&mut steps, 0, &runs[..1000]).unwrap();
        assert!(matches!(
            extend(&mut steps, 1000, &runs),
            Err(LogError::TooManySteps { limit: 1000 })
        ));
    }
}
