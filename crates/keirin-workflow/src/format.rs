//! The one description of the workflow format: every key with its shape and its documentation. The checker and the JSON
//! Schema are both made from this table, so they cannot drift apart.

use crate::shape::{Key, Names, Record, Shape};

/// Stages of a workflow.
pub(crate) const MOST_STAGES: usize = 256;
/// Jobs of a workflow, each point of a matrix counted.
pub(crate) const MOST_JOBS: usize = 4096;
/// Steps of a job.
pub(crate) const MOST_STEPS: usize = 256;

/// Triggers of each kind that fire by time.
pub(crate) const MOST_TIMED: usize = 100;

/// Keys that the format keeps for what is not built yet; a workflow that says them would silently mean less.
pub(crate) const RESERVED: &[&str] = &[
    "services",
    "outputs",
    "include",
    "allow_failure",
    "permissions",
    "cache",
    "locks",
    "approval",
    "shards",
];
/// Reserved where it is not a step's condition.
pub(crate) const RESERVED_WHEN: &str = "when";
/// A trigger that is not built yet.
pub(crate) const RESERVED_TRIGGER: &str = "upstream";

/// Who may start a guarded stage.
pub(crate) const ROLES: &[&str] = &["viewer", "developer", "maintainer", "admin"];
/// Where steps run. Only `bare` is offered by the agents of this version; a plan with another one is refused.
pub(crate) const EXECUTORS: &[&str] = &["bare", "docker", "lxd", "kubernetes"];
/// What a parameter holds.
pub(crate) const PARAM_TYPES: &[&str] = &["string", "choice", "boolean", "number"];
/// The conditions that are no expression.
pub(crate) const CONDITIONS: &[&str] = &["success", "failure", "always"];
/// The tools, and `run` as the short form of `shell`.
pub(crate) const TOOLS: &[&str] = &["run", "shell", "git", "artifacts", "junit_collect"];

/// Text of the file itself, without expressions.
const FIXED: Shape = Shape::Text {
    may_be_empty: false,
    template: false,
};
const FIXED_OR_EMPTY: Shape = Shape::Text {
    may_be_empty: true,
    template: false,
};
/// Text in which expressions may stand.
const TEMPLATE: Shape = Shape::Text {
    may_be_empty: false,
    template: true,
};
const TEMPLATE_OR_EMPTY: Shape = Shape::Text {
    may_be_empty: true,
    template: true,
};
const BOOLEAN: Shape = Shape::Boolean { template: false };
const BOOLEAN_TEMPLATE: Shape = Shape::Boolean { template: true };
const DURATION: Shape = Shape::Duration { template: false };
const DURATION_TEMPLATE: Shape = Shape::Duration { template: true };
const FIXED_LIST: Shape = Shape::OneOrMany {
    item: &FIXED,
    least: 0,
    most: MOST_JOBS,
};
const TEMPLATE_LIST: Shape = Shape::OneOrMany {
    item: &TEMPLATE,
    least: 0,
    most: 1000,
};
const PATHS: Shape = Shape::OneOrMany {
    item: &TEMPLATE,
    least: 1,
    most: 1000,
};
const ENVIRONMENT: Shape = Shape::Map {
    keys: Names::Identifiers,
    value: &TEMPLATE_OR_EMPTY,
    least: 0,
    most: 1000,
};
const EXECUTOR: Shape = Shape::Word {
    words: EXECUTORS,
    template: true,
};
const PRIORITY: Shape = Shape::Integer {
    least: -1000,
    most: 1000,
    template: true,
};
const POINTS: Shape = Shape::List {
    item: &POINT,
    least: 0,
    most: MOST_JOBS,
};
const POINT: Shape = Shape::Map {
    keys: Names::Identifiers,
    value: &FIXED_OR_EMPTY,
    least: 1,
    most: 20,
};
const AXIS: Shape = Shape::List {
    item: &FIXED_OR_EMPTY,
    least: 1,
    most: MOST_JOBS,
};

/// The whole file.
pub(crate) static WORKFLOW: Record = Record::new(
    "a workflow",
    "A Keirin workflow: what starts flows, and the stages of jobs of steps that a flow goes through.",
    &[
        Key::required("keirin", Shape::Version(1), "The version of the format: 1."),
        Key::new(
            "triggers",
            Shape::OrNothing(&Shape::Record(&TRIGGERS)),
            "What starts flows. People may always start them unless `manual: false`.",
        ),
        Key::new(
            "params",
            Shape::Map {
                keys: Names::Identifiers,
                value: &Shape::Record(&PARAM),
                least: 0,
                most: 100,
            },
            "What a flow can be started with; read as `params.NAME` in expressions.",
        ),
        Key::new(
            "defaults",
            Shape::Record(&DEFAULTS),
            "What every job takes unless it says otherwise.",
        ),
        Key::new(
            "concurrency",
            Shape::Record(&CONCURRENCY),
            "Which flows may not run at the same time.",
        ),
        Key::required(
            "stages",
            Shape::Map {
                keys: Names::Dashed,
                value: &Shape::Record(&STAGE),
                least: 1,
                most: MOST_STAGES,
            },
            "The stages by name.",
        ),
    ],
);

