//! A series as a line of small bars.

/// From the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values at equal distances as one bar each, at most so many: with more, neighbours share a bar that shows their mean.
/// What has no value is a gap. Bars stand on zero unless a value lies below it.
pub(super) fn sparkline(values: &[Option<f64>], most: usize) -> String {
    let share = values.len().div_ceil(most.max(1)).max(1);
    let means: Vec<Option<f64>> = values.chunks(share).map(mean).collect();
    let finite = || means.iter().flatten().copied();
    let lowest = finite().fold(0.0, f64::min);
    let highest = finite().fold(lowest, f64::max);
    means
        .iter()
        .map(|mean| match mean {
            None => ' ',
            Some(_) if highest <= lowest => BARS[0],
            Some(value) => {
                let height = (value - lowest) / (highest - lowest) * (BARS.len() - 1) as f64;
                BARS[(height.round() as usize).min(BARS.len() - 1)]
            }
        })
        .collect()
}

/// Of the values that are finite numbers.
fn mean(values: &[Option<f64>]) -> Option<f64> {
    let finite: Vec<f64> = values
        .iter()
        .flatten()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[f64]) -> String {
        let values: Vec<_> = values.iter().map(|value| Some(*value)).collect();
        sparkline(&values, 40)
    }

    #[test]
    fn bars_stand_on_zero() {
        assert_eq!(drawn(&[0.0, 1.0, 2.0, 3.5, 7.0]), "▁▂▃▅█");
        assert_eq!(drawn(&[7.0, 7.0]), "██", "what does not change is not nothing");
        assert_eq!(drawn(&[0.0, 0.0]), "▁▁");
        assert_eq!(drawn(&[-7.0, 0.0]), "▁█");
    }

    #[test]
    fn what_is_not_there_is_a_gap() {
        assert_eq!(
            sparkline(&[Some(1.0), None, Some(f64::NAN), Some(1.0)], 40),
            "█  █"
        );
        assert_eq!(sparkline(&[], 40), "");
    }

    #[test]
    fn neighbours_share_a_bar_where_there_are_many() {
        let values: Vec<_> = (0..100).map(|value| Some(f64::from(value))).collect();
        assert_eq!(sparkline(&values, 10).chars().count(), 10);
    }
}
