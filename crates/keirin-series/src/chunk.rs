//! Chunks: the samples of one series over a time range, in few bytes.
//!
//! A chunk is a form in one byte, the times, the values. Times are the first one and then what the step differs from the
//! step before (zero for whoever scrapes on time). Values that are whole numbers once multiplied by a power of ten, as
//! most are, are written as such numbers in the same way; others by the bytes in which they differ from the value
//! before. All numbers are of as many bytes as they need, and a run of zeros is one number, so that a steady series
//! costs nearly nothing. No part is squeezed into single bits: that would save little here and cost time at each reading.

/// How many samples a chunk holds at most.
pub(crate) const SAMPLES: usize = 120;

/// The form of values that are written by the bytes in which they differ. Smaller forms are powers of ten.
const BYTES: u8 = 0xff;
/// The highest power of ten that is tried.
const POWERS: u8 = 6;
/// Whole numbers above this are not all exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A chunk that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a chunk of samples is damaged: {0}")]
pub struct DamagedChunk(&'static str);

/// Writes samples down. There is at least one, and times rise.
pub(crate) fn encode(times_ms: &[i64], values: &[f64]) -> Vec<u8> {
    debug_assert_eq!(times_ms.len(), values.len());
    let mut body = Vec::with_capacity(16 + times_ms.len() * 2);
    match as_numbers(values) {
        Some((power, numbers)) => {
            body.push(power);
            write_steps(&mut body, times_ms);
            write_steps(&mut body, &numbers);
        }
        None => {
            body.push(BYTES);
            write_steps(&mut body, times_ms);
            write_bytes(&mut body, values);
        }
    }
    body
}

/// Reads so many samples, and appends them.
///
/// # Errors
/// The bytes are not what [`encode`] wrote for so many samples.
pub(crate) fn decode(
    body: &[u8],
    samples: usize,
    times_ms: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), DamagedChunk> {
    let (form, rest) = body.split_first().ok_or(DamagedChunk("it is empty"))?;
    let mut reader = Reader(rest);
    times_ms.reserve(samples);
    values.reserve(samples);
    reader.steps(samples, |time| times_ms.push(time))?;
    if *form == BYTES {
        reader.bytes(samples, values)?;
    } else if *form == 0 {
        reader.steps(samples, |number| values.push(number as f64))?;
    } else if *form <= POWERS {
        let scale = 10_f64.powi(i32::from(*form));
        reader.steps(samples, |number| values.push(number as f64 / scale))?;
    } else {
        return Err(DamagedChunk("its form is unknown"));
    }
    if reader.0.is_empty() {
        Ok(())
    } else {
        Err(DamagedChunk("something follows its end"))
    }
}

/// The values as whole numbers, multiplied by the smallest power of ten that makes all of them whole. None where no
/// power does, or where one of them could not be had back to the bit.
fn as_numbers(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut power = 0;
    let mut numbers = Vec::with_capacity(values.len());
    let mut next = 0;
    while let Some(value) = values.get(next) {
        let scale = 10_f64.powi(i32::from(power));
        let number = (value * scale).round();
        let whole = number as i64;
        // Zero has a sign, which a whole number loses.
        let same = number.abs() < EXACT && (whole as f64 / scale).to_bits() == value.to_bits();
        if same {
            numbers.push(whole);
            next += 1;
        } else if power < POWERS && value.is_finite() {
            power += 1;
            numbers.clear();
            next = 0;
        } else {
            return None;
        }
    }
    Some((power, numbers))
}

/// The first number, and then by how much each step differs from the one before. A zero is followed by how many more
/// zeros follow.
fn write_steps(body: &mut Vec<u8>, numbers: &[i64]) {
    let (mut before, mut step) = (0_i64, 0_i64);
    let mut zeros: Option<u64> = None;
    for number in numbers {
        let next = number.wrapping_sub(before);
        let change = next.wrapping_sub(step);
        (before, step) = (*number, next);
        if change == 0 {
            zeros = Some(zeros.map_or(0, |zeros| zeros + 1));
            continue;
        }
        write_zeros(body, &mut zeros);
        write_number(body, zigzag(change));
    }
    write_zeros(body, &mut zeros);
}

fn write_zeros(body: &mut Vec<u8>, zeros: &mut Option<u64>) {
    if let Some(more) = zeros.take() {
        body.push(0);
        write_number(body, more);
    }
}

/// For each value a byte that says how many zero bytes the difference has at its end and how many bytes follow, and
/// these bytes. The difference is by "exclusive or" with the value before.
fn write_bytes(body: &mut Vec<u8>, values: &[f64]) {
    let mut before = 0_u64;
    for value in values {
        let difference = value.to_bits() ^ before;
        before = value.to_bits();
        let trailing = if difference == 0 {
            0
        } else {
            difference.trailing_zeros() / 8
        };
        let bytes = 8 - difference.leading_zeros() / 8 - trailing;
        let bytes = if difference == 0 { 0 } else { bytes };
        // Both are at most 8, and 8 bytes leave no zero byte, so they fit in half a byte each.
        body.push((trailing << 4 | bytes) as u8);
        let shifted = (difference >> (trailing * 8)).to_le_bytes();
        body.extend_from_slice(&shifted[..bytes as usize]);
    }
}

fn write_number(body: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        body.push(number as u8 | 0x80);
        number >>= 7;
    }
    body.push(number as u8);
}

