//! A storage that is really full: jobs and people are told, the server lives, and all goes on once there is room.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use keirin_model::{Outcome, State};
use keirin_wire::log::Stream;

use crate::whole_program::story::{Story, http, only_job};
use crate::whole_program::world::World;

const WORKFLOW: &str = r#"keirin: 1
params:
  what: { type: string }
stages:
  work:
    jobs:
      work:
        env:
          WHAT: "${{ params.what }}"
        steps:
          - run: |
              head -c 300000 /dev/urandom > file
              if [ "$WHAT" = log ]; then base64 file; echo end; fi
          - artifacts: { upload: [file] }
"#;

const ROOM: u64 = 4 << 20;

/// A world whose objects lie in a small file system; `None`, said loudly, where none can be made.
fn small_world(test: &str) -> Option<World> {
    let tried = Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "try", "/tmp"])
        .output();
    match tried {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            println!("skipped: {test}: no file system can be mounted: {why}");
            return None;
        }
        Err(error) => {
            println!("skipped: {test}: unshare cannot be run: {error}");
            return None;
        }
    }
    let mut world = World::new();
    world.room_for_objects = Some(ROOM);
    Some(world)
}

/// What takes all the room that there is, as the server's process sees its folder.
struct Filler(PathBuf);

impl Filler {
    fn fill(story: &Story) -> Self {
        let folder = story.world.objects();
        let seen = PathBuf::from(format!("/proc/{}/root{}", story.server.pid(), folder.display()));
        let path = seen.join("filler");
        let mut file = File::create(&path).unwrap();
        let full = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        Self(path)
    }

    fn make_room(self) {
        fs::remove_file(self.0).unwrap();
    }
}

async fn is_well(story: &Story) -> bool {
    let answer = http().get(story.url.join("readyz").unwrap()).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test]
async fn files_and_logs_wait_for_room_in_a_storage_that_is_full() {
    let Some(world) = small_world("files_and_logs_wait_for_room_in_a_storage_that_is_full") else {
        return;
    };
    let story = Story::begin_in(world, WORKFLOW).await;

    let filler = Filler::fill(&story);
    let flow = story.start_with(&[("what", "file".to_owned())]).await;
    let told = "Not kept yet: `file`: The object storage is full, so the file was not kept. Make room in the object storage. \
                Sending it again.";
    let job = only_job(&flow).id;
    story.line(job, told).await;
    assert!(is_well(&story).await);
    assert_eq!(story.client.flow(flow.id).await.unwrap().state, State::Running);
    filler.make_room();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success), "{flow:#?}");

    let filler = Filler::fill(&story);
    let flow = story.start_with(&[("what", "log".to_owned())]).await;
    story.server.hear("lines of a log were not kept");
    assert!(is_well(&story).await);
    filler.make_room();
    let flow = story.finished(flow.id).await;
    assert_eq!(flow.outcome, Some(Outcome::Success), "{flow:#?}");
    let lines = story.lines(only_job(&flow), Stream::Output).await;
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (5_265, "end"));
    story.still_works().await;
}
