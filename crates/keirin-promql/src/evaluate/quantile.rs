//! Quantiles of values.

/// The quantile of these values, which are sorted on the way: what is not a number counts as the smallest, and between
/// two values their weighted mean is taken.
pub(super) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|left, right| {
        right
            .is_nan()
            .cmp(&left.is_nan())
            .then_with(|| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal))
    });
    let last = values.len() - 1;
    let rank = quantile * last as f64;
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The text of the warning about a quantile that is none.
pub(super) fn invalid(quantile: f64) -> Option<String> {
    if (0.0..=1.0).contains(&quantile) {
        return None;
    }
    let shown = crate::syntax::format::decimal(quantile);
    Some(format!("quantile value should be between 0 and 1, got {shown}"))
}
