//! The files of queries that come with Keirin.

/// Their names and texts.
const FILES: &[(&str, &str)] = &[
    ("keirin", include_str!("../../../../deploy/sql/keirin.sql.yaml")),
    (
        "postgresql",
        include_str!("../../../../deploy/sql/postgresql.sql.yaml"),
    ),
    (
        "postgresql-slow",
        include_str!("../../../../deploy/sql/postgresql-slow.sql.yaml"),
    ),
];

/// The text of the file of this name.
pub fn supplied(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(its_name, _)| *its_name == name)
        .map(|(_, text)| *text)
}
