//! Reads steps: one tool each, with what every step may say.

use keirin_model::plan::Condition;

use crate::format::{self, TOOLS};
use crate::names::{Fields, Names};
use crate::paths;
use crate::problem::Problem;
use crate::read::Reader;
use crate::read_job::variables;
use crate::shape::is_whole_expression;
use crate::template::Template;
use crate::tree::{Entry, Node};
use crate::workflow::{Action, Step};

impl Reader<'_> {
    /// Reads a step; `None` where its shape is wrong, which has been reported. `names` is what its `env` may use.
    pub(crate) fn step(
        &mut self,
        node: &Node,
        index: usize,
        names: &Names,
        job_env: &[&str],
    ) -> Option<Step> {
        let env = self.environment(node, names);
        let variables = job_env.iter().copied().chain(variables(node));
        let names = names.clone().with("env", Fields::these(variables));
        let when = node
            .entry("when")
            .and_then(|entry| self.condition(entry, index))
            .unwrap_or_default();
        let name = self.key(node, "name", &names);
        let timeout = self.duration(node, "timeout", &names);
        let cwd = self.key(node, "cwd", &names);
        self.check_fixed(cwd.as_ref(), paths::check_folder);
        let tool = node
            .entries()
            .iter()
            .find(|entry| TOOLS.contains(&entry.key.as_str()))?;
        let action = self.action(tool, &names)?;
        Some(Step {
            span: tool.key_span,
            name,
            action,
            when,
            timeout,
            env,
            cwd,
        })
    }

    fn condition(&mut self, entry: &Entry, index: usize) -> Option<Condition> {
        let node = &entry.value;
        match node.text()? {
            "success" => Some(Condition::Success),
            "always" => Some(Condition::Always),
            "failure" => {
                if index == 0 {
                    let message = "this step never runs: there is no step before it that could fail";
                    self.problems.push(
                        Problem::warning(node.span, message).help("move it behind the steps it watches"),
                    );
                }
                Some(Condition::Failure)
            }
            // What is no whole expression has been reported as a wrong shape.
            text if is_whole_expression(text) => {
                let template = self.template(node, &condition_names())?;
                if let Some((_, expression)) = template.whole() {
                    return Some(Condition::Expression(expression.source().to_owned()));
                }
                let message = "`when` takes a single expression";
                self.problems
                    .push(Problem::error(template.span, message).help("join its parts within one `${{ }}`"));
                None
            }
            _ => None,
        }
    }

    fn action(&mut self, tool: &Entry, names: &Names) -> Option<Action> {
        let node = &tool.value;
        // A value that is no map stands for the tool's main parameter.
        let field = |key: &str| match node.entries() {
            [] if format::main_of(&tool.key) == Some(key) => Some(node),
            _ => node.get(key),
        };
        match tool.key.as_str() {
            "run" => Some(Action::Shell {
                run: self.script(node, names)?,
                shell: None,
            }),
            "shell" => {
                let run = field("run").and_then(|run| self.script(run, names));
                let shell = node.get("shell").map(|shell| self.interpreter(shell));
                Some(Action::Shell { run: run?, shell })
            }
            "git" => {
                let repository = field("repository").and_then(|repository| self.template(repository, names));
                let revision = self.key(node, "revision", names);
                let depth = self.single(node, "depth", names);
                let destination = self.key(node, "destination", names);
                let tags = self.single(node, "tags", names);
                let submodules = self.single(node, "submodules", names);
                self.check_fixed(destination.as_ref(), paths::check_folder);
                self.check_fixed(repository.as_ref(), paths::check_argument);
                self.check_fixed(revision.as_ref(), paths::check_argument);
                let own = repository.as_ref().and_then(Template::as_fixed) == Some(".");
                if let (true, Some(revision)) = (own, node.entry("revision")) {
                    let message = "`revision` is for other repositories: `.` is always at the flow's commit";
                    self.problems
                        .push(Problem::error(revision.key_span, message).help("remove it"));
                }
                Some(Action::Git {
                    repository: repository?,
                    revision,
                    depth,
                    destination,
                    tags,
                    submodules,
                })
            }
            "artifacts" => {
                let upload = node.get("upload").map(|paths| self.globs(paths, names));
                let download = node.get("download").map(|paths| self.globs(paths, names));
                let destination = self.key(node, "to", names);
                self.check_fixed(destination.as_ref(), paths::check_folder);
                if let (Some(_), Some(to)) = (&upload, node.entry("to")) {
                    let message = "`to` says where files are brought, so it goes with `download`";
                    self.problems.push(
                        Problem::error(to.key_span, message).help("remove it: kept files keep their paths"),
                    );
                }
                if let (Some(_), Some(from)) = (&upload, node.entry("from")) {
                    let message = "`from` says whose files are brought back, so it goes with `download`";
                    self.problems
                        .push(Problem::error(from.key_span, message).help("remove it"));
                }
                let from = node.get("from").map(|from| self.templates(from, names));
                match (upload, download) {
                    (Some(paths), _) => Some(Action::Upload { paths }),
                    (None, Some(paths)) => Some(Action::Download {
                        paths,
                        from: from.unwrap_or_default(),
                        destination,
                    }),
                    (None, None) => None,
                }
            }
            "junit_collect" => Some(Action::JunitCollect {
                files: self.globs(field("files")?, names),
            }),
            _ => None,
        }
    }

    /// A script: text from outside must not become a part of it.
    fn script(&mut self, node: &Node, names: &Names) -> Option<Template> {
        let template = self.template(node, names)?;
        for (span, expression) in template.expressions() {
            if let Some(path) = self.outside.carried_by(expression.tree()) {
                let message = format!(
                    "`{path}` is text from outside and may not stand in a script, which would run parts of it"
                );
                self.problems
                    .push(Problem::error(span, message).help(by_environment(&path)));
            }
        }
        Some(template)
    }

    /// The interpreter with its arguments. One word stands for a known interpreter with the usual ones.
    fn interpreter(&mut self, node: &Node) -> Vec<String> {
        let words: Vec<String> = match node.text() {
            Some(line) => line.split_whitespace().map(str::to_owned).collect(),
            None => node
                .one_or_many()
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
        };
        let [single] = words.as_slice() else { return words };
        let arguments: &[&str] = match single.rsplit('/').next().unwrap_or(single) {
            "sh" | "dash" | "ash" => &["-e", "-c"],
            "bash" | "zsh" => &["-e", "-o", "pipefail", "-c"],
            "python" | "python3" => &["-c"],
            "node" | "perl" | "ruby" => &["-e"],
            _ => {
                let message = format!("`{single}` is no interpreter that is known here by its name alone");
                let help = format!("write its arguments too; the script comes last, as in `{single} -c`");
                self.problems.push(Problem::error(node.span, message).help(help));
                &[]
            }
        };
        std::iter::once(single.as_str())
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    fn globs(&mut self, node: &Node, names: &Names) -> Vec<Template> {
        let globs = self.templates(node, names);
        let before = self.problems.errors();
        for glob in &globs {
            self.check_fixed(Some(glob), paths::check_glob);
        }
        let fixed: Option<Vec<_>> = globs
            .iter()
            .map(|glob| Some((glob.span, glob.as_fixed()?)))
            .collect();
        if let Some(fixed) = fixed {
            self.problems.extend(paths::check_order(&fixed));
            let texts: Vec<&str> = fixed.iter().map(|(_, text)| *text).collect();
            if let (true, Err(error)) = (self.problems.errors() == before, paths::check_list(&texts)) {
                self.problems.push(error.problem(node.span));
            }
        }
        globs
    }

    /// Checks what is known already; what an expression gives is checked when it is worked out.
    fn check_fixed(&mut self, template: Option<&Template>, check: fn(&str) -> Result<(), paths::PathError>) {
        let Some(template) = template else { return };
        if let Some(Err(error)) = template.as_fixed().map(check) {
            self.problems.push(error.problem(template.span));
        }
    }
}

/// What the condition of a step may use.
pub(crate) fn condition_names() -> Names {
    const BY_ENVIRONMENT: &str =
        "a step's `when` knows `steps`, `job` and `env`: hand the rest on by `env`, and ask `env.NAME`";
    let names = Names::default()
        .with("steps", Fields::None)
        .with("job", Fields::these(["name", "succeeded_so_far", "cancelled"]))
        .with("env", Fields::Any);
    [
        "params", "branch", "project", "flow", "commit", "change", "matrix",
    ]
    .into_iter()
    .fold(names, |names, root| names.without(root, BY_ENVIRONMENT))
}

/// How to hand outside text to a script without making it a part of the script.
fn by_environment(path: &str) -> String {
    if let Some(variable) = path.strip_prefix("env.") {
        return format!("a script reads it by itself: write \"${variable}\"");
    }
    let variable = path.replace('.', "_").to_uppercase();
    format!(
        "pass it by `env`: `env: {{ {variable}: \"${{{{ {path} }}}}\" }}`, and write \"${variable}\" in the script"
    )
}
