//! Who fetches: handed to git by its environment or a private file, never on a command line or in an address.

use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::error::GitError;
use crate::rules::Route;
use crate::url::RepositoryUrl;

/// A credential for one repository. Its debug form shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user's name with a password or an access token, for http and https.
    Basic {
        /// The user; forges take any name beside a token.
        username: String,
        /// The password or token.
        password: String,
    },
    /// A token sent as `Authorization: Bearer`, for http and https.
    Bearer {
        /// The token.
        token: String,
    },
    /// A private key for ssh, without a passphrase.
    SshKey {
        /// The key as in its file.
        private_key: String,
        /// Lines as in `known_hosts`; `None` trusts what the account running Keirin trusts.
        known_hosts: Option<String>,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Basic { .. } => "Credential::Basic(***)",
            Self::Bearer { .. } => "Credential::Bearer(***)",
            Self::SshKey { .. } => "Credential::SshKey(***)",
        })
    }
}

/// Reads a repository on this machine that belongs to another account, and gives out any commit of it. The other side of a
/// local fetch is a process of its own that sees none of the settings passed by the environment.
///
/// Nobody's configuration may make it fetch from elsewhere: what a partial clone has left out is run by whatever program its
/// configuration names. Versions of git before 2.45 do not refuse that by themselves.
pub(crate) const LOCAL_UPLOAD_PACK: &str = "GIT_ALLOW_PROTOCOL= GIT_NO_LAZY_FETCH=1 git -c safe.directory=* \
     -c uploadpack.allowAnySHA1InWant=true upload-pack";

/// What a call of git needs for talking to a repository.
#[derive(Clone, Default)]
pub(crate) struct Access {
    pub(crate) protocols: &'static str,
    pub(crate) config: Vec<(String, String)>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) secrets: Secrets,
    /// Holds the key's file until the last call that uses it has ended.
    pub(crate) files: Option<Arc<TempDir>>,
}

impl Access {
    /// Prepares access to `url` by any route. A credential that does not fit the protocol is left out, and the server will
    /// say so.
    pub(crate) fn new(url: &RepositoryUrl, credential: Option<&Credential>) -> Result<Self, GitError> {
        Self::by(url, credential, &Route::Any)
    }

    /// Prepares access to `url` by this route.
    pub(crate) fn by(
        url: &RepositoryUrl,
        credential: Option<&Credential>,
        route: &Route,
    ) -> Result<Self, GitError> {
        let mut access = Self {
            protocols: url.allowed_protocols(),
            ..Self::default()
        };
        let pin = access.keep_to(url, route);
        match (credential, url.http_origin()) {
            (Some(Credential::Basic { username, password }), Some(origin)) => {
                let encoded = STANDARD.encode(format!("{username}:{password}"));
                access.secrets = Secrets::new([password.as_str(), encoded.as_str()]);
                access.authorize(&origin, &format!("Basic {encoded}"));
            }
            (Some(Credential::Bearer { token }), Some(origin)) => {
                access.secrets = Secrets::new([token.as_str()]);
                access.authorize(&origin, &format!("Bearer {token}"));
            }
            (
                Some(Credential::SshKey {
                    private_key,
                    known_hosts,
                }),
                _,
            ) if url.is_ssh() => {
                let folder = write_key(private_key, known_hosts.as_deref())
                    .map_err(|error| GitError::io("write the ssh key into a private folder", error))?;
                access.secrets = Secrets::new([private_key.as_str()]);
                access.environment.push((
                    "GIT_SSH_COMMAND",
                    ssh_command(Some(folder.path()), known_hosts.is_some(), pin.as_ref()),
                ));
                access.files = Some(Arc::new(folder));
            }
            _ if url.is_ssh() => access
                .environment
                .push(("GIT_SSH_COMMAND", ssh_command(None, false, pin.as_ref()))),
            _ => {}
        }
        Ok(access)
    }

    /// Makes `url` what the call knows as the remote `origin`, so that the address stands on no command line.
    pub(crate) fn with_origin(mut self, url: &RepositoryUrl) -> Self {
        self.config
            .push(("remote.origin.url".to_owned(), url.as_str().to_owned()));
        if url.is_local() {
            self.config.push((
                "remote.origin.uploadpack".to_owned(),
                LOCAL_UPLOAD_PACK.to_owned(),
            ));
        }
        self
    }

