//! `keirin admin retention`, `keirin project retention` and `keirin flow pin`, on a server with the project `app` that has flows.

use crate::admin::Server;
use crate::world::Said;

/// Says how long things are kept, asks for it, and takes it back.
pub(crate) fn is_said_at_the_command_line(server: &Server) {
    let well = |arguments: &[&str]| -> Said {
        let said = server.keirin(arguments);
        assert_eq!(said.exit, 0, "{said:?}");
        said
    };
    let server_says = ["admin", "retention", "--kind", "dev", "--logs", "30d", "--json"];
    let of_server = well(&server_says).document();
    assert_eq!(of_server["effective"]["dev"]["logs"]["keep"], "30d");
    assert_eq!(of_server["effective"]["ci"]["logs"]["keep"], "365d");

    let project = |arguments: &[&str]| server.keirin(&[&["project", "retention", "app"], arguments].concat());
    let set = project(&["--tag", "v*", "--kind", "ci", "--flows", "forever"]);
    assert_eq!(set.exit, 0, "{set:?}");
    let table = well(&["project", "retention", "app"]).output;
    let expected = [
        "Kept          of branches and tags  of proposed changes",
        "flows         365 days              365 days",
        "logs          365 days              30 days, the server's rule",
        "artifacts     365 days              90 days",
        "test results  365 days              365 days",
        "",
        "Tags v*",
        "Kept          of branches and tags         of proposed changes",
        "flows         for ever, the rule for these  365 days",
    ];
    let lines: Vec<Vec<&str>> = table.lines().take(expected.len()).map(words).collect();
    assert_eq!(lines, expected.map(words), "{table}");
    for (arguments, exit, message) in [
        (&["--tag", "w*"][..], 2, "nothing says how long"),
        (&["--flows", "soon"], 2, "90d, 12w or 2y"),
        (&["--branch", "a[", "--flows", "1d"], 2, "`a[` is not a glob"),
        (
            &["--tag", "w*", "--remove"],
            1,
            "there is no rule for the tags `w*`; there are rules for the tags `v*`",
        ),
    ] {
        let refused = project(arguments);
        assert_eq!(refused.exit, exit, "{refused:?}");
        assert!(refused.errors.contains(message), "{refused:?}");
    }
    assert_eq!(project(&["--tag", "v*", "--remove"]).exit, 0);
    let after = well(&["project", "retention", "app", "--json"]).document();
    assert_eq!(after["rules"]["branches"], serde_json::json!([]));

    for (verb, pinned) in [("pin", true), ("unpin", false)] {
        let said = well(&["flow", verb, "app#1", "--json"]).document();
        assert_eq!(said["retention"]["pinned"], pinned);
        let shown = well(&["flow", "show", "app#1"]).output;
        assert_eq!(shown.contains(", pinned"), pinned, "{shown}");
    }
}

/// What stands in a line, however far apart.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
