//! A line as values.

/// What was measured at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InfluxPoint {
    /// Of what.
    pub measurement: String,
    /// What tells it from others, in the order of the line.
    pub tags: Vec<(String, String)>,
    /// What was found, at least one, in the order of the line.
    pub fields: Vec<(String, FieldValue)>,
    /// In the precision that goes with the lines; `None` where the line leaves it to whoever reads.
    pub time: Option<i64>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// `1.5`
    Float(f64),
    /// `1i`
    Integer(i64),
    /// `1u`
    Unsigned(u64),
    /// `t`, `true`, `f`, `false`
    Boolean(bool),
    /// `"text"`
    Text(String),
}