    /// Lets git fetch from `origin`, when it needs them, the blobs that a mirror has left there.
    pub(crate) fn with_promise(mut self) -> Self {
        self.config
            .push(("remote.origin.promisor".to_owned(), "true".to_owned()));
        self.config.push((
            "remote.origin.partialCloneFilter".to_owned(),
            "blob:none".to_owned(),
        ));
        // Newer versions do this only when told to while they serve others.
        self.environment.push(("GIT_NO_LAZY_FETCH", "0".to_owned()));
        self
    }

    /// Keeps git to a route: it connects to the addresses that were looked at, and follows no redirect. Gives what ssh is
    /// to keep to.
    fn keep_to(&mut self, url: &RepositoryUrl, route: &Route) -> Option<Pin> {
        let (Route::Only(addresses), Some((host, port))) = (route, url.host_and_port()) else {
            return None;
        };
        self.config
            .push(("http.followRedirects".to_owned(), "false".to_owned()));
        if addresses.is_empty() {
            return None;
        }
        let shown = |address: &IpAddr| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let all: Vec<String> = addresses.iter().map(shown).collect();
        self.config.push((
            "http.curloptResolve".to_owned(),
            format!("{host}:{port}:{}", all.join(",")),
        ));
        // Its key is known by the name, which stands with the port where that is not the usual one.
        let alias = if port == 22 {
            host
        } else {
            format!("[{host}]:{port}")
        };
        Some(Pin {
            addresses: addresses.clone(),
            alias,
        })
    }

    /// The header goes to this server alone, wherever a redirect or a submodule leads.
    fn authorize(&mut self, origin: &str, value: &str) {
        self.config.push((
            format!("http.{origin}.extraHeader"),
            format!("Authorization: {value}"),
        ));
    }
}

/// The addresses that ssh connects to, one after another until one answers, and the name that the host's key is known by.
struct Pin {
    addresses: Vec<IpAddr>,
    alias: String,
}

fn write_key(private_key: &str, known_hosts: Option<&str>) -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("keirin-ssh-").tempdir()?;
    write_private(
        &folder.path().join("key"),
        &format!("{}\n", private_key.trim_end()),
    )?;
    if let Some(hosts) = known_hosts {
        write_private(&folder.path().join("known_hosts"), hosts)?;
    }
    Ok(folder)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// The command line of ssh: git hands it to a shell, so paths are quoted. It names files, not secrets.
///
/// Only the project's own key is offered: neither an agent's nor the account's.
fn ssh_command(folder: Option<&Path>, own_hosts: bool, pin: Option<&Pin>) -> String {
    let command = ssh_options(folder, own_hosts);
    let Some(Pin { addresses, alias }) = pin else {
        return command;
    };
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    // Ssh itself takes one address, and ends with 255 where it is not connected. Git puts its own words behind the last.
    format!(
        "each() {{ for address in {}; do {command} -o HostKeyAlias='{alias}' -o HostName=$address \"$@\" && return; \
         ended=$?; [ $ended = 255 ] || break; done; return $ended; }}; each",
        addresses.join(" ")
    )
}

fn ssh_options(folder: Option<&Path>, own_hosts: bool) -> String {
    let mut command = "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 -F /dev/null \
                       -o IdentityAgent=none -o IdentitiesOnly=yes"
        .to_owned();
    let Some(folder) = folder else {
        return command + " -o IdentityFile=none";
    };
    let quoted = |name: &str| format!("'{}'", folder.join(name).to_string_lossy().replace('\'', r"'\''"));
    command.push_str(&format!(" -i {}", quoted("key")));
    if own_hosts {
        command.push_str(&format!(
            " -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile={}",
            quoted("known_hosts")
        ));
    }
    command
}

/// Texts that may stand in no message.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<[String]>);

impl Secrets {
    fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            secrets
                .into_iter()
                .filter(|secret| !secret.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// The text with every secret, and every `user:password@` of an address, replaced by `***`.
    pub(crate) fn mask(&self, text: &str) -> String {
        let masked = self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "***")
        });
        mask_logins(&masked)
    }
}

