//! From a history on this machine to figures at the command line: import, query, SQL.

use std::time::{Duration, Instant};

use crate::world::{Said, World, git};

/// How long facts may take to become series, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A repository of three commits, one of them the merge of a pull request, and a tag; imported as `shop`.
async fn with_history() -> World {
    let world = World::new().await;
    let path = world.folder.path().join("shop");
    std::fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(path.join("stock.txt"), "one\ntwo\n").unwrap();
    git(&path, &["add", "."]);
    git(&path, &["commit", "--quiet", "--message", "Begin the shop"]);
    git(&path, &["switch", "--quiet", "--create", "basket"]);
    std::fs::write(path.join("stock.txt"), "one\ntwo\nthree\n").unwrap();
    git(
        &path,
        &["commit", "--quiet", "--all", "--message", "Add a basket"],
    );
    git(&path, &["switch", "--quiet", "main"]);
    let merge = "Merge pull request #7 from ada/basket\n\nA basket";
    git(
        &path,
        &["merge", "--quiet", "--no-ff", "--message", merge, "basket"],
    );
    git(&path, &["tag", "v1.0"]);
    let imported = world.keirin(&[
        "import",
        "git",
        path.to_str().unwrap(),
        "--repository",
        "shop",
        "--json",
    ]);
    let new = &imported.document()["new"];
    assert_eq!(
        (&new["commits"], &new["pull_requests"]),
        (&3.into(), &1.into()),
        "{imported:?}"
    );
    world
}

/// Asks until there is data: the server makes series of facts by itself, a little later.
fn until_data(world: &World, query: &[&str]) -> Said {
    let end = Instant::now() + PATIENCE;
    loop {
        let said = world.keirin(query);
        assert_eq!(said.exit, 0, "{said:?}");
        if !said.errors.contains("No data.") {
            return said;
        }
        assert!(Instant::now() < end, "no data came: {said:?}");
    }
}

#[tokio::test]
async fn a_history_answers_promql() {
    let world = with_history().await;
    let commits = r#"sum by (repository) (sum_over_time(keirin_commits_total[2d]))"#;
    let said = until_data(&world, &["query", commits]);
    assert_eq!(said.output, "repository  Value\nshop            2\n");

    let said = world.keirin(&["query", commits, "--json"]).document();
    assert_eq!(said["resultType"], "vector");
    assert_eq!(said["result"][0]["metric"]["repository"], "shop");
    assert_eq!(
        said["result"][0]["value"][1], "2",
        "the merge itself is not counted"
    );

    let daily = "sum by (repository) (keirin_commits_total)";
    let said = world.keirin(&["query", daily, "--range", "2d", "--step", "1d"]);
    let row = said.output.lines().nth(1).unwrap();
    assert!(
        row.starts_with("shop") && row.contains('█') && row.ends_with('2'),
        "{said:?}"
    );
    let said = world.keirin(&["query", daily, "--range", "2d", "--step", "1d", "--csv"]);
    let mut lines = said.output.lines();
    assert_eq!(lines.next(), Some("repository,time,value"));
    assert!(lines.all(|line| line.starts_with("shop,2")), "{said:?}");

    let said = world.keirin(&["query", "1 + 1"]);
    assert_eq!(said.output, "2\n");
}

/// Asks until a query has this one value; `None` is no data.
fn until_value(world: &World, query: &str, wanted: Option<&str>) {
    let end = Instant::now() + PATIENCE;
    loop {
        let said = world.keirin(&["query", query, "--json"]).document();
        let value = said["result"][0]["value"][1].as_str();
        if value == wanted {
            return;
        }
        assert!(Instant::now() < end, "{query} never was {wanted:?}: {said}");
    }
}

#[tokio::test]
async fn figures_agree_with_git_after_its_history_was_rewritten() {
    let world = with_history().await;
    let commits = "sum(sum_over_time(keirin_commits_total[2d]))";
    let lines = r#"sum(sum_over_time(keirin_commit_lines_total{change="added"}[2d]))"#;
    let merged = "sum(sum_over_time(keirin_merges_total[2d])) > 0";
    let releases = "sum(sum_over_time(keirin_releases_total[2d])) > 0";
    until_value(&world, commits, Some("2"));
    until_value(&world, lines, Some("3"));
    until_value(&world, merged, Some("1"));
    until_value(&world, releases, Some("1"));
    let path = world.folder.path().join("shop");
    git(&path, &["reset", "--quiet", "--hard", "HEAD~1"]);
    git(&path, &["tag", "--delete", "v1.0"]);
    let import = world.keirin(&["import", "git", path.to_str().unwrap(), "--repository", "shop"]);
    assert_eq!(import.exit, 0, "{import:?}");
    until_value(&world, commits, Some("1"));
    until_value(&world, lines, Some("2"));
    until_value(&world, merged, None);
    until_value(&world, releases, None);
}

