//! What jobs find covered although they could reach it by the rights of the user that they run as: the programs that act for
//! that user, and that user's credentials. What the agent's owner names as writable is not covered.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// Where programs listen that do something outside of a sandbox for whoever may speak to them, in the name of that user or of
/// root: the user's own service manager and session, containers, virtual machines, packages, terminals.
const CONTROL_SOCKETS: [&str; 18] = [
    "/run/user",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
    "/run/screen",
    "/run/docker.sock",
    "/run/podman",
    "/run/containerd",
    "/run/crio",
    "/run/buildkit",
    "/run/libvirt",
    "/run/lxd.socket",
    "/run/incus",
    "/run/snapd.socket",
    "/run/snapd-snap.socket",
    "/var/lib/lxd",
    "/var/lib/incus",
    "/var/lib/libvirt",
    "/var/snap/lxd",
];

/// Where well-known programs keep credentials below a home folder. `docs/agents.md` shows this list to people.
const IN_HOME: [&str; 37] = [
    // Keys, and passwords of any kind.
    ".ssh",
    ".gnupg",
    ".netrc",
    ".password-store",
    ".local/share/keyrings",
    ".vault-token",
    // Sources.
    ".git-credentials",
    // Containers and clouds.
    ".docker",
    ".kube",
    ".aws",
    ".azure",
    ".oci",
    ".s3cfg",
    ".boto",
    ".terraformrc",
    ".terraform.d/credentials.tfrc.json",
    // Registries of packages.
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".composer/auth.json",
    // Databases.
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
    // What was typed, and what browsers remember.
    ".bash_history",
    ".zsh_history",
    ".local/share/fish/fish_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".mozilla",
];
/// The same below the folder of configuration, `.config` as a rule.
const IN_CONFIGURATION: [&str; 13] = [
    "keirin",
    "git/credentials",
    "gh",
    "glab-cli",
    "hub",
    "containers/auth.json",
    "gcloud",
    "doctl",
    "rclone",
    "sops",
    "composer/auth.json",
    "chromium",
    "google-chrome",
];

/// Where the credentials of a user may lie that has this home folder and this folder of configuration. Whether anything is
/// there is looked at when a job has come.
pub fn credentials(home: &Path, configuration: &Path) -> Vec<PathBuf> {
    let in_home = IN_HOME.iter().map(|place| home.join(place));
    let in_configuration = IN_CONFIGURATION.iter().map(|place| configuration.join(place));
    in_home.chain(in_configuration).collect()
}

/// What no job of this agent finds, beside what is closed whatever its owner says.
pub(crate) fn covered(config: &Config) -> Vec<PathBuf> {
    let given: Vec<PathBuf> = config
        .writable
        .iter()
        .flat_map(|path| path.canonicalize())
        .collect();
    let is_given = |place: &PathBuf| place.canonicalize().is_ok_and(|place| given.contains(&place));
    let control_sockets = CONTROL_SOCKETS.iter().map(PathBuf::from);
    control_sockets
        .chain(config.credentials.iter().cloned())
        .filter(|place| !is_given(place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_of_every_place() {
        let document = include_str!("../../../docs/agents.md");
        let in_configuration = IN_CONFIGURATION.map(|place| format!(".config/{place}"));
        for place in IN_HOME.map(str::to_owned).into_iter().chain(in_configuration) {
            assert!(document.contains(&format!("`{place}`")), "{place}");
        }
    }
}