fn mask_logins(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let (before, after) = rest.split_at(start);
        let end = after
            .find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        masked.push_str(before);
        match authority.rsplit_once('@') {
            Some((_, host)) => masked.push_str(&format!("***@{host}")),
            None => masked.push_str(authority),
        }
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic() -> Credential {
        Credential::Basic {
            username: "ci".into(),
            password: "hunter2".into(),
        }
    }

    #[test]
    fn the_header_is_bound_to_the_server() {
        let url = RepositoryUrl::parse("https://forge.example:8443/team/project").unwrap();
        let access = Access::new(&url, Some(&basic())).unwrap();
        let (key, value) = &access.config[0];
        assert_eq!(key, "http.https://forge.example:8443/.extraHeader");
        assert_eq!(
            value,
            &format!("Authorization: Basic {}", STANDARD.encode("ci:hunter2"))
        );
    }

    #[test]
    fn git_connects_to_the_addresses_that_were_looked_at() {
        let route = Route::Only(vec!["192.0.2.7".parse().unwrap(), "2001:db8::1".parse().unwrap()]);
        let url = RepositoryUrl::parse("https://forge.example/x").unwrap();
        let access = Access::by(&url, None, &route).unwrap();
        let has = |key: &str, value: &str| {
            let mut config = access.config.iter();
            assert!(config.any(|(k, v)| k == key && v == value), "{:?}", access.config);
        };
        has("http.curloptResolve", "forge.example:443:192.0.2.7,[2001:db8::1]");
        has("http.followRedirects", "false");
        for (address, alias) in [
            ("git@forge.example:x", "'forge.example'"),
            ("ssh://git@forge.example:2222/x", "'[forge.example]:2222'"),
        ] {
            let url = RepositoryUrl::parse(address).unwrap();
            let command = Access::by(&url, None, &route).unwrap().environment[0].1.clone();
            assert!(
                command.contains("for address in 192.0.2.7 2001:db8::1;"),
                "{command}"
            );
            assert!(command.contains(&format!("HostKeyAlias={alias}")), "{command}");
            assert!(command.contains("-o IdentityFile=none"), "{command}");
        }
    }

    #[test]
    fn ssh_tries_each_address_until_one_is_connected() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("ssh");
        let script = "#!/bin/sh\necho \"$*\" >>\"$0.said\"\n\
                      case \"$*\" in *HostName=192.0.2.7*) exit 255;; *fails) exit 3;; esac\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let url = RepositoryUrl::parse("git@forge.example:x").unwrap();
        let addresses = ["192.0.2.7", "2001:db8::1", "192.0.2.8"].map(|address| address.parse().unwrap());
        let access = Access::by(&url, None, &Route::Only(addresses.to_vec())).unwrap();
        // As git calls it.
        let command = format!("{} \"$@\"", access.environment[0].1);
        for (word, status) in [("upload-pack 'x y'", 0), ("fails", 3)] {
            #[expect(clippy::disallowed_methods, reason = "this is what git does")]
            let ended = std::process::Command::new("/bin/sh")
                .args(["-c", &command, &command, "git@forge.example", word])
                .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
                .status()
                .unwrap();
            assert_eq!(ended.code(), Some(status));
            let said = std::fs::read_to_string(folder.path().join("ssh.said")).unwrap();
            let tried: Vec<&str> = said.lines().collect();
            assert_eq!(tried.len(), 2, "{said}");
            assert!(
                tried[1].ends_with(&format!("HostName=2001:db8::1 git@forge.example {word}")),
                "{said}"
            );
            std::fs::remove_file(folder.path().join("ssh.said")).unwrap();
        }
    }

    #[test]
    fn secrets_are_masked_in_every_form() {
        let url = RepositoryUrl::parse("https://forge.example/x").unwrap();
        let access = Access::new(&url, Some(&basic())).unwrap();
        let encoded = STANDARD.encode("ci:hunter2");
        assert_eq!(
            access.secrets.mask(&format!("a hunter2 b {encoded} c")),
            "a *** b *** c"
        );
        assert_eq!(
            Secrets::default().mask("fatal: 'https://me:pw@host/x' and http://host/y@z"),
            "fatal: 'https://***@host/x' and http://host/y@z"
        );
        assert!(!format!("{:?}", basic()).contains("hunter2"));
    }

    #[test]
    fn the_key_of_ssh_lies_in_a_private_file_that_goes_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let url = RepositoryUrl::parse("git@forge.example:team/project").unwrap();
        let key = Credential::SshKey {
            private_key: "PRIVATE".into(),
            known_hosts: Some("forge.example ssh-ed25519 AAAA\n".into()),
        };
        let access = Access::new(&url, Some(&key)).unwrap();
        let folder = access.files.as_ref().unwrap().path().to_owned();
        assert_eq!(
            std::fs::metadata(folder.join("key"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        assert_eq!(std::fs::read_to_string(folder.join("key")).unwrap(), "PRIVATE\n");
        let command = &access.environment[0].1;
        assert!(
            command.contains("StrictHostKeyChecking=yes") && !command.contains("PRIVATE"),
            "{command}"
        );
        assert!(
            command.contains("IdentityAgent=none") && command.contains("IdentitiesOnly=yes"),
            "{command}"
        );
        drop(access);
        assert!(!folder.exists());
    }
}
