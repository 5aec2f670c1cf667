//! `keirin token`: secrets that let programs and agents in.

use clap::{Args, Subcommand, ValueEnum};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::TokenId;
use keirin_model::access::Role;
use keirin_wire::api::{CreateToken, Page, Token, TokenKind};

use super::shown;
use crate::reach::{Nothing, On};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// Tokens: secrets that let programs and agents in
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown this once
    Create(On<CreateTokenArguments>),
    /// List tokens, without the secrets
    List(On<Nothing>),
    /// Make a token useless
    Revoke(On<NamedToken>),
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The API, for a program
    Api,
    /// The door for new agents
    Join,
}

#[derive(Debug, Args)]
pub struct CreateTokenArguments {
    /// What it opens
    #[arg(long, value_enum)]
    kind: Kind,
    /// What it is for, in a few words
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The most that an API token may do: viewer, developer, maintainer, admin [default: viewer]
    #[arg(long)]
    role: Option<Role>,
    /// The only project that an API token opens
    #[arg(long)]
    project: Option<String>,
    /// A group that agents may be in that a join token lets in [default: any]
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// How many agents a join token lets in [default: any number]
    #[arg(long, value_name = "N")]
    uses: Option<i32>,
    /// How many days it works [default: 90 for an API token, 1 for a join token]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: Option<i64>,
    /// Let an API token make others, and links by which people sign in
    #[arg(long)]
    can_create_tokens: bool,
}

#[derive(Debug, Args)]
pub struct NamedToken {
    /// The token's id
    token: TokenId,
}

/// Does what was asked.
pub(crate) async fn token(command: TokenCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        TokenCommand::Create(on) => {
            let (client, arguments) = on.connect()?;
            let wanted = wanted(arguments);
            let kind = wanted.kind;
            let created = client.create_token(&wanted).await?;
            if output.is_json() {
                output.document(&created);
            } else {
                output.line(&created.token);
                let ends = shown::until(machine::now(), created.expires_at);
                output.hint(format!("It is shown this once, and ends {ends}."));
                if kind == TokenKind::Join {
                    output.hint(format!(
                        "Start an agent: keirin agent start --server {} --join-token TOKEN",
                        client.address()
                    ));
                }
            }
        }
        TokenCommand::List(on) => {
            let (client, Nothing {}) = on.connect()?;
            list(&client.tokens().await?, output);
        }
        TokenCommand::Revoke(on) => {
            let (client, arguments) = on.connect()?;
            client.revoke_token(arguments.token).await?;
            output.say(format!("Token {} opens nothing any more.", arguments.token));
        }
    }
    Ok(CommandExit::Success)
}

fn wanted(arguments: CreateTokenArguments) -> CreateToken {
    CreateToken {
        kind: match arguments.kind {
            Kind::Api => TokenKind::Api,
            Kind::Join => TokenKind::Join,
        },
        name: arguments.name,
        role: arguments.role,
        project: arguments.project,
        groups: arguments.group.into_iter().collect(),
        uses: arguments.uses,
        expires_in_seconds: arguments.days.map(|days| days * DAY),
        can_create_tokens: arguments.can_create_tokens,
    }
}

fn list(tokens: &Page<Token>, output: &Output) {
    if output.is_json() {
        output.document(tokens);
        return;
    }
    if tokens.items.is_empty() {
        output.say("There is no token.");
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = tokens
        .items
        .iter()
        .map(|token| {
            let opens = match token.kind {
                TokenKind::Api => {
                    let role = token.role.map_or("", <&str>::from);
                    format!("{role} of {}", token.project.as_deref().unwrap_or("all projects"))
                }
                TokenKind::Join => {
                    let groups: Vec<&str> = token.groups.iter().map(String::as_str).collect();
                    match groups.as_slice() {
                        [] => "agents of any group".to_owned(),
                        groups => format!("agents of {}", groups.join(", ")),
                    }
                }
            };
            vec![
                token.id.to_string(),
                token.name.clone(),
                token.prefix.clone(),
                opens,
                token.owner.clone(),
                shown::until(now, token.expires_at),
                shown::ago_or_never(now, token.used_at),
            ]
        })
        .collect();
    output.table(&["Id", "Name", "Begins", "Opens", "Owner", "Ends", "Used"], &rows);
}
