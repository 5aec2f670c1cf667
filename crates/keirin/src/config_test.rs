//! `docs/configuration.md` is made from the fields that the configuration has, with what is said of them there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{Config, fields};

/// The source text that holds the fields.
const SOURCE: &str = include_str!("config.rs");

/// What stands above the table.
const HEAD: &str = "\
# Configuration

<!-- Made from the code by a test: KEIRIN_UPDATE=1 cargo test -p keirin config -->

What a server takes from `keirin.toml` in the folder that it is started in (`--config FILE` names another), from the
environment, and from the flags that `keirin serve --help` lists. A flag stands above the environment, the environment above
the file, the file above the default. A key that is not in this table is an error. `keirin admin config` shows every value in
force and where it came from, without secrets; `keirin admin doctor` tries what is set.

```toml
listen = \"127.0.0.1:8460\"
external_url = \"https://ci.example.org/keirin\"
log = \"info,keirin_git=debug\"

[agent]
memory_limit = \"4G\"
```

Keys of `[agent]` are written with it here. `targets`, `sql`, `sources` and `forward` are lists of tables, told in
[measuring.md](measuring.md), and can stand in the file alone.

| key | in the environment | default | what it sets |
|---|---|---|---|
";

#[test]
fn the_page_of_the_configuration_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let made = page();
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test says so by the environment, and gets the page written"
    )]
    let kept = {
        if std::env::var("KEIRIN_UPDATE").is_ok() {
            std::fs::write(&path, &made).unwrap();
        }
        std::fs::read_to_string(&path).unwrap_or_default()
    };
    assert!(
        kept == made,
        "docs/configuration.md is not what the code says; run this test with KEIRIN_UPDATE=1"
    );
}

fn page() -> String {
    let documented = documented();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let mut page = HEAD.to_owned();
    for key in fields() {
        let docs = documented
            .get(&key)
            .unwrap_or_else(|| panic!("nothing is said of `{key}`"));
        let default = &defaults.pointer(&format!("/{}", key.replace('.', "/"))).unwrap();
        let is_table = ["targets", "sql", "sources", "forward"].contains(&key.as_str());
        let variable = match is_table {
            true => "–".to_owned(),
            false => format!("`KEIRIN_{}`", key.replace('.', "_").to_ascii_uppercase()),
        };
        let docs = docs.replace('|', "\\|");
        writeln!(page, "| `{key}` | {variable} | {} | {docs} |", shown(default)).unwrap();
    }
    page
}

fn shown(default: &serde_json::Value) -> String {
    match default {
        serde_json::Value::Null => "–".to_owned(),
        serde_json::Value::Array(items) if items.is_empty() => "none".to_owned(),
        serde_json::Value::String(text) => format!("`{text}`"),
        value => format!("`{value}`"),
    }
}

/// What the source says of each field, by its key.
fn documented() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let structs = [
        ("pub(crate) struct Config {", ""),
        ("pub(crate) struct AgentSettings {", "agent."),
    ];
    for (head, prefix) in structs {
        let (_, body) = SOURCE.split_once(head).unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        let mut docs: Vec<&str> = Vec::new();
        for line in body.lines().map(str::trim) {
            if let Some(said) = line.strip_prefix("/// ") {
                docs.push(said);
            } else if let Some((name, _)) = line
                .strip_prefix("pub(crate) ")
                .and_then(|field| field.split_once(':'))
            {
                found.insert(format!("{prefix}{name}"), std::mem::take(&mut docs).join(" "));
            }
        }
    }
    found
}
