//! A line of 200 MB costs neither agent nor server its memory.

use keirin_client::LogLinesQuery;
use keirin_model::Outcome;

use crate::whole_program::story::{Story, one_job, only_job, peak_memory};

const LINE: u64 = 200_000_000;

#[tokio::test]
async fn a_line_of_200_mb_is_cut_and_memory_stays_bounded() {
    let script = format!("echo before; head -c {LINE} /dev/zero | tr '\\0' x; echo; echo after");
    let story = Story::begin(&one_job(&script)).await;
    let (server, agent) = (story.server.pid(), story.world.agent());
    let before = peak_memory(server) + peak_memory(agent);
    let flow = story.run().await;
    assert_eq!(flow.outcome, Some(Outcome::Success));
    let job = only_job(&flow);
    let page = story.client.log(job.id, &LogLinesQuery::default()).await.unwrap();
    let lines: Vec<_> = page
        .lines
        .iter()
        .filter(|line| line.stream == keirin_wire::log::Stream::Output)
        .collect();
    let shown: Vec<_> = lines
        .iter()
        .map(|line| (line.text.len() as u64, line.cut))
        .collect();
    assert_eq!(shown[0], (6, false));
    assert!(
        shown[1].1 && shown[1].0 < LINE / 100,
        "the long line is cut and says so"
    );
    assert_eq!(lines[2].text, "after");
    let grown = peak_memory(server) + peak_memory(agent) - before;
    assert!(grown < LINE / 2, "server and agent took {grown} bytes more");
    story.still_works().await;
}
