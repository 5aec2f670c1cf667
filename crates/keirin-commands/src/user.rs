//! `keirin user` and `keirin member`: people, and what they may do.

use clap::{Args, Subcommand};
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::access::Role;
use keirin_wire::api::{ChangeUser, CreateUser, Page, User};

use super::login::secret;
use super::{names, shown};
use crate::reach::{Nothing, On};

/// Users: people who sign in
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user
    Create(On<CreateUserArguments>),
    /// List users
    List(On<Nothing>),
    /// Change a user's role or password, or keep them out
    Change(On<ChangeUserArguments>),
    /// Make a link that signs a user in once
    Link(On<NamedUser>),
}

/// Members: who may do what in a project
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// List a project's members
    List(On<OfProject>),
    /// Give a user a role in a project
    Set(On<SetArguments>),
    /// Take a user's role in a project away
    Remove(On<RemoveArguments>),
}

#[derive(Debug, Args)]
pub struct NamedUser {
    /// The user's name or id
    user: String,
}

#[derive(Debug, Args)]
pub struct CreateUserArguments {
    /// The user's name
    name: String,
    /// What they may do in all projects: viewer, developer, maintainer, admin
    #[arg(long)]
    role: Option<Role>,
    /// Read a password from standard input, or ask for it; without one they sign in by a link
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
pub struct ChangeUserArguments {
    /// The user's name or id
    user: String,
    /// What they may do in all projects: viewer, developer, maintainer, admin
    #[arg(long)]
    role: Option<Role>,
    /// Take their role in all projects away
    #[arg(long, conflicts_with = "role")]
    no_role: bool,
    /// Keep them out
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Let them in again
    #[arg(long)]
    enable: bool,
    /// Read a new password from standard input, or ask for it; it ends their sessions
    #[arg(long)]
    password_stdin: bool,
    /// End their tokens
    #[arg(long)]
    revoke_tokens: bool,
}

#[derive(Debug, Args)]
pub struct OfProject {
    /// The project's name
    project: String,
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// The project's name
    project: String,
    /// The user's name or id
    user: String,
    /// What they may do there: viewer, developer, maintainer, admin
    role: Role,
}

#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// The project's name
    project: String,
    /// The user's name or id
    user: String,
}

/// Does what was asked.
pub(crate) async fn user(command: UserCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        UserCommand::Create(on) => {
            let (client, arguments) = on.connect()?;
            let wanted = CreateUser {
                password: password(arguments.password_stdin)?,
                name: arguments.name,
                role: arguments.role,
            };
            let user = client.create_user(&wanted).await?;
            list(&Page::all(vec![user.clone()]), Some(&user), output);
            if !user.has_password {
                output.hint(format!("Let them sign in: keirin user link {}", user.name));
            }
        }
        UserCommand::List(on) => {
            let (client, Nothing {}) = on.connect()?;
            list(&client.users().await?, None, output);
        }
        UserCommand::Change(on) => {
            let (client, arguments) = on.connect()?;
            let user = names::user(&client, &arguments.user).await?;
            let change = ChangeUser {
                role: arguments.role,
                no_role: arguments.no_role,
                disabled: (arguments.disable || arguments.enable).then_some(arguments.disable),
                password: password(arguments.password_stdin)?,
                revoke_tokens: arguments.revoke_tokens,
            };
            let user = client.change_user(user, &change).await?;
            list(&Page::all(vec![user.clone()]), Some(&user), output);
            if change.password.is_some() && !change.revoke_tokens {
                output.hint(format!(
                    "Their sessions have ended, their tokens still work. End those too: keirin user change {} --revoke-tokens",
                    user.name
                ));
            }
        }
        UserCommand::Link(on) => {
            let (client, arguments) = on.connect()?;
            let user = names::user(&client, &arguments.user).await?;
            let link = client.sign_in_link(user).await?;
            if output.is_json() {
                output.document(&link);
            } else {
                output.line(&link.url);
                let ends = shown::until(machine::now(), Some(link.expires_at));
                output.hint(format!("It works once, and ends {ends}."));
            }
        }
    }
    Ok(CommandExit::Success)
}

/// Does what was asked.
pub(crate) async fn member(command: MemberCommand, output: &Output) -> anyhow::Result<CommandExit> {
    match command {
        MemberCommand::List(on) => {
            let (client, arguments) = on.connect()?;
            let members = client.members(&arguments.project).await?;
            if output.is_json() {
                output.document(&members);
            } else if members.items.is_empty() {
                output.say("Nobody has a role in this project alone.");
            } else {
                let rows: Vec<Vec<String>> = members
                    .items
                    .iter()
                    .map(|member| {
                        vec![
                            member.user.to_string(),
                            member.name.clone(),
                            member.role.to_string(),
                        ]
                    })
                    .collect();
                output.table(&["Id", "User", "Role"], &rows);
            }
        }
        MemberCommand::Set(on) => {
            let (client, arguments) = on.connect()?;
            let user = names::user(&client, &arguments.user).await?;
            client
                .set_member(&arguments.project, user, arguments.role)
                .await?;
            output.say(format!(
                "{} is {} of {}.",
                arguments.user, arguments.role, arguments.project
            ));
        }
        MemberCommand::Remove(on) => {
            let (client, arguments) = on.connect()?;
            let user = names::user(&client, &arguments.user).await?;
            client.remove_member(&arguments.project, user).await?;
            output.say(format!(
                "{} has no role in {} any more.",
                arguments.user, arguments.project
            ));
        }
    }
    Ok(CommandExit::Success)
}

fn password(wanted: bool) -> anyhow::Result<Option<String>> {
    wanted.then(|| secret("password", "New password: ")).transpose()
}

fn list(users: &Page<User>, only: Option<&User>, output: &Output) {
    if output.is_json() {
        match only {
            Some(user) => output.document(user),
            None => output.document(users),
        }
        return;
    }
    let now = machine::now();
    let rows: Vec<Vec<String>> = users
        .items
        .iter()
        .map(|user| {
            let projects: Vec<String> = user
                .projects
                .iter()
                .map(|role| format!("{} of {}", role.role, role.project))
                .collect();
            vec![
                user.id.to_string(),
                user.name.clone(),
                user.role.map_or_else(String::new, |role| role.to_string()),
                projects.join(", "),
                if user.disabled { "kept out" } else { "" }.to_owned(),
                shown::ago_or_never(now, user.signed_in_at),
            ]
        })
        .collect();
    output.table(
        &["Id", "User", "Role", "In projects", "State", "Signed in"],
        &rows,
    );
}