static TRIGGERS: Record = Record::new(
    "the triggers",
    "What starts flows; a kind of event that is not named starts nothing.",
    &[
        Key::new(
            "push",
            Shape::OrNothing(&Shape::Record(&PUSH)),
            "New commits on branches, and tags.",
        ),
        Key::new(
            "pull_request",
            Shape::OrNothing(&Shape::Record(&PULL_REQUEST)),
            "Changes proposed to a branch.",
        ),
        Key::new(
            "cron",
            Shape::OneOrMany {
                item: &Shape::Record(&CRON),
                least: 1,
                most: MOST_TIMED,
            },
            "At the times of a cron expression.",
        ),
        Key::new(
            "interval",
            Shape::OneOrMany {
                item: &Shape::Record(&EVERY),
                least: 1,
                most: MOST_TIMED,
            },
            "Every so often.",
        ),
        Key::new(
            "date",
            Shape::OneOrMany {
                item: &Shape::Record(&DATE),
                least: 1,
                most: MOST_TIMED,
            },
            "Once, at a time.",
        ),
        Key::new(
            "manual",
            Shape::OrNothing(&Shape::Either {
                scalar: &BOOLEAN,
                map: &MANUAL,
            }),
            "Whether people may start flows by hand, and who; any developer unless said.",
        ),
        Key::new(
            "poll",
            Shape::Record(&EVERY),
            "Looks at the repository so often, in place of the server's own times; a new commit starts a flow.",
        ),
    ],
);

static PUSH: Record = Record {
    main: Some("branches"),
    ..Record::new(
        "the push trigger",
        "Which pushes start a flow.",
        &[
            Key::new(
                "branches",
                FIXED_LIST,
                "Globs over branch names; the default branch unless said. `*` stays within a name, `**` crosses `/`, `!` leaves out.",
            ),
            Key::new(
                "tags",
                FIXED_LIST,
                "Globs over tag names, as in `branches`; no tag starts a flow unless said.",
            ),
            Key::new(
                "paths",
                FIXED_LIST,
                "Globs over changed paths; any change unless said. `*` stays within a name, `**` goes over folders, `!` leaves out.",
            ),
        ],
    )
};

static PULL_REQUEST: Record = Record {
    main: Some("branches"),
    ..Record::new(
        "the pull request trigger",
        "Which proposed changes start a flow.",
        &[
            Key::new(
                "branches",
                FIXED_LIST,
                "Globs over the branches that changes are proposed to; all unless said.",
            ),
            Key::new(
                "paths",
                FIXED_LIST,
                "Globs over changed paths; any change unless said. `*` stays within a name, `**` goes over folders, `!` leaves out.",
            ),
        ],
    )
};

static CRON: Record = Record {
    main: Some("schedule"),
    ..Record::new(
        "a cron trigger",
        "A cron expression in a time zone.",
        &[
            Key::required(
                "schedule",
                FIXED,
                "Five fields: minute, hour, day of month, month, day of week.",
            ),
            Key::new("timezone", FIXED, "Such as `Europe/Berlin`; `UTC` unless said."),
        ],
    )
};

static EVERY: Record = Record {
    main: Some("every"),
    ..Record::new(
        "a span of time",
        "How often.",
        &[Key::required("every", DURATION, "Such as `10m`.")],
    )
};

static DATE: Record = Record {
    main: Some("at"),
    ..Record::new(
        "a date",
        "One moment.",
        &[Key::required(
            "at",
            FIXED,
            "Such as `2030-01-31T12:00:00Z` or `2030-01-31T12:00[Europe/Berlin]`.",
        )],
    )
};

static PARAM: Record = Record::new(
    "a parameter",
    "What a flow can be started with.",
    &[
        Key::new(
            "type",
            Shape::Word {
                words: PARAM_TYPES,
                template: false,
            },
            "What it holds; `string` unless said.",
        ),
        Key::new(
            "choices",
            Shape::List {
                item: &FIXED_OR_EMPTY,
                least: 1,
                most: 1000,
            },
            "What may be chosen, for type `choice`.",
        ),
        Key::new(
            "default",
            FIXED_OR_EMPTY,
            "Its value unless one is given; without a default one must be given.",
        ),
        Key::new("description", FIXED, "What people read beside it."),
    ],
);

