//! Small things that every test of the engine needs: plans, agents, times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keirin_engine::NewFlow;
use keirin_model::agent::{Agent, GROUP_ALL};
use keirin_model::flow::{Cause, FlowKind};
use keirin_model::plan::{Executor, JobPlan, Plan, Requirements, Retry, StagePlan, Start, StepPlan, Tool};
use keirin_model::{AgentId, BranchId, ProjectId};

pub fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub fn agent(id: i64, slots: u32) -> Agent {
    Agent {
        id: AgentId(id),
        name: format!("agent-{id}"),
        groups: BTreeSet::new(),
        labels: BTreeSet::new(),
        executors: BTreeSet::from([Executor::Bare]),
        slots,
        authorised: true,
        disabled: false,
    }
}

pub fn job(name: &str, needs: &[&str]) -> JobPlan {
    JobPlan {
        name: name.to_owned(),
        key: name.to_owned(),
        matrix: BTreeMap::new(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        requirements: Requirements {
            group: GROUP_ALL.to_owned(),
            labels: BTreeSet::new(),
            executor: Executor::Bare,
            system: None,
        },
        priority: 0,
        timeout: SignedDuration::from_mins(30),
        retry: Retry { lost: 1 },
        env: BTreeMap::new(),
        steps: vec![StepPlan {
            name: "true".to_owned(),
            tool: Tool::Shell {
                run: "true".to_owned(),
                shell: None,
            },
            when: keirin_model::plan::Condition::Success,
            timeout: None,
            env: BTreeMap::new(),
            cwd: None,
        }],
    }
}

pub fn stage(name: &str, needs: &[&str], jobs: Vec<JobPlan>) -> StagePlan {
    StagePlan {
        name: name.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        start: Start::Automatic,
        environment: None,
        exclusive: false,
        timeout: None,
        jobs,
    }
}

pub fn plan(stages: Vec<StagePlan>) -> Plan {
    Plan {
        workflow: "default".to_owned(),
        concurrency: None,
        stages,
    }
}

pub fn new_flow(project: i64, plan: Plan) -> NewFlow {
    NewFlow {
        project: ProjectId(project),
        number: None,
        branch: BranchId(project),
        kind: FlowKind::Ci,
        commit: None,
        change: None,
        params: BTreeMap::new(),
        cause: Cause::Push,
        plan: Arc::new(plan),
        diagnostics: Vec::new(),
        due: None,
    }
}
