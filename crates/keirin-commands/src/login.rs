//! `keirin login`: signs in to a server and saves what opens it.

use anyhow::bail;
use clap::Args;
use keirin_client::Client;
use keirin_console::exit::CommandExit;
use keirin_console::output::Output;
use keirin_console::{machine, terminal};
use keirin_wire::api::{IdentityKind, Me, SignIn};
use serde_json::json;
use url::Url;

use crate::known_servers;
use crate::reach::{self, KnownServer};

#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The server's address
    #[arg(value_name = "URL")]
    address: String,
    /// Sign in with this name; the password is asked for, or read from standard input
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
}

/// Signs in, by a token or by name and password.
pub(crate) async fn login(arguments: LoginArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let url = reach::address(&arguments.address)?;
    let stranger = reach::client(&KnownServer {
        url: url.clone(),
        socket: None,
        token: None,
    });
    // Whoever mistypes an address learns that before a password is typed.
    stranger.me().await?;
    let token = match &arguments.username {
        Some(name) => by_password(&stranger, name).await?,
        None => secret(
            "token",
            "API token (made on the page under settings, or by `keirin token create`): ",
        )?,
    };
    let server = KnownServer {
        url,
        socket: None,
        token: Some(token),
    };
    let me = reach::client(&server).me().await?;
    if me.kind == IdentityKind::Nobody {
        bail!("the server does not know the token");
    }
    save(server, &me, output)
}

fn save(server: KnownServer, me: &Me, output: &Output) -> anyhow::Result<CommandExit> {
    let url: Url = server.url.clone();
    let file = known_servers::save(server)?;
    if output.is_json() {
        output.document(&json!({ "url": url, "user": me.user, "name": me.name, "role": me.role }));
        return Ok(CommandExit::Success);
    }
    output.say(format!(
        "Signed in to {url} as {}. The token is in {}.",
        me.name.as_deref().unwrap_or("nobody"),
        file.display()
    ));
    output.hint("See what runs: keirin flow list");
    Ok(CommandExit::Success)
}

async fn by_password(client: &Client, name: &str) -> anyhow::Result<String> {
    let sign_in = SignIn {
        name: name.to_owned(),
        password: secret("password", "Password: ")?,
    };
    let token_name = format!("command line on {}", machine::host_name());
    Ok(client.token_by_password(&sign_in, &token_name).await?.token)
}

/// Asks for a secret where somebody is there, and takes it from standard input else.
pub(crate) fn secret(what: &str, question: &str) -> anyhow::Result<String> {
    let secret = if terminal::is_there() {
        terminal::ask_secret(question)?
    } else {
        terminal::secret_from_input(what)?
    };
    if secret.trim().is_empty() {
        bail!("no {what} was given");
    }
    Ok(secret)
}