static DEFAULTS: Record = Record::new(
    "the defaults",
    "What every job takes unless it says otherwise.",
    &[
        Key::new(
            "executor",
            EXECUTOR,
            "Where the steps run; `bare` unless said, and no agent offers another one yet.",
        ),
        Key::new(
            "system",
            TEMPLATE,
            "An image or an operating system, for executors that want one; `bare` does not.",
        ),
        Key::new("group", TEMPLATE, "The agents group; `all` unless said."),
        Key::new(
            "labels",
            TEMPLATE_LIST,
            "Labels that an agent must have, all of them.",
        ),
        Key::new("priority", PRIORITY, "Higher goes first; 0 unless said."),
        Key::new(
            "timeout",
            DURATION_TEMPLATE,
            "How long an attempt at a job may take; `1h` unless said.",
        ),
    ],
);

static CONCURRENCY: Record = Record {
    main: Some("group"),
    ..Record::new(
        "the concurrency",
        "Flows of one project in one group run one after the other.",
        &[
            Key::required("group", TEMPLATE, "The group's name."),
            Key::new(
                "cancel_in_progress",
                BOOLEAN_TEMPLATE,
                "Whether a newer flow cancels the older ones of its group instead of waiting for them.",
            ),
        ],
    )
};

static STAGE: Record = Record::new(
    "a stage",
    "Jobs that start together once the stages before them have ended well.",
    &[
        Key::new(
            "needs",
            FIXED_LIST,
            "Stages that must end well before this one starts.",
        ),
        Key::new(
            "start",
            Shape::Either {
                scalar: &Shape::Word {
                    words: &["automatic", "manual"],
                    template: false,
                },
                map: &START,
            },
            "What starts it once its needs are done; `automatic` unless said.",
        ),
        Key::new("environment", TEMPLATE, "The environment that it deploys to."),
        Key::new(
            "exclusive",
            BOOLEAN_TEMPLATE,
            "Whether only one run of this stage (or of its environment) may be under way in the project.",
        ),
        Key::new("timeout", DURATION_TEMPLATE, "How long a run may take."),
        Key::required(
            "jobs",
            Shape::Map {
                keys: Names::Dashed,
                value: &Shape::Record(&JOB),
                least: 1,
                most: MOST_JOBS,
            },
            "The jobs by name.",
        ),
    ],
);

static START: Record = Record::new(
    "the start of a stage",
    "What starts a stage once its needs are done.",
    &[Key::required(
        "manual",
        Shape::OrNothing(&Shape::Record(&MANUAL)),
        "A person starts it.",
    )],
);

static MANUAL: Record = Record {
    main: Some("role"),
    ..Record::new(
        "a manual start",
        "Who may start a stage, or flows, by hand.",
        &[Key::new(
            "role",
            Shape::Word {
                words: ROLES,
                template: false,
            },
            "The lowest role that may start it; `developer` unless said.",
        )],
    )
};

static JOB: Record = Record::new(
    "a job",
    "Steps that run one after the other in one workspace.",
    &[
        Key::new(
            "matrix",
            Shape::Record(&MATRIX),
            "Makes a job of each combination; read as `matrix.AXIS` in expressions.",
        ),
        Key::new(
            "needs",
            FIXED_LIST,
            "Jobs of this stage that must end well before this one starts.",
        ),
        Key::new("retry", Shape::Record(&RETRY), "How often it is tried again."),
        Key::new("env", ENVIRONMENT, "Environment variables of every step."),
        Key::new(
            "executor",
            EXECUTOR,
            "Where the steps run; `bare` unless said, and no agent offers another one yet.",
        ),
        Key::new(
            "system",
            TEMPLATE,
            "An image or an operating system, for executors that want one; `bare` does not.",
        ),
        Key::new("group", TEMPLATE, "The agents group; `all` unless said."),
        Key::new(
            "labels",
            TEMPLATE_LIST,
            "Labels that an agent must have, all of them.",
        ),
        Key::new("priority", PRIORITY, "Higher goes first; 0 unless said."),
        Key::new(
            "timeout",
            DURATION_TEMPLATE,
            "How long an attempt may take; `1h` unless said.",
        ),
        Key::required(
            "steps",
            Shape::List {
                item: &Shape::Record(&STEP),
                least: 1,
                most: MOST_STEPS,
            },
            "What it does, in order.",
        ),
    ],
);

static MATRIX: Record = Record {
    others: Some((Names::Identifiers, &AXIS)),
    ..Record::new(
        "a matrix",
        "Axes with their values. Each combination of one value of every axis makes a job.",
        &[
            Key::new(
                "exclude",
                POINTS,
                "Combinations to leave out: each map leaves out all that agree with it.",
            ),
            Key::new(
                "include",
                POINTS,
                "Combinations to add; they may name axes of their own.",
            ),
        ],
    )
};

static RETRY: Record = Record::new(
    "a retry",
    "How often a job is tried again.",
    &[Key::new(
        "lost",
        Shape::Integer {
            least: 0,
            most: 10,
            template: true,
        },
        "How many attempts that lost their agent are followed by another; 1 unless said.",
    )],
);

