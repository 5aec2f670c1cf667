//! Sums whose error stays small however many values of however different size they have.

/// A sum and what rounding has lost of it (Kahan's summation with Neumaier's improvement).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) sum: f64,
    pub(super) lost: f64,
}

impl Sum {
    /// A sum of one value.
    pub(super) const fn of(value: f64) -> Self {
        Self {
            sum: value,
            lost: 0.0,
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - sum) + value;
        } else {
            self.lost += (value - sum) + self.sum;
        }
        self.sum = sum;
    }

    pub(super) fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// A mean: of the sum as long as that is finite, else taken step by step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mean {
    /// Of all values, or the mean of them once stepwise.
    sum: Sum,
    count: f64,
    stepwise: bool,
}

impl Mean {
    /// The mean of one value.
    pub(super) const fn of(value: f64) -> Self {
        Self {
            sum: Sum::of(value),
            count: 1.0,
            stepwise: false,
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.stepwise {
            let mut sum = self.sum;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.sum = sum;
                return;
            }
            self.stepwise = true;
            self.sum.sum /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        self.sum.sum *= share;
        self.sum.lost *= share;
        self.sum.add(value / self.count);
    }

    pub(super) fn mean(self) -> f64 {
        if self.stepwise {
            self.sum.total()
        } else {
            self.sum.sum / self.count + self.sum.lost / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_survive_beside_huge_ones() {
        let mut sum = Sum::default();
        for value in [2.0, 8.0, 1e100, -1e100] {
            sum.add(value);
        }
        assert_eq!(sum.total(), 10.0);
    }

    #[test]
    fn a_mean_does_not_overflow_where_its_sum_does() {
        let mut mean = Mean::of(f64::MAX);
        mean.add(f64::MAX);
        mean.add(f64::MAX);
        assert!((mean.mean() / f64::MAX - 1.0).abs() < 1e-12);
    }
}
