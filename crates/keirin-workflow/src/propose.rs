//! A first workflow file for a repository, from what lies in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::propose_rules::{Found, RULES};

/// What lies in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryListing {
    /// Paths of its files, relative to its root, with `/` between the parts.
    pub files: BTreeSet<String>,
    /// The text of those of its files that [`RepositoryListing::wanted`] names.
    pub contents: BTreeMap<String, String>,
    /// The branch that changes are merged into.
    pub main_branch: Option<String>,
}

/// A workflow file to start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The text of `.keirin.yaml`.
    pub text: String,
    /// Why it looks as it does: a line for each thing that was found.
    pub explanation: Vec<String>,
}

/// A job that a rule proposes.
pub(crate) struct ProposedJob {
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) commands: Vec<String>,
    /// Reports for `junit_collect`, where the commands write any.
    pub(crate) reports: Option<String>,
}

impl ProposedJob {
    pub(crate) fn new(name: &str, comment: &str, commands: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            comment: comment.to_owned(),
            commands: commands.iter().map(|command| (*command).to_owned()).collect(),
            reports: None,
        }
    }

    pub(crate) fn reports(mut self, glob: &str) -> Self {
        self.reports = Some(glob.to_owned());
        self
    }
}

impl RepositoryListing {
    /// Whether a proposal looks into this file; the others count by their names alone.
    pub fn wanted(path: &str) -> bool {
        const NAMES: &[&str] = &[
            "Cargo.toml",
            "package.json",
            "pyproject.toml",
            "setup.py",
            "Makefile",
            "composer.json",
            "Gemfile",
            "tox.ini",
        ];
        NAMES.contains(&path)
    }

    /// Whether a file of this path is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// The text of a file; empty where it was not read.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.contents.get(path).map(String::as_str).unwrap_or_default()
    }
}

/// Proposes a workflow file: what the build files in the root say, else a place to fill in.
pub fn propose(listing: &RepositoryListing) -> Proposal {
    let mut jobs: Vec<ProposedJob> = Vec::new();
    let mut explanation = Vec::new();
    for rule in RULES {
        let Some(Found { because, jobs: found }) = rule(listing) else {
            continue;
        };
        let mut names = Vec::new();
        for mut job in found {
            let base = job.name.clone();
            let mut number = 2;
            while jobs.iter().any(|other| other.name == job.name) {
                job.name = format!("{base}-{number}");
                number += 1;
            }
            names.push(format!("`{}`", job.name));
            jobs.push(job);
        }
        explanation.push(format!("{because}: {}", names.join(", ")));
    }
    if jobs.is_empty() {
        explanation.push("no build file is known here: `hello` shows where your commands go".to_owned());
        jobs.push(ProposedJob::new(
            "hello",
            "Put your own commands here.",
            &["echo \"Hello from Keirin\""],
        ));
    }
    if listing.has("Dockerfile") {
        explanation.push(
            "Dockerfile: the image is not built, because jobs run on the agent's machine itself".to_owned(),
        );
    }
    Proposal {
        text: write(listing, &jobs),
        explanation,
    }
}

fn write(listing: &RepositoryListing, jobs: &[ProposedJob]) -> String {
    let push = match listing
        .main_branch
        .as_deref()
        .filter(|branch| stands_for_itself(branch))
    {
        Some(branch) => format!("{{ branches: [{}] }}", quoted(branch)),
        None => "{}".to_owned(),
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "# What Keirin runs for this repository. `keirin check` checks this file, `keirin exec` runs it here.\n\
         keirin: 1\n\
         \n\
         # What starts a flow; people may always start one.\n\
         triggers:\n\
         \x20 push: {push}\n\
         \n\
         # Flows of one branch run one after the other.\n\
         concurrency: \"${{{{ branch.name }}}}\"\n\
         \n\
         stages:\n\
         \x20 check:\n\
         \x20   jobs:\n"
    );
    for job in jobs {
        let _ = write!(
            text,
            "      # {}\n      {}:\n        steps:\n          - git: .\n",
            job.comment, job.name
        );
        for command in &job.commands {
            let _ = writeln!(text, "          - run: {}", quoted(command));
        }
        if let Some(reports) = &job.reports {
            let _ = writeln!(
                text,
                "          - junit_collect: {}\n            when: always",
                quoted(reports)
            );
        }
    }
    text
}

/// Whether a branch's name means that branch alone where a glob stands.
fn stands_for_itself(branch: &str) -> bool {
    !branch.is_empty()
        && !branch.contains(['*', '?', '[', ']', '{', '}', '!', '\\', '\0'])
        && !branch.contains("${{")
}

/// A text as YAML takes it: in quotes unless it is plain beyond doubt.
fn quoted(text: &str) -> String {
    let safe = |character: char| character.is_ascii_alphanumeric() || " ./-_=+".contains(character);
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic()) && !text.ends_with(' ');
    if word && text.chars().all(safe) && !matches!(text, "true" | "false" | "null") {
        return text.to_owned();
    }
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '"' | '\\' => format!("\\{character}"),
            ' '..='~' => character.to_string(),
            character if character.is_alphanumeric() => character.to_string(),
            character => format!("\\U{:08x}", u32::from(character)),
        })
        .collect();
    format!("\"{escaped}\"")
}
