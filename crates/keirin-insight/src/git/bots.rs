//! The one list of programs that write and merge as people do.
//!
//! Somebody is a program when
//! - their name on a forge, or the part of their address before the `@`, ends in `[bot]`, as GitHub marks its apps;
//! - that name has `bot`, `robot` or `ci` as its last part or `bot` as its first, where `-` and `_` part it
//!   (`k8s-ci-robot`, `openshift-bot`, `bot-of-somebody`), or is nothing but such a word;
//! - their name as written ends in the word `Robot` (`Kubernetes Prow Robot`), or in the word `Bot` while their address
//!   is a program's too: Bot is a surname;
//! - they stand in one of the lists below.
//!
//! Upper and lower case count the same. Nobody is a program because letters happen to stand in a name: Talbot and
//! Abbott are people.

/// Names on forges, and names as written, that belong to programs and show it in no other way.
const NAMES: &[&str] = &[
    "allcontributors",
    "bors",
    "codecov",
    "codecov-io",
    "codex",
    "copilot",
    "copilot-swe-agent",
    "coveralls",
    "crowdin",
    "cursoragent",
    "cursor agent",
    "deepsource-autofix",
    "dependabot",
    "dependabot-preview",
    "devin-ai-integration",
    "fossabot",
    "github-actions",
    "github actions",
    "gitlab ci",
    "gitpod-io",
    "google-labs-jules",
    "googlebot",
    "greenkeeper",
    "greenkeeperio",
    "gru-agent",
    "homu",
    "hosted weblate",
    "imgbot",
    "imgbotapp",
    "istio-testing",
    "jenkins",
    "k8s-cherrypick-bot",
    "k8s-reviewable",
    "kubernetes submit queue",
    "lgtm-com",
    "mergify",
    "mergifyio",
    "netlify",
    "openai-codex",
    "prow",
    "pyup.io",
    "renovate",
    "renovate bot",
    "restyled-io",
    "rust-highfive",
    "rustbot",
    "sonarcloud",
    "sweep-ai",
    "tensorflow-gardener",
    "travis ci",
    "triagebot",
    "web-flow",
    "weblate",
    "whitesource-renovate",
];

/// Names on forges that are also names that people have: they count there, and not as a name that somebody wrote.
const LOGINS: &[&str] = &["claude", "devin", "jules", "sweep"];

/// Addresses that no person writes from.
const ADDRESSES: &[&str] = &[
    "action@github.com",
    "actions@github.com",
    "bot@renovateapp.com",
    "codex@openai.com",
    "copilot@github.com",
    "cursoragent@cursor.com",
    "hosted@weblate.org",
    "noreply@anthropic.com",
    "noreply@github.com",
    "noreply@openai.com",
    "noreply@weblate.org",
    "support@dependabot.com",
];

/// The addresses that GitHub gives to those who hide their own: `NAME@` or `NUMBER+NAME@` this.
const HIDDEN: &str = "users.noreply.github.com";

/// Whether a name on a forge is a program's.
pub fn is_bot_login(login: &str) -> bool {
    let login = login.trim().trim_start_matches('@').to_lowercase();
    looks_like_bot(&login) || LOGINS.contains(&login.as_str()) || NAMES.contains(&login.as_str())
}

/// Whether whoever writes commits by this name and from this address is a program.
pub fn is_bot(name: &str, email: &str) -> bool {
    let (name, email) = (name.trim().to_lowercase(), email.trim().to_lowercase());
    let (local, host) = email.rsplit_once('@').unwrap_or((email.as_str(), ""));
    let by_address = if host == HIDDEN {
        is_bot_login(local.split_once('+').map_or(local, |(_, login)| login))
    } else {
        ADDRESSES.contains(&email.as_str()) || local.split('+').any(looks_like_bot)
    };
    let last_word = name.rsplit(' ').next().unwrap_or_default();
    let by_name = looks_like_bot(&name) || NAMES.contains(&name.as_str()) || last_word == "robot";
    by_address || by_name
}

/// Whether a name in lower case is made as programs' names are.
fn looks_like_bot(name: &str) -> bool {
    if name.ends_with("[bot]") {
        return true;
    }
    if name.contains(' ') {
        return false;
    }
    let mut parts = name.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    match parts.next_back() {
        None => matches!(first, "bot" | "robot"),
        Some(last) => matches!(last, "bot" | "robot" | "ci") || first == "bot",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known() {
        for (name, email) in [
            (
                "dependabot[bot]",
                "49699333+dependabot[bot]@users.noreply.github.com",
            ),
            ("Kubernetes Prow Robot", "k8s.ci.robot@gmail.com"),
            (
                "Kubernetes Submit Queue",
                "k8s-merge-robot@users.noreply.github.com",
            ),
            ("openshift-bot", "openshift-bot@users.noreply.github.com"),
            ("istio-testing", "istio-testing-bot@google.com"),
            ("jetstack-bot", "tech+github-bot@jetstack.io"),
            ("ci-robot", "ci-robot@k8s.io"),
            ("kyma-bot", "team-neighbors+1@sap.com"),
            ("Renovate Bot", "bot@renovateapp.com"),
            ("Some Bot", "release-bot@example.org"),
            ("GitHub", "noreply@github.com"),
            ("Claude", "noreply@anthropic.com"),
            ("Copilot", "198982749+Copilot@users.noreply.github.com"),
            ("Codex", "codex@openai.com"),
            ("pre-commit-ci", "someone@example.org"),
        ] {
            assert!(is_bot(name, email), "{name} <{email}>");
        }
        for login in [
            "k8s-ci-robot",
            "renovate",
            "claude",
            "Copilot",
            "codex",
            "bot-of-ada",
            "x_bot",
        ] {
            assert!(is_bot_login(login), "{login}");
        }
    }

    #[test]
    fn people_whose_names_only_look_like_it_are_people() {
        for (name, email) in [
            ("Jane Talbot", "jane.talbot@example.org"),
            ("Talbot", "talbot@example.org"),
            ("Johan Bot", "johan.bot@example.nl"),
            ("Berenice Abbott", "abbott@example.org"),
            ("Claude Shannon", "claude@example.org"),
            ("Claude", "claude@example.org"),
            ("Robert Otto", "robotto@example.org"),
            ("Ciprian", "cici37@example.org"),
            ("Marcin", "marcin+ci@example.org"),
            ("Botond", "botond@users.noreply.github.com"),
            ("", ""),
        ] {
            assert!(!is_bot(name, email), "{name} <{email}>");
        }
        for login in ["talbot", "cici37", "botond", "robotto", ""] {
            assert!(!is_bot_login(login), "{login}");
        }
    }
}
