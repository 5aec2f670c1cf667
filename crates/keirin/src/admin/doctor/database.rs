//! PostgreSQL: its programs, whether it answers, its tables, its clock, and who leads on it.

use keirin_commands::shown::ago;
use keirin_console::machine;
use keirin_console::output::duration;
use keirin_model::Timestamp;
use keirin_model::background::BackgroundJobState;
use keirin_store::engine::Leader;
use keirin_store::views::{AgentFilter, VisibleProjects};
use keirin_store::{DatabaseCondition, Store, StoreError};
use keirin_wire::api::Agent;

use super::Check;
use crate::admin::place::has_private_database;
use crate::config::Config;
use crate::serve::data::DataFolder;
use crate::serve::storage::{self, Database};

const PROGRAMS: &str = "PostgreSQL programs";
const POSTGRES: &str = "PostgreSQL";
const TABLES: &str = "tables";
const CLOCK: &str = "clock";
const LEADER: &str = "leader";
const SQL: &str = "SQL for people";
const BACKGROUND: &str = "background jobs";

/// How far apart the clocks may be, in seconds. The database's decides.
const SKEW_SECONDS: f64 = 2.0;

/// What the database says that other checks need.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Who leads, where somebody does.
    pub(super) leader: Option<Leader>,
    /// All agents; `None` where the database cannot say.
    pub(super) agents: Option<Vec<Agent>>,
}

/// Looks at the database; a private one that does not run is started. It is to be closed afterwards.
pub(super) async fn look(
    config: &Config,
    data: Option<&DataFolder>,
    checks: &mut Vec<Check>,
) -> (Facts, Option<Database>) {
    let none = (Facts::default(), None);
    let Some(data) = data else {
        checks.push(Check::skipped(POSTGRES, "there is no data folder"));
        return none;
    };
    if config.database_url.is_none() {
        let options = storage::options(config, data);
        checks.push(match options.search.locate(data.root()).await {
            Ok((folder, major)) => Check::ok(PROGRAMS, format!("version {major} in {}", folder.display())),
            Err(error) => Check::failed(PROGRAMS, &error.into()),
        });
        if !has_private_database(data.root()) {
            checks.push(Check::skipped(
                POSTGRES,
                "no database has been made; a server makes it when it first starts",
            ));
            return none;
        }
    }
    let database = match Database::reach(config, data).await {
        Ok(database) => database,
        Err(error) => {
            checks.push(Check::failed(POSTGRES, &error));
            return none;
        }
    };
    let facts = ask(&database, checks).await;
    (facts, Some(database))
}

async fn ask(database: &Database, checks: &mut Vec<Check>) -> Facts {
    let store = database.store();
    let before = machine::now();
    let condition = match store.condition().await {
        Ok(condition) => condition,
        Err(error) => {
            checks.push(Check::failed(POSTGRES, &error.into()));
            return Facts::default();
        }
    };
    let after = machine::now();
    let how = match database.cluster() {
        None => "answers",
        Some(cluster) if cluster.joined() => "runs, private",
        Some(_) => "was started for this check, private",
    };
    checks.push(Check::ok(POSTGRES, format!("{}, {how}", condition.postgres)));
    let fits = tables(&condition, checks);
    checks.push(clock(&condition, before, after));
    if !fits {
        checks.push(Check::skipped(LEADER, "the tables are of another version"));
        return Facts::default();
    }
    let leader = match store.leader().await {
        Ok(leader) => leader,
        Err(error) => {
            checks.push(Check::failed(LEADER, &error.into()));
            return Facts::default();
        }
    };
    checks.push(leads(leader.as_ref(), condition.now));
    checks.push(people_sql(database).await);
    checks.push(background_jobs(store).await);
    Facts {
        leader: leader.filter(|leader| leader.in_term),
        agents: agents(store, checks).await,
    }
}

/// Whether work that the server does by itself waits for a person.
async fn background_jobs(store: &Store) -> Check {
    let counts = match store.count_background_jobs().await {
        Ok(counts) => counts,
        Err(error) => return Check::failed(BACKGROUND, &error.into()),
    };
    let dead: u64 = counts
        .iter()
        .filter(|count| count.state == BackgroundJobState::Dead)
        .map(|count| count.count)
        .sum();
    match dead {
        0 => Check::ok(BACKGROUND, "none has failed too often"),
        dead => Check::problem(
            BACKGROUND,
            format!("{dead} failed too often"),
            "see why: keirin admin jobs --state dead",
        ),
    }
}

fn tables(condition: &DatabaseCondition, checks: &mut Vec<Check>) -> bool {
    let known = Store::table_version();
    let check = match condition.tables {
        Some(version) if version == known => Check::ok(TABLES, format!("version {version}")),
        Some(version) if version > known => Check::problem(
            TABLES,
            format!("version {version}, and this program knows them up to {known}"),
            "use the newer program",
        ),
        Some(version) => Check::problem(
            TABLES,
            format!("version {version}, and this program works on {known}"),
            "keirin admin migrate, or start the server, which does it too",
        ),
        None => Check::problem(
            TABLES,
            "there are none",
            "keirin admin migrate, or start a server",
        ),
    };
    checks.push(check);
    condition.tables == Some(known)
}

/// The database's clock was read at some time between these two moments of the machine's.
fn clock(condition: &DatabaseCondition, before: Timestamp, after: Timestamp) -> Check {
    let seconds = |later: Timestamp, earlier: Timestamp| later.duration_since(earlier).as_secs_f64();
    let off = seconds(before, condition.now)
        .max(seconds(condition.now, after))
        .max(0.0);
    if off < SKEW_SECONDS {
        Check::ok(CLOCK, "the database's and the machine's agree")
    } else {
        Check::problem(
            CLOCK,
            format!("the database's and the machine's differ by {}", duration(off)),
            "set both machines' clocks by a time server",
        )
    }
}

fn leads(leader: Option<&Leader>, now: Timestamp) -> Check {
    let Some(leader) = leader else {
        return Check::ok(LEADER, "nobody leads: no server runs");
    };
    let since = match leader.since {
        Some(since) => format!(" since {:.0} ({})", since, ago(now, since)),
        None => String::new(),
    };
    if leader.in_term {
        Check::ok(LEADER, format!("{}{since}", leader.holder))
    } else {
        Check::ok(
            LEADER,
            format!("nobody leads; {} did and has ended without a word", leader.holder),
        )
    }
}

/// What holds people's SQL off the functions that others wait for.
async fn people_sql(database: &Database) -> Check {
    let open = match database.store().open_functions().await {
        Ok(open) => open.len(),
        Err(error) => return Check::failed(SQL, &error.into()),
    };
    let checked = "the server looks at the functions of each query";
    match (open, database.cluster()) {
        (0, _) => Check::ok(SQL, format!("{checked}, and the database refuses all others too")),
        (_, Some(_)) => Check::ok(
            SQL,
            format!("{checked}; the database refuses all others too once a server has started"),
        ),
        (open, None) => Check::ok(
            SQL,
            format!(
                "{checked}; whoever signs in to the database by themselves may call {open} others, see docs/sql.md"
            ),
        ),
    }
}

async fn agents(store: &Store, checks: &mut Vec<Check>) -> Option<Vec<Agent>> {
    let agents: Result<_, StoreError> = store
        .agent_views(&VisibleProjects::All, AgentFilter::ALL, machine::now())
        .await;
    match agents {
        Ok(agents) => Some(agents),
        Err(error) => {
            checks.push(Check::failed("agents", &error.into()));
            None
        }
    }
}
