//! A job that wants at what is the server's.

use std::io::ErrorKind;
use std::net::TcpListener;

use std::fs;
use std::os::unix::fs::symlink;

use keirin_model::Outcome;

use crate::whole_program::pipes::{Bell, Gate};
use crate::whole_program::server::Server;
use crate::whole_program::story::{self, Story, one_job, only_job};
use crate::whole_program::world::{World, keirin};

/// Tries each thing and says what came of it. The first three must be open, or the others prove nothing.
const WORKFLOW: &str = r#"keirin: 1
params:
  data: { type: string }
  socket: { type: string }
  server: { type: string }
  agent: { type: string }
  postgres: { type: string }
  shared: { type: string }
stages:
  work:
    jobs:
      work:
        env:
          DATA: "${{ params.data }}"
          SOCKET: "${{ params.socket }}"
          SERVER: "${{ params.server }}"
          AGENT: "${{ params.agent }}"
          POSTGRES: "${{ params.postgres }}"
          SHARED: "${{ params.shared }}"
        steps:
          - run: |
              try() {
                name=$1; shift
                if "$@" >/dev/null 2>&1; then echo "open: $name"; else echo "refused: $name"; fi
              }
              reach() { perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit 2; connect($s, sockaddr_un($ARGV[0])) or exit 1' "$1"; }
              call() { perl -MSocket -e 'socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or exit 1'; }
              try own-workspace ls .
              try a-socket-of-its-own call
              try file-of-its-user grep secret "$SHARED/home/notes"
              try configuration grep log "$SHARED/keirin.toml"
              try logins grep secret "$SHARED/home/.config/keirin/logins.json"
              try keys grep secret "$SHARED/home/.ssh/key"
              try data-folder ls "$DATA/objects"
              try master-key cat "$DATA/master.key"
              try local-token cat "$DATA/local.json"
              try database-password cat "$DATA/postgres.password"
              try registration cat "$DATA/agent/registration.json"
              try database-files cat "$DATA/postgres/PG_VERSION"
              try mirrors ls "$DATA/mirrors"
              touch "$DATA/planted" || true
              try database-socket reach "$SOCKET/.s.PGSQL.5432"
              try server-environment cat "/proc/$SERVER/environ"
              try agent-environment cat "/proc/$AGENT/environ"
              try postgres-environment cat "/proc/$POSTGRES/environ"
              try server-memory head -c 1 "/proc/$SERVER/mem"
              try agent-files ls "/proc/$AGENT/fd"
              try server-root ls "/proc/$SERVER/root/"
              try killing-server kill -0 "$SERVER"
              try killing-agent kill -0 "$AGENT"
"#;

/// Runs the hostile job in this world; gives what it could do beyond its own things.
pub(crate) async fn what_a_job_can_reach(mut world: World) -> (Story, Vec<String>) {
    put_secrets_where_jobs_look(&mut world);
    let story = Story::begin_in(world, WORKFLOW).await;
    let world = &story.world;
    let params = [
        ("data", world.data().display().to_string()),
        ("socket", world.socket_folder().display().to_string()),
        ("server", story.server.pid().to_string()),
        ("agent", world.agent().to_string()),
        ("postgres", world.postgres().unwrap().to_string()),
        ("shared", world.shared().display().to_string()),
    ];
    let flow = story.start_with(&params).await;
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let mut said = story.output(only_job(&flow)).await;
    assert_eq!(said.len(), 22, "{said:#?}");
    let rest = said.split_off(3);
    let ways = ["own-workspace", "a-socket-of-its-own", "file-of-its-user"];
    assert_eq!(said, ways.map(|way| format!("open: {way}")));
    let open = rest
        .into_iter()
        .filter(|line| !line.starts_with("refused: "))
        .collect();
    (story, open)
}

/// The server's configuration, and a home folder with logins and keys, readable by all, in a folder that jobs may even
/// write in.
fn put_secrets_where_jobs_look(world: &mut World) {
    let home = world.shared().join("home");
    for folder in [".config/keirin", ".ssh"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    for file in ["notes", ".config/keirin/logins.json", ".ssh/key"] {
        fs::write(home.join(file), "secret").unwrap();
    }
    let configuration = world.shared().join("keirin.toml");
    fs::write(&configuration, "log = \"warn\"").unwrap();
    symlink(&configuration, world.path().join("keirin.toml")).unwrap();
    world.settings.push(("HOME", home.display().to_string()));
}

#[tokio::test]
async fn a_job_cannot_reach_what_is_the_servers() {
    let (story, open) = what_a_job_can_reach(World::new()).await;
    assert_eq!(open, Vec::<String>::new());
    assert!(!story.world.data().join("planted").exists());
    // The socket is in the data folder where its path is short enough, and closed wherever it is.
    let agent = std::fs::read(format!("/proc/{}/cmdline", story.world.agent())).unwrap();
    let socket = story.world.socket_folder().display().to_string();
    assert!(
        agent
            .split(|byte| *byte == 0)
            .any(|word| word == socket.as_bytes())
    );
    story.still_works().await;
}

#[tokio::test]
async fn whoever_takes_the_port_of_a_server_that_is_away_is_told_nothing() {
    let world = World::new();
    let gate = Gate::new(&world, "gate");
    let mut bell = Bell::new(&world, "bell");
    let script = "echo waiting; read -r _ < @gates/gate; echo something to tell; echo > @gates/bell";
    let mut story = Story::begin_in(world, &one_job(script)).await;
    let flow = story.start().await;
    story.line(only_job(&flow).id, "waiting").await;

    story.server.kill();
    let other = TcpListener::bind(story.listen()).unwrap();
    other.set_nonblocking(true).unwrap();
    gate.open();
    bell.rings().await;
    // The agent has something to tell now, and somebody at this machine wants to know something.
    let mut command = keirin();
    command.args(["flow", "list", story::PROJECT, "--data-dir"]);
    let asked = command.arg(story.world.data()).output().unwrap();
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(
        !asked.status.success() && said.contains("cannot be reached"),
        "{said}"
    );

    story.server = Server::spawn(&story.world, "127.0.0.1:0");
    story.url = story.server.ready();
    story.client = story::client(&story.world).await;
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    assert_eq!(job.attempts.len(), 1);
    assert_eq!(story.output(job).await, ["waiting", "something to tell"]);
    let called = other.accept().map(drop);
    assert_eq!(called.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
}
