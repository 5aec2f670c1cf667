//! `keirin admin audit`: who has changed what. And what commands on the server's own machine write there.

use clap::Args;
use keirin_client::AuditQuery;
use keirin_commands::flow::PageArguments;
use keirin_commands::query::When;
use keirin_commands::reach::On;
use keirin_console::exit::CommandExit;
use keirin_console::machine;
use keirin_console::output::Output;
use keirin_model::AuditEntryId;
use keirin_model::access::{ChangeOutcome, Principal, PrincipalKind};
use keirin_store::Store;
use keirin_store::audit::{AuditDetails, AuditEnd, NewAuditEntry};
use keirin_wire::api::AuditEntry;

/// Lists who has changed what, the newest first
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(flatten)]
    list: On<ListArguments>,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Only changes by whoever had this name, also with a token
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only changes of the project that had this name
    #[arg(long)]
    project: Option<String>,
    /// Only this operation, as in users_change
    #[arg(long)]
    operation: Option<String>,
    /// Only those with this outcome: made, refused, failed, open
    #[arg(long)]
    outcome: Option<ChangeOutcome>,
    /// Only those from then on: a time as in 2026-01-31T12:00:00Z, a date, seconds since 1970, or so long ago as in 7d
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
    /// Only those before then
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    #[command(flatten)]
    page: PageArguments,
}

/// Does what was asked.
pub(super) async fn audit(arguments: AuditArguments, output: &Output) -> anyhow::Result<CommandExit> {
    let (client, list) = arguments.list.connect()?;
    let now = machine::now();
    let which = AuditQuery {
        by: list.by,
        project: list.project,
        operation: list.operation,
        outcome: list.outcome,
        since: list.since.map(|since| since.at(now)),
        until: list.until.map(|until| until.at(now)),
        cursor: list.page.cursor,
        limit: Some(list.page.limit),
    };
    let page = client.audit_log(&which).await?;
    if output.is_json() {
        output.document(&page);
        return Ok(CommandExit::Success);
    }
    if page.items.is_empty() {
        output.say("Nobody has changed anything of that kind.");
        return Ok(CommandExit::Success);
    }
    let rows: Vec<Vec<String>> = page.items.iter().map(row).collect();
    output.table(
        &["Time", "Who", "From", "What", "Project", "About", "Outcome"],
        &rows,
    );
    PageArguments::hint(page.next_cursor.as_deref(), output);
    Ok(CommandExit::Success)
}

fn row(entry: &AuditEntry) -> Vec<String> {
    let about: Vec<String> = entry
        .details
        .iter()
        .map(|(what, value)| format!("{what}={value}"))
        .collect();
    let outcome = match (entry.outcome, entry.status) {
        (ChangeOutcome::Refused | ChangeOutcome::Failed, Some(status)) => {
            format!("{} ({status})", entry.outcome)
        }
        _ => entry.outcome.to_string(),
    };
    vec![
        format!("{:.0}", entry.at),
        who(entry),
        entry.address.clone().unwrap_or_else(|| "this machine".to_owned()),
        entry.summary.clone(),
        entry.project.clone().unwrap_or_default(),
        about.join(", "),
        outcome,
    ]
}

fn who(entry: &AuditEntry) -> String {
    let by = &entry.by;
    let id = by.id.as_deref().unwrap_or_default();
    match (by.kind, &by.name) {
        (None, _) => "nobody known".to_owned(),
        (Some(PrincipalKind::Token), Some(name)) => format!("{name}, by token {id}"),
        (Some(PrincipalKind::Agent), Some(name)) => format!("agent {name}"),
        (Some(_), Some(name)) => name.clone(),
        (Some(kind), None) => format!("{kind} {id}"),
    }
}

/// Writes down that a command on the server's own machine is about to change something.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn begin(
    store: &Store,
    command: &str,
    details: &AuditDetails,
) -> anyhow::Result<AuditEntryId> {
    let by = Principal {
        kind: PrincipalKind::Service,
        id: None,
        name: Some(format!("{command} on {}", machine::host_name())),
    };
    let entry = NewAuditEntry {
        at: machine::now(),
        request: "",
        by: Some(&by),
        address: None,
        operation: command,
        project: None,
        details,
    };
    Ok(store.begin_audit_entry(entry).await?)
}

/// Writes down that it has been changed.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn made(store: &Store, entry: AuditEntryId) -> anyhow::Result<()> {
    let end = AuditEnd {
        outcome: ChangeOutcome::Made,
        status: None,
        by: None,
        project: None,
        details: &AuditDetails::new(),
    };
    Ok(store.end_audit_entry(entry, end).await?)
}
