//! Which server a command means, and what it proves itself with there.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use keirin_client::{Client, Connection};
use keirin_console::machine;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::known_servers;

/// Which server is meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct Reach {
    /// The server's address [env: KEIRIN_URL, with the token in KEIRIN_TOKEN]
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The data folder of a server on this machine [env: KEIRIN_DATA_DIR; default: the nearest `.keirin-data`]
    #[arg(long, value_name = "FOLDER", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
}

/// The arguments of a command that talks to a server.
#[derive(Debug, Args)]
pub struct On<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    reach: Reach,
}

/// A command that needs to be told nothing but where the server is.
#[derive(Debug, Args)]
pub struct Nothing {}

impl<A: Args> On<A> {
    /// A client of the server that is meant, and the command's own arguments.
    ///
    /// # Errors
    /// Nothing says which server is meant.
    pub fn connect(self) -> anyhow::Result<(Client, A)> {
        let surroundings = Surroundings {
            url: machine::variable("KEIRIN_URL"),
            token: machine::variable("KEIRIN_TOKEN"),
            here: known_servers::on_this_machine(self.reach.data_dir.as_deref())?,
            saved: known_servers::saved()?,
        };
        let server = choose(&self.reach, surroundings)?;
        Ok((client(&server), self.arguments))
    }
}

/// A client of this server.
pub fn client(server: &KnownServer) -> Client {
    Client::new(
        Connection::new(&server.url, server.socket.as_deref()),
        server.token.clone(),
    )
}

/// A server and what opens it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownServer {
    /// Where it is.
    pub url: Url,
    /// Its Unix socket, where it runs on this machine: its port may be another program's while it is away. None is kept of a
    /// server that one signs in to.
    #[serde(skip)]
    pub socket: Option<PathBuf>,
    /// What opens it. Never printed.
    pub token: Option<String>,
}

impl fmt::Debug for KnownServer {
    /// Leaves the token out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KnownServer({})", self.url)
    }
}

/// What lies around that may say which server is meant.
#[derive(Debug, Default)]
struct Surroundings {
    url: Option<String>,
    token: Option<String>,
    here: Option<KnownServer>,
    saved: Vec<KnownServer>,
}

/// Which server is meant cannot be told.
#[derive(Debug)]
pub enum NoServer {
    /// Nothing says it, or the one that is meant has never been started.
    Unknown(String),
    /// What says it is no address.
    NoAddress(String),
}

impl fmt::Display for NoServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(reason) => formatter.write_str(reason),
            Self::NoAddress(text) => write!(
                formatter,
                "`{text}` is not a server's address; give one like https://keirin.example.org"
            ),
        }
    }
}

impl std::error::Error for NoServer {}

/// Flags, then the environment, then the server on this machine, then the one that was signed in to last. A token goes
/// to no server but the one that it belongs to.
fn choose(reach: &Reach, around: Surroundings) -> Result<KnownServer, NoServer> {
    let said = match &around.url {
        Some(text) => Some(address(text)?),
        None => None,
    };
    let named = reach.url.clone().or_else(|| match reach.data_dir {
        None => said.clone(),
        Some(_) => None,
    });
    let server = match named {
        Some(url) => {
            let mut known = around.here.into_iter().chain(around.saved);
            match known.find(|known| is_same(&known.url, &url)) {
                Some(known) => KnownServer { url, ..known },
                None => KnownServer {
                    url,
                    socket: None,
                    token: None,
                },
            }
        }
        None => {
            let found = around.here.or_else(|| around.saved.into_iter().next());
            found.ok_or_else(|| {
                NoServer::Unknown(
                    "nothing says which server is meant; name the data folder of one on this machine with --data-dir or \
                     KEIRIN_DATA_DIR, sign in to one with `keirin login URL`, or start one here with `keirin serve`"
                        .to_owned(),
                )
            })?
        }
    };
    // The token of the environment belongs to the address of the environment, where there is one.
    let belongs = said.is_none_or(|said| is_same(&said, &server.url));
    Ok(match around.token {
        Some(token) if belongs => KnownServer {
            token: Some(token.trim().to_owned()),
            ..server
        },
        _ => server,
    })
}

/// Reads a server's address as people type it.
///
/// # Errors
/// It is none.
pub fn address(text: &str) -> Result<Url, NoServer> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| NoServer::NoAddress(text.to_owned()))
}

/// Whether both addresses are the same server's.
pub fn is_same(one: &Url, other: &Url) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    one.origin() == other.origin() && path(one) == path(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, token: &str) -> KnownServer {
        KnownServer {
            url: url.parse().unwrap(),
            socket: None,
            token: Some(token.to_owned()),
        }
    }

    fn around() -> Surroundings {
        Surroundings {
            url: None,
            token: None,
            here: Some(server("http://127.0.0.1:8460", "here")),
            saved: vec![
                server("https://one.example/ci", "one"),
                server("https://two.example", "two"),
            ],
        }
    }

    fn by_url(url: &str) -> Reach {
        Reach {
            url: Some(url.parse().unwrap()),
            data_dir: None,
        }
    }

    #[test]
    fn the_server_on_this_machine_comes_before_the_one_signed_in_to() {
        let chosen = choose(&Reach::default(), around()).unwrap();
        assert_eq!(chosen, server("http://127.0.0.1:8460", "here"));
        let elsewhere = Surroundings {
            here: None,
            ..around()
        };
        let chosen = choose(&Reach::default(), elsewhere).unwrap();
        assert_eq!(chosen, server("https://one.example/ci", "one"));
    }

    #[test]
    fn the_environment_comes_before_both_and_a_flag_before_all() {
        let said = || Surroundings {
            url: Some("https://said.example".to_owned()),
            token: Some("said\n".to_owned()),
            ..around()
        };
        let chosen = choose(&Reach::default(), said()).unwrap();
        assert_eq!(chosen, server("https://said.example", "said"));
        let chosen = choose(&by_url("https://two.example/"), said()).unwrap();
        assert_eq!(chosen, server("https://two.example/", "two"));
        let here = Reach {
            url: None,
            data_dir: Some(PathBuf::from("data")),
        };
        let chosen = choose(&here, said()).unwrap();
        assert_eq!(chosen, server("http://127.0.0.1:8460", "here"));
    }

    #[test]
    fn a_token_goes_to_no_server_but_its_own() {
        let chosen = choose(&by_url("https://stranger.example"), around()).unwrap();
        assert_eq!(chosen.token, None);
        let chosen = choose(&by_url("https://one.example/other"), around()).unwrap();
        assert_eq!(chosen.token, None);
    }

    #[test]
    fn a_token_of_the_environment_alone_stands_for_the_known_one() {
        let token = Surroundings {
            token: Some("mine".to_owned()),
            ..around()
        };
        let chosen = choose(&Reach::default(), token).unwrap();
        assert_eq!(chosen, server("http://127.0.0.1:8460", "mine"));
    }

    #[test]
    fn where_nothing_is_known_the_error_says_what_to_do() {
        let error = choose(&Reach::default(), Surroundings::default()).unwrap_err();
        assert!(
            error.to_string().contains("keirin serve") && error.to_string().contains("keirin login"),
            "{error}"
        );
        let odd = Surroundings {
            url: Some("ftp://x".to_owned()),
            ..around()
        };
        assert!(matches!(
            choose(&Reach::default(), odd),
            Err(NoServer::NoAddress(_))
        ));
    }
}