#[tokio::test]
async fn a_query_that_is_wrong_or_finds_nothing_says_why() {
    let world = World::new().await;
    let said = world.keirin(&["query", "sum(keirin_commits_total) +* 2"]);
    assert_eq!((said.exit, said.output.as_str()), (2, ""));
    let lines: Vec<&str> = said.errors.lines().collect();
    let shown = lines
        .iter()
        .position(|line| line.contains("sum(keirin_commits_total) +* 2"))
        .unwrap();
    let fault = lines[shown].find('*').unwrap();
    assert_eq!(lines[shown + 1].find('^'), Some(fault), "{said:?}");

    let said = world.keirin(&["query", "keirin_comits_total"]);
    assert_eq!((said.exit, said.output.as_str()), (0, ""));
    assert!(
        said.errors
            .starts_with("No data.\nThere is no metric called keirin_comits_total."),
        "{said:?}"
    );
    let said = world.keirin(&["query", "keirin_commits_total", "--json"]);
    assert_eq!(said.document()["result"], serde_json::json!([]));

    let said = world.keirin(&["query", "up", "--step", "1d"]);
    assert!(said.exit != 0 && said.errors.contains("--range"), "{said:?}");
}

#[tokio::test]
async fn a_history_is_read_in_sql() {
    let world = with_history().await;
    let query = "select author, count(*) as commits, sum(lines_added) as added from commits group by 1";
    let said = world.keirin(&["sql", query]);
    assert_eq!(
        said.output, "author    commits  added\nSomebody        3      3\n",
        "{said:?}"
    );
    let said = world.keirin_typing(
        &["sql", "-", "--csv"],
        "select number, title, branch\nfrom pull_requests;\n",
    );
    assert_eq!(
        said.output, "number,title,branch\n7,A basket,basket\n",
        "{said:?}"
    );
    let said = world
        .keirin(&["sql", "select name from releases", "--json"])
        .document();
    assert_eq!(said["rows"], serde_json::json!([["v1.0"]]));

    let said = world.keirin(&["sql", "select author,\n  subjct\nfrom commits"]);
    assert_eq!((said.exit, said.output.as_str()), (2, ""));
    assert!(
        said.errors.contains(r#"column "subjct" does not exist"#),
        "{said:?}"
    );
    assert!(said.errors.contains("2 |   subjct\n  |   ^^^^^^"), "{said:?}");

    let said = world.keirin(&["sql"]);
    assert!(
        said.output.contains("\npull_requests  Pull requests that"),
        "{said:?}"
    );
    assert!(said.output.contains("  lead_time        interval"), "{said:?}");
}

#[tokio::test]
async fn events_are_pushed_with_their_time() {
    let world = World::new().await;
    let push = |arguments: &[&str], typed: &str| {
        let said = world.keirin_typing(&[&["push"], arguments].concat(), typed);
        assert_eq!(said.exit, 0, "{said:?}");
        said.errors
    };
    let build = [r#"build_duration_seconds{branch="main"}"#, "12.5"];
    let labels = ["--label", "os=debian", "--job", "nightly", "--time", "2h"];
    assert_eq!(
        push(&[build.as_slice(), &labels].concat(), ""),
        "Pushed 1 sample.\n"
    );
    let text = "# TYPE rooms gauge\nrooms{floor=\"1\"} 3\nrooms{floor=\"2\"} 4\n";
    assert_eq!(push(&["--file", "-"], text), "Pushed 2 samples.\n");
    let lines = "disk,host=one used=5i,free=7i\n";
    assert_eq!(
        push(&["--file", "-", "--format", "influx"], lines),
        "Pushed 2 samples.\n"
    );

    let build = world.keirin(&["query", "last_over_time(build_duration_seconds[3h])", "--csv"]);
    assert!(build.output.contains("main,nightly,debian,"), "{build:?}");
    let now = world.keirin(&["query", "build_duration_seconds"]);
    assert!(now.errors.contains("No data."), "it was two hours ago: {now:?}");
    assert_eq!(world.keirin(&["query", "sum(rooms)"]).output, "Value\n    7\n");
    let disk = world.keirin(&["query", "disk_free"]).output;
    assert_eq!(disk, "metric     host  Value\ndisk_free  one       7\n");

    let said = world.keirin(&["push", "rooms", "1", "--project", "nowhere"]);
    assert!(said.exit != 0 && said.errors.contains("Not Found"), "{said:?}");
    let said = world.keirin_typing(&["push", "--file", "-"], "rooms three\n");
    assert!(said.exit != 0 && said.errors.contains("line 1"), "{said:?}");
}
