//! Reads jobs.

use crate::matrix;
use crate::names::{Fields, Names};
use crate::problem::{Located, Problem};
use crate::read::{Reader, needs};
use crate::tree::{Entry, Node};
use crate::workflow::{Environment, Job};

/// The names of the variables that a job or a step sets, those with a faulty value among them.
pub(crate) fn variables(node: &Node) -> Vec<&str> {
    node.get("env")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.as_str())
        .collect()
}

impl Reader<'_> {
    /// Reads a job; `names` is what expressions outside of jobs may use.
    pub(crate) fn job(&mut self, entry: &Entry, names: &Names) -> Job {
        let node = &entry.value;
        let matrix = node
            .entry("matrix")
            .map(|entry| matrix::read(entry, self.problems));
        self.jobs += matrix.as_ref().map_or(1, |matrix| matrix.points.len());
        let in_job = match &matrix {
            Some(matrix) => names.clone().with("matrix", Fields::these(matrix.names())),
            None => names.clone(),
        };
        let env = self.environment(node, &in_job);
        let retry_lost = node
            .get("retry")
            .and_then(|retry| self.single(retry, "lost", &in_job));
        let settings = self.settings(node, &in_job);
        let variables = variables(node);
        let in_steps = in_job.with("env", Fields::these(variables.iter().copied()));
        let items = node.get("steps").map(Node::one_or_many).unwrap_or_default();
        let steps: Vec<_> = items
            .iter()
            .take(crate::format::MOST_STEPS)
            .enumerate()
            .filter_map(|(index, step)| self.step(step, index, &in_steps, &variables))
            .collect();
        self.warn_of_long_steps(node, items);
        Job {
            key: Located {
                value: entry.key.clone(),
                span: entry.key_span,
            },
            matrix,
            needs: needs(node),
            retry_lost,
            env,
            settings,
            steps,
        }
    }

    /// Environment variables, in the order of the file.
    pub(crate) fn environment(&mut self, node: &Node, names: &Names) -> Environment {
        let entries = node.get("env").map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), self.template(&entry.value, names)?)))
            .collect()
    }

    /// A step that may take longer than its job never does.
    fn warn_of_long_steps(&mut self, job: &Node, steps: &[Node]) {
        let duration = |node: &Node| crate::duration::parse(node.get("timeout")?.text()?).ok();
        let Some(of_job) = duration(job) else { return };
        for step in steps
            .iter()
            .filter(|step| duration(step).is_some_and(|of_step| of_step > of_job))
        {
            let span = step.get("timeout").map_or(step.span, |timeout| timeout.span);
            let problem = Problem::warning(span, "this is never reached: the job's own timeout is shorter");
            self.problems
                .push(problem.help("shorten it, or give the job more time"));
        }
    }
}
