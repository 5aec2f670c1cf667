//! `keirin admin config`: what is set, and where it came from.

use clap::Args;
use figment::Source;
use figment::value::Value;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use serde::Serialize;
use url::Url;

use super::place::configuration;
use crate::config::{ConfigFlags, fields};

/// What stands in place of a secret.
const MASK: &str = "***";

/// Shows what is set for a server here, and where each value came from
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    flags: ConfigFlags,
}

/// A key with its value in force.
#[derive(Debug, Serialize)]
struct Setting {
    key: String,
    value: serde_json::Value,
    origin: Origin,
}

/// Where a value came from.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag(String),
}

/// Prints every key.
pub(super) fn show(arguments: &ShowArguments, output: &Output) -> CommandExit {
    // What cannot be used has to be told before anything is said about it.
    if let Err(exit) = configuration(&arguments.flags, output) {
        return exit;
    }
    let settings: Vec<Setting> = fields()
        .into_iter()
        .map(|key| setting(&arguments.flags, key))
        .collect();
    if output.is_json() {
        output.document(&serde_json::json!({ "items": settings, "next_cursor": null }));
        return CommandExit::Success;
    }
    let rows: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| vec![setting.key.clone(), shown(&setting.value), setting.origin.told()])
        .collect();
    output.table(&["KEY", "VALUE", "FROM"], &rows);
    CommandExit::Success
}

fn setting(flags: &ConfigFlags, key: String) -> Setting {
    let sources = flags.sources();
    let value = sources.find_value(&key).ok().and_then(|value| json(&value));
    let origin = origin(&sources, &key);
    let value = match value {
        Some(serde_json::Value::String(text)) => shown_text(&key, text).into(),
        Some(value @ serde_json::Value::Array(_)) => without_secrets(value),
        Some(value) => value,
        None => serde_json::Value::Null,
    };
    Setting { key, value, origin }
}

/// A text without what opens something.
fn shown_text(key: &str, text: String) -> String {
    match key {
        "database_url" | "reader_url" => masked(&text),
        "s3_secret_access_key" => MASK.to_owned(),
        _ => text,
    }
}

/// A list without what opens anything: fields that are called so, and passwords in addresses.
fn without_secrets(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        serde_json::Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    _ if ["token", "password"].contains(&name.as_str()) => MASK.into(),
                    serde_json::Value::String(text) if name == "url" => masked(&text).into(),
                    value => without_secrets(value),
                };
                (name, value)
            })
            .collect(),
        value => value,
    }
}

fn json(value: &Value) -> Option<serde_json::Value> {
    serde_json::to_value(value).ok()
}

fn origin(sources: &figment::Figment, key: &str) -> Origin {
    let Some(metadata) = sources.find_metadata(key) else {
        return Origin::Default;
    };
    if let Some(Source::File(path)) = &metadata.source {
        return Origin::File(path.display().to_string());
    }
    // Defaults and flags are both values of this program, told apart by the type that they stand in.
    if metadata.name.contains("environment") {
        Origin::Environment(format!("KEIRIN_{}", key.replace('.', "_").to_ascii_uppercase()))
    } else if metadata.name.contains("ConfigFlags") {
        Origin::Flag(format!("--{}", key.replace('_', "-")))
    } else {
        Origin::Default
    }
}

impl Origin {
    fn told(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(path) => format!("file {path}"),
            Self::Environment(name) => format!("environment {name}"),
            Self::Flag(name) => format!("flag {name}"),
        }
    }
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.is_empty() => "-".to_owned(),
        serde_json::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The address of a database without what opens it. What cannot be understood is not shown at all.
fn masked(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return MASK.to_owned();
    };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("password") || name.contains("secret")
    };
    if url.query_pairs().any(|(name, _)| secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in pairs {
            let value = if secret(&name) { MASK } else { value.as_str() };
            query.append_pair(&name, value);
        }
        drop(query);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_a_target_is_not_shown() {
        let targets = serde_json::json!([{
            "name": "node", "url": "http://ann:hunter2@127.0.0.1:9100/metrics",
            "sign_in": { "bearer": { "token": "hunter2" }, "basic": { "username": "ann", "password": "hunter2" } },
        }]);
        let shown = without_secrets(targets);
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!(shown[0]["name"], "node");
    }

    #[test]
    fn what_opens_a_database_is_not_shown() {
        assert_eq!(
            masked("postgres://keirin:hunter2@db/keirin"),
            "postgres://keirin:***@db/keirin"
        );
        assert_eq!(
            masked("postgres://db/keirin?user=keirin&password=hunter2"),
            "postgres://db/keirin?user=keirin&password=***"
        );
        assert_eq!(masked("postgres://db/keirin"), "postgres://db/keirin");
        assert_eq!(masked("host=db password=hunter2"), MASK);
    }

    #[test]
    fn no_key_shows_what_opens_something() {
        let url = "postgres://keirin:hunter2@db/keirin";
        for key in ["database_url", "reader_url", "s3_secret_access_key"] {
            assert!(!shown_text(key, url.to_owned()).contains("hunter2"), "{key}");
        }
        let opens = |key: &String| {
            ["database_", "reader_", "secret", "password", "token"]
                .iter()
                .any(|word| key.contains(word))
        };
        let secret: Vec<String> = fields().into_iter().filter(opens).collect();
        assert_eq!(secret, ["database_url", "reader_url", "s3_secret_access_key"]);
    }
}