/// Small numbers of either sign as small numbers.
fn zigzag(number: i64) -> u64 {
    (number.wrapping_shl(1) ^ (number >> 63)) as u64
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, DamagedChunk> {
        let (byte, rest) = self.0.split_first().ok_or(DamagedChunk("it ends too early"))?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, DamagedChunk> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(DamagedChunk("a number in it is too long"))
    }

    fn steps(&mut self, count: usize, mut take: impl FnMut(i64)) -> Result<(), DamagedChunk> {
        let (mut before, mut step) = (0_i64, 0_i64);
        let mut read = 0;
        while read < count {
            let change = self.number()?;
            let mut repeat = 1;
            if change == 0 {
                let more = usize::try_from(self.number()?).unwrap_or(usize::MAX);
                repeat = more.saturating_add(1);
                if repeat > count - read {
                    return Err(DamagedChunk("it holds more than it says"));
                }
            }
            step = step.wrapping_add((change >> 1) as i64 ^ -((change & 1) as i64));
            for _ in 0..repeat {
                before = before.wrapping_add(step);
                take(before);
            }
            read += repeat;
        }
        Ok(())
    }

    fn bytes(&mut self, count: usize, values: &mut Vec<f64>) -> Result<(), DamagedChunk> {
        let mut before = 0_u64;
        for _ in 0..count {
            let head = self.byte()?;
            let (trailing, length) = (u32::from(head >> 4), usize::from(head & 0xf));
            if trailing as usize + length > 8 || self.0.len() < length {
                return Err(DamagedChunk("a value in it is damaged"));
            }
            let (bytes, rest) = self.0.split_at(length);
            self.0 = rest;
            let mut difference = [0; 8];
            difference[..length].copy_from_slice(bytes);
            // No bytes mean no difference, whatever the shift.
            let difference = u64::from_le_bytes(difference)
                .checked_shl(trailing * 8)
                .unwrap_or(0);
            before ^= difference;
            values.push(f64::from_bits(before));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use keirin_model::series::Sample;
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(times: &[i64], values: &[f64]) -> usize {
        let body = encode(times, values);
        let (mut read_times, mut read_values) = (Vec::new(), Vec::new());
        decode(&body, times.len(), &mut read_times, &mut read_values).expect("what was written can be read");
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(read_times, times);
        assert_eq!(bits(&read_values), bits(values));
        body.len()
    }

    fn every_15_seconds(count: i64) -> Vec<i64> {
        (0..count)
            .map(|index| 1_700_000_000_000 + index * 15_000)
            .collect()
    }

    #[test]
    fn a_steady_series_costs_nearly_nothing() {
        let times = every_15_seconds(120);
        assert!(there_and_back(&times, &[0.0; 120]) < 32);
        let counter: Vec<f64> = (0..120).map(|index| f64::from(index * 7)).collect();
        assert!(there_and_back(&times, &counter) < 32);
    }

    #[test]
    fn a_counter_costs_two_bytes_a_sample() {
        let mut total = 0_u32;
        let counter: Vec<f64> = (0_u32..120)
            .map(|index| {
                total += index.wrapping_mul(2_654_435_761) >> 22;
                f64::from(total)
            })
            .collect();
        assert!(there_and_back(&every_15_seconds(120), &counter) < 270);
    }

    #[test]
    fn decimals_are_numbers_too() {
        let values: Vec<f64> = (0..120).map(|index| f64::from(index % 17) / 100.0).collect();
        assert!(there_and_back(&every_15_seconds(120), &values) < 200);
    }

    #[test]
    fn what_is_no_number_survives() {
        let values = [
            1.0,
            f64::NAN,
            f64::INFINITY,
            -0.0,
            Sample::stale(0).value,
            f64::MIN_POSITIVE,
        ];
        there_and_back(&every_15_seconds(6), &values);
        there_and_back(&[i64::MIN, -1, i64::MAX], &[-0.0, 1e300, -1e-300]);
        there_and_back(&[1, 2], &[-0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn whatever_is_written_can_be_read(
            samples in prop::collection::vec((any::<i64>(), prop_oneof![any::<f64>(), (-1000_i32..1000).prop_map(|n| f64::from(n) / 8.0)]), 1..200)
        ) {
            let (times, values): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
            there_and_back(&times, &values);
        }

        #[test]
        fn no_bytes_break_the_reader(body in prop::collection::vec(any::<u8>(), 0..300), samples in 0_usize..500) {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            if decode(&body, samples, &mut times, &mut values).is_ok() {
                prop_assert_eq!(times.len(), samples);
                prop_assert_eq!(values.len(), samples);
            }
        }
    }
}
