//! Files kept and brought back, and what is not let in or out.

use keirin_model::Outcome::{Failed, Success};
use keirin_model::plan::{Artifacts, StepPlan, Tool};
use keirin_wire::log::Stream;

use crate::bench::{Bench, job, shell, step};
use crate::server::Weather;

fn upload(paths: &[&str]) -> StepPlan {
    step(Tool::Artifacts(Artifacts::Upload {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    }))
}

fn download(paths: &[&str], destination: Option<&str>) -> StepPlan {
    step(Tool::Artifacts(Artifacts::Download {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        from: Vec::new(),
        destination: destination.map(str::to_owned),
    }))
}

fn download_from(path: &str, job: &str) -> StepPlan {
    step(Tool::Artifacts(Artifacts::Download {
        paths: vec![path.to_owned()],
        from: vec![job.to_owned()],
        destination: None,
    }))
}

#[tokio::test]
async fn files_are_kept_and_brought_back_through_a_storm() {
    let bench = Bench::start();
    bench.server.change(|state| state.weather = Weather::Stormy);
    let make = shell(
        "mkdir -p dist/sub; seq 1 100000 > dist/numbers; echo b > dist/sub/b; : > dist/empty; echo c > c",
    );
    let record = bench.run(job(vec![make, upload(&["dist"])])).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    let mut kept: Vec<String> = bench
        .server
        .state()
        .files
        .iter()
        .map(|(kept, _)| kept.path.clone())
        .collect();
    kept.sort();
    assert_eq!(kept, ["dist/empty", "dist/numbers", "dist/sub/b"]);

    let look = shell("cd back/dist; tail -n 1 numbers; cat sub/b; test -e empty");
    let record = bench
        .run(job(vec![download(&["dist/**"], Some("back")), look]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    assert_eq!(record.lines(Stream::Output), ["100000", "b"]);
}

#[tokio::test]
async fn what_would_lead_out_of_the_workspace_is_refused_and_named() {
    let bench = Bench::start();
    let outside = bench.path().join("outside");
    std::fs::write(&outside, "secret").unwrap();
    let link = format!("ln -s {} link", outside.display());
    for (paths, expected) in [
        (["../outside"], "`..` leads out of it"),
        (["/etc/passwd"], "it is absolute"),
        (["link"], "`link` is a link out of the workspace"),
        (["nothing/*"], "no file matches `nothing/*`"),
    ] {
        let record = bench.run(job(vec![shell(&link), upload(&paths)])).await;
        let (outcome, _, message) = record.finished().unwrap();
        assert_eq!(outcome, Failed);
        assert!(message.as_ref().unwrap().contains(expected), "{message:?}");
    }
    assert!(bench.server.state().files.is_empty());
}

#[tokio::test]
async fn a_link_inside_the_workspace_is_kept_as_the_file_behind_it() {
    let bench = Bench::start();
    let record = bench
        .run(job(vec![
            shell("echo v1 > lib.so.1; ln -s lib.so.1 lib.so"),
            upload(&["lib.so"]),
        ]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success);
    assert_eq!(bench.server.state().files[0].1, b"v1\n");
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let bench = Bench::start();
    let outside = bench.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    bench
        .run(job(vec![shell("mkdir a; echo x > a/x"), upload(&["a/x"])]))
        .await;
    let record = bench
        .run(job(vec![
            shell(&format!("ln -s {} a", outside.display())),
            download(&["a/x"], None),
        ]))
        .await;
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Failed);
    assert!(
        message.as_ref().unwrap().contains("`a` on the way is a link"),
        "{message:?}"
    );
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_arrives_damaged_is_not_taken_for_good() {
    let bench = Bench::start();
    bench.run(job(vec![shell("echo x > x"), upload(&["x"])])).await;
    bench.server.change(|state| state.files[0].1[0] ^= 1);
    let (outcome, _, message) = bench
        .run(job(vec![download(&["x"], None)]))
        .await
        .finished()
        .unwrap();
    assert_eq!(outcome, Failed);
    assert!(message.unwrap().contains("arrived damaged"));
}

#[tokio::test]
async fn a_path_from_the_server_is_checked_too() {
    let bench = Bench::start();
    bench.run(job(vec![shell("echo x > x"), upload(&["x"])])).await;
    bench
        .server
        .change(|state| state.files[0].0.path = "../../x".to_owned());
    let (outcome, _, message) = bench
        .run(job(vec![download(&["**"], None)]))
        .await
        .finished()
        .unwrap();
    assert_eq!(outcome, Failed);
    assert!(message.unwrap().contains("`..` leads out of it"));
}

#[tokio::test]
async fn too_many_files_and_too_many_bytes_are_refused() {
    let bench = Bench::start_with(|config| {
        config.limits.artifact_files = 3;
        config.limits.artifact_bytes = 100;
    });
    let record = bench.run(job(vec![shell("touch 1 2 3 4"), upload(&["*"])])).await;
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("more than 3 files")
    );
    let record = bench
        .run(job(vec![shell("seq 1 100 > big"), upload(&["*"])]))
        .await;
    assert!(
        record
            .finished()
            .unwrap()
            .2
            .unwrap()
            .contains("more than 100 bytes")
    );
}

#[tokio::test]
async fn a_file_that_may_be_run_may_be_run_when_it_is_back() {
    let bench = Bench::start();
    let make = shell("printf '#!/bin/sh\\necho runs\\n' > run; chmod 711 run; echo data > data; umask 077");
    let record = bench.run(job(vec![make, upload(&["run", "data"])])).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    let look = shell("./back/run; stat -c %a back/run back/data");
    let record = bench
        .run(job(vec![download(&["run", "data"], Some("back")), look]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    assert_eq!(record.lines(Stream::Output), ["runs", "755", "644"]);
}

#[tokio::test]
async fn a_path_that_several_jobs_keep_is_brought_back_only_by_the_name_of_one() {
    let bench = Bench::start();
    for point in ["one", "two"] {
        bench
            .server
            .change(|state| state.job_name = format!("up ({point})"));
        let make = shell(&format!("echo {point} > result; echo same > licence"));
        let record = bench.run(job(vec![make, upload(&["result", "licence"])])).await;
        assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    }
    for refused in [download(&["result"], None), download_from("result", "up")] {
        let (outcome, _, message) = bench.run(job(vec![refused])).await.finished().unwrap();
        assert_eq!(outcome, Failed);
        assert_eq!(
            message.unwrap(),
            "`result` is kept by several jobs, each with its own content: `build/up (one)`, `build/up (two)`; name one \
             of them by `from`, or keep the files under different paths"
        );
    }
    for (from, content) in [("up (one)", "one"), ("build/up (two)", "two")] {
        let record = bench
            .run(job(vec![download_from("result", from), shell("cat result")]))
            .await;
        assert_eq!(record.lines(Stream::Output), [content]);
    }
    let record = bench
        .run(job(vec![download(&["licence"], None), shell("cat licence")]))
        .await;
    assert_eq!(
        record.lines(Stream::Output),
        ["same"],
        "which one comes makes no difference"
    );
    let nobody = bench.run(job(vec![download_from("result", "upper")])).await;
    let (_, _, message) = nobody.finished().unwrap();
    assert!(
        message
            .unwrap()
            .starts_with("no file that `result` names is kept by `upper`"),
        "neither job is called that"
    );
}

#[tokio::test]
async fn what_matches_and_is_not_kept_is_named_and_the_rest_is_kept() {
    let bench = Bench::start();
    let make =
        shell("mkdir -p out/empty; echo a > out/a; ln -s gone out/dead; cp out/a \"out/$(printf 'l\\351')\"");
    let record = bench.run(job(vec![make, upload(&["out"])])).await;
    assert_eq!(record.finished().unwrap().0, Success, "{:?}", record.finished());
    let said = record.lines(Stream::Agent).join("\n");
    for line in [
        "Not kept: `out/dead`: it is a link that leads nowhere: there is no `gone`",
        "Not kept: `out/empty`: it is an empty folder",
        "Not kept: `out/l\u{fffd}`: its name is not valid UTF-8",
        "Kept 1 file, 2 bytes; 3 not kept, named above",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let record = bench
        .run(job(vec![shell("ln -s gone dead"), upload(&["dead"])]))
        .await;
    let (outcome, _, message) = record.finished().unwrap();
    assert_eq!(outcome, Failed, "nothing is kept at all");
    assert!(message.unwrap().contains("the lines above say why"));
}

#[tokio::test]
async fn a_storage_that_is_full_is_told_at_once_and_fails_the_step_in_its_time() {
    let bench = Bench::start_with(|config| config.patience.upload = std::time::Duration::from_millis(200));
    bench.server.change(|state| state.is_storage_full = true);
    let record = bench.run(job(vec![shell("echo x > x"), upload(&["x"])])).await;
    assert_eq!(record.steps(), [Success, Failed]);
    let log = record.lines(Stream::Agent);
    let told = "Not kept yet: `x`: the storage is full. Sending it again.";
    assert_eq!(log.iter().filter(|line| *line == told).count(), 1, "{log:?}");
    let (_, _, message) = record.finished().unwrap();
    let message = message.unwrap();
    assert!(
        message.starts_with("`x` could not be kept within 0 s of trying: the storage is full."),
        "{message}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for_however_long() {
    let bench = Bench::start_with(|config| config.patience.upload = std::time::Duration::ZERO);
    bench.server.change(|state| state.is_away_for_files = true);
    let attempt = bench.give(job(vec![shell("echo x > x"), upload(&["x"])]));
    let told = "Not kept yet: `x`: the server cannot be reached: nobody answers. Sending it again.";
    bench.server.line(attempt, told).await;
    bench.server.change(|state| state.is_away_for_files = false);
    let record = bench.server.finished(attempt).await;
    assert_eq!(record.steps(), [Success, Success]);
}

#[tokio::test]
async fn a_download_that_waits_for_the_server_says_so() {
    let bench = Bench::start();
    bench
        .run(job(vec![shell("echo x > file"), upload(&["file"])]))
        .await;
    bench.server.change(|state| state.hides_files_once = true);
    let record = bench
        .run(job(vec![download(&["file"], None), shell("cat file")]))
        .await;
    assert_eq!(record.finished().unwrap().0, Success, "{:#?}", record.log);
    let line = "Asking again: the server cannot be reached: no route to host";
    assert!(record.has_line(line), "{:#?}", record.log);
}
