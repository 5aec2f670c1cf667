//! Whether two answers say the same.

use std::collections::BTreeMap;

use keirin_exchange::source::{QueryData, SourceError, SourcePoint};
use keirin_model::series::Labels;

/// Numbers may differ by this part of the larger one, since sums are rounded in another order.
const TOLERANCE: f64 = 1e-9;

/// What came of asking both.
#[derive(Debug, PartialEq)]
pub(super) enum Comparison {
    /// The same answer, with so many points.
    Same(usize),
    /// Neither has an answer.
    BothRefuse,
    /// What 3 does in another way: it takes names away last, and can then tell series apart that 2.42 cannot; and it
    /// refuses pairs that are not one to one even where a comparison would leave them out.
    OtherSince3,
    Differ(String),
}

pub(super) fn compare(ours: Result<QueryData, String>, theirs: Result<QueryData, SourceError>) -> Comparison {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => match same(&ours, &theirs) {
            Ok(points) => Comparison::Same(points),
            Err(reason) => Comparison::Differ(reason),
        },
        (Err(_), Err(SourceError::Refused { .. })) => Comparison::BothRefuse,
        (Ok(_), Err(SourceError::Refused { message, .. })) if message.contains("the same labelset") => {
            Comparison::OtherSince3
        }
        (Err(message), Ok(_)) if message.starts_with("multiple matches for labels") => {
            Comparison::OtherSince3
        }
        (ours, theirs) => Comparison::Differ(format!("{ours:?} here, {theirs:?} there")),
    }
}

fn same(ours: &QueryData, theirs: &QueryData) -> Result<usize, String> {
    let (ours, theirs) = match (ours, theirs) {
        (QueryData::String(ours), QueryData::String(theirs)) if ours == theirs => return Ok(1),
        (QueryData::Scalar(ours), QueryData::Scalar(theirs)) => {
            let single = |point: &SourcePoint| BTreeMap::from([(Labels::default(), vec![point.clone()])]);
            (single(ours), single(theirs))
        }
        (QueryData::Vector(ours), QueryData::Vector(theirs)) => {
            let points = |vector: &[keirin_exchange::source::InstantSeries]| {
                let series = vector.iter().map(|series| {
                    let points = series.value.iter().cloned().collect();
                    (series.metric.clone(), points)
                });
                series.collect::<BTreeMap<_, Vec<_>>>()
            };
            (points(ours), points(theirs))
        }
        (QueryData::Matrix(ours), QueryData::Matrix(theirs)) => {
            let points = |matrix: &[keirin_exchange::source::RangeSeries]| {
                let series = matrix
                    .iter()
                    .map(|series| (series.metric.clone(), series.values.clone()));
                series.collect::<BTreeMap<_, Vec<_>>>()
            };
            (points(ours), points(theirs))
        }
        _ => return Err(format!("{ours:?} here, {theirs:?} there")),
    };
    if let Some(labels) = ours.keys().find(|labels| !theirs.contains_key(*labels)) {
        return Err(format!("{labels} with {:?} is only here", ours[labels]));
    }
    let mut count = 0;
    for (labels, theirs) in &theirs {
        let ours = ours
            .get(labels)
            .ok_or_else(|| format!("{labels} with {theirs:?} is only there"))?;
        let alike =
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| close(ours, theirs));
        if !alike {
            return Err(format!("{labels}: {ours:?} here, {theirs:?} there"));
        }
        count += ours.len();
    }
    Ok(count)
}

fn close(ours: &SourcePoint, theirs: &SourcePoint) -> bool {
    let (Some(left), Some(right)) = (ours.number(), theirs.number()) else {
        return false;
    };
    let difference = (left - right).abs();
    ours.time_ms == theirs.time_ms
        && (left == right
            || (left.is_nan() && right.is_nan())
            || difference <= TOLERANCE * left.abs().max(right.abs()))
}
