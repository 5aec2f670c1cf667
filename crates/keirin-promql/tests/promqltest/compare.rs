//! Whether an answer is what a script expects. Values may differ by a millionth.

use keirin_model::series::{Labels, Sample};
use keirin_promql::{Series, Value};

use crate::expect::Expectation;
use crate::notation::Point;

const TOLERANCE: f64 = 1e-6;

impl Expectation {
    /// Compares an answer; expected points are at the start and after each step.
    pub(crate) fn check_value(&self, value: &Value, start_ms: i64, step_ms: i64) -> Result<(), String> {
        match value {
            Value::Scalar(sample) => {
                let wanted = self
                    .scalar
                    .ok_or_else(|| format!("it gave the number {}", sample.value))?;
                check_number("the number", wanted, sample.value)
            }
            Value::Text { text, .. } => match &self.text {
                Some(wanted) if wanted == text => Ok(()),
                wanted => Err(format!("it gave the text {text:?} and not {wanted:?}")),
            },
            _ if self.scalar.is_some() => Err("it gave no number".to_owned()),
            Value::Vector(elements) => {
                let given: Vec<_> = elements
                    .iter()
                    .map(|element| (&element.labels, element.sample.value))
                    .collect();
                self.check_vector(&given)
            }
            Value::Matrix(matrix) => self.check_matrix(matrix, start_ms, step_ms),
        }
    }

    fn wanted(&self, labels: &Labels) -> Option<(usize, &[Point])> {
        let position = self.series.iter().position(|(known, _)| known == labels)?;
        Some((position, &self.series[position].1))
    }

    /// Compares the series of a vector, and their order where it matters.
    pub(crate) fn check_vector(&self, given: &[(&Labels, f64)]) -> Result<(), String> {
        for (index, (labels, value)) in given.iter().enumerate() {
            let (position, points) = self
                .wanted(labels)
                .ok_or_else(|| format!("unexpected series {labels} with {value}"))?;
            if self.modifier.ordered && position != index {
                return Err(format!(
                    "{labels} is at place {} and not {}",
                    index + 1,
                    position + 1
                ));
            }
            match points {
                [Point::Float(wanted)] => check_number(&labels.to_string(), *wanted, *value)?,
                _ => return Err(format!("{labels}: one point was expected, not {points:?}")),
            }
        }
        self.check_all_there(given.iter().map(|(labels, _)| *labels))
    }

    fn check_matrix(&self, matrix: &[Series], start_ms: i64, step_ms: i64) -> Result<(), String> {
        if let Some(pair) = matrix.windows(2).find(|pair| pair[0].labels >= pair[1].labels) {
            return Err(format!("{} is not after {}", pair[1].labels, pair[0].labels));
        }
        for series in matrix {
            let given: Vec<Sample> = series.samples.iter().collect();
            let labels = &series.labels;
            let (_, points) = self
                .wanted(labels)
                .ok_or_else(|| format!("unexpected series {labels} with {given:?}"))?;
            let mut wanted = Vec::new();
            for (index, point) in points.iter().enumerate() {
                if let Point::Float(value) = point {
                    let time_ms = start_ms + step_ms * i64::try_from(index).expect("a small script");
                    wanted.push(Sample::new(time_ms, *value));
                }
            }
            if wanted.len() != given.len() {
                return Err(format!(
                    "{labels}: {} points were expected, not {given:?}",
                    wanted.len()
                ));
            }
            for (wanted, given) in wanted.iter().zip(&given) {
                if wanted.time_ms != given.time_ms {
                    return Err(format!(
                        "{labels}: a point at {} was expected, not {given:?}",
                        wanted.time_ms
                    ));
                }
                check_number(
                    &format!("{labels} at {}", given.time_ms),
                    wanted.value,
                    given.value,
                )?;
            }
        }
        self.check_all_there(matrix.iter().map(|series| &series.labels))
    }

    fn check_all_there<'a>(&self, given: impl Iterator<Item = &'a Labels> + Clone) -> Result<(), String> {
        let missing = self
            .series
            .iter()
            .find(|(labels, _)| !given.clone().any(|given| given == labels));
        match missing {
            Some((labels, points)) => Err(format!("{labels} with {points:?} is not there")),
            None => Ok(()),
        }
    }
}

fn check_number(what: &str, wanted: f64, given: f64) -> Result<(), String> {
    if nearly_equal(wanted, given) {
        return Ok(());
    }
    Err(format!("{what}: {wanted} was expected, not {given}"))
}

fn nearly_equal(left: f64, right: f64) -> bool {
    if left == right || (left.is_nan() && right.is_nan()) {
        return true;
    }
    let together = left.abs() + right.abs();
    let difference = (left - right).abs();
    if left == 0.0 || right == 0.0 || together < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / together.min(f64::MAX) < TOLERANCE
}