static STEP: Record = Record {
    one_of: TOOLS,
    ..Record::new(
        "a step",
        "One tool with what it is asked to do.",
        &[
            Key::new("run", TEMPLATE, "A script: short for `shell: { run: ... }`."),
            Key::new("shell", Shape::Record(&SHELL), "Runs a script."),
            Key::new(
                "git",
                Shape::Record(&GIT),
                "Checks out a repository; `.` is the flow's own at its commit.",
            ),
            Key::new(
                "artifacts",
                Shape::Record(&ARTIFACTS),
                "Keeps files with the flow, or brings kept files back.",
            ),
            Key::new(
                "junit_collect",
                Shape::Record(&JUNIT_COLLECT),
                "Reads JUnit report files into test results.",
            ),
            Key::new("name", TEMPLATE, "What people read."),
            Key::new(
                "when",
                Shape::Word {
                    words: CONDITIONS,
                    template: true,
                },
                "Whether it runs, given how the steps before it went: `success` (unless said), `failure`, `always`, or an expression over `steps`, `job` and `env`.",
            ),
            Key::new("timeout", DURATION_TEMPLATE, "How long it may take."),
            Key::new(
                "env",
                ENVIRONMENT,
                "Environment variables of this step, over those of the job.",
            ),
            Key::new("cwd", TEMPLATE, "Working directory, relative to the workspace."),
        ],
    )
};

static SHELL: Record = Record {
    main: Some("run"),
    ..Record::new(
        "the `shell` tool",
        "Runs a script.",
        &[
            Key::required("run", TEMPLATE, "The script."),
            Key::new(
                "shell",
                Shape::OneOrMany {
                    item: &FIXED,
                    least: 1,
                    most: 100,
                },
                "The interpreter and its arguments, before the script; `sh -e -c` unless said.",
            ),
        ],
    )
};

static GIT: Record = Record {
    main: Some("repository"),
    ..Record::new(
        "the `git` tool",
        "Checks out a repository.",
        &[
            Key::required(
                "repository",
                TEMPLATE,
                "`.` for the flow's own repository at its commit, else a URL.",
            ),
            Key::new(
                "revision",
                TEMPLATE,
                "Branch, tag or commit of another repository.",
            ),
            Key::new(
                "depth",
                Shape::Integer {
                    least: 1,
                    most: 1_000_000,
                    template: true,
                },
                "How many commits of history; all of it unless said.",
            ),
            Key::new("destination", TEMPLATE, "Where to, relative to the workspace."),
            Key::new(
                "tags",
                BOOLEAN_TEMPLATE,
                "Whether tags are fetched too; unless said, only with the whole history of the flow's own repository.",
            ),
            Key::new(
                "submodules",
                BOOLEAN_TEMPLATE,
                "Whether submodules are checked out too, with theirs; no unless said.",
            ),
        ],
    )
};

static ARTIFACTS: Record = Record {
    one_of: &["upload", "download"],
    ..Record::new(
        "the `artifacts` tool",
        "Keeps files with the flow, or brings kept files back.",
        &[
            Key::new(
                "upload",
                PATHS,
                "Globs over the files of the workspace to keep. `*` stays within a name, `**` goes over folders, `!` leaves out.",
            ),
            Key::new(
                "download",
                PATHS,
                "Globs over the kept files of this flow to bring back, as in `upload`.",
            ),
            Key::new(
                "from",
                TEMPLATE_LIST,
                "The jobs whose files to bring back, such as `build`, `build (arm64)` or `stage/build`; all unless said.",
            ),
            Key::new("to", TEMPLATE, "Where to bring them, relative to the workspace."),
        ],
    )
};

static JUNIT_COLLECT: Record = Record {
    main: Some("files"),
    ..Record::new(
        "the `junit_collect` tool",
        "Reads JUnit report files into test results.",
        &[Key::required(
            "files",
            PATHS,
            "Globs relative to the workspace. `*` stays within a name, `**` goes over folders, `!` leaves out.",
        )],
    )
};

/// The main parameter of a record that a value of another kind than a map stands for.
pub(crate) fn main_of(tool: &str) -> Option<&'static str> {
    match tool {
        "shell" => SHELL.main,
        "git" => GIT.main,
        "junit_collect" => JUNIT_COLLECT.main,
        _ => None,
    }
}

/// The keys that are reserved in a record.
pub(crate) fn reserved_in(record: &Record) -> Vec<&'static str> {
    match record.name {
        "the triggers" => vec![RESERVED_TRIGGER],
        "a workflow" | "a step" => RESERVED.to_vec(),
        "a stage" | "a job" => [RESERVED, &[RESERVED_WHEN]].concat(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "reference_test.rs"]
mod reference;
