//! The HTTP API's requests and answers, by noun. Ids are strings, times are RFC 3339 in UTC, absent is `null`.

pub mod access;
pub mod agent;
pub mod artifact;
mod audit;
pub mod background;
pub mod dashboard;
pub mod event;
pub mod flow;
pub mod job;
pub mod log;
pub mod measure;
pub mod overview;
pub mod page;
pub mod problem;
pub mod project;
pub mod prometheus;
pub mod queue;
pub mod repository;
pub mod results;
pub mod retention;
pub mod run;
pub mod source;
mod storage;
pub mod workflow;

pub use access::{
    ChangeUser, CreateToken, CreateUser, CreatedToken, IdentityKind, Me, Member, NewPassword, ProjectRole,
    SetMember, SignIn, SignInLink, Token, TokenKind, User,
};
pub use agent::{Agent, AgentState, ChangeAgent, RemovedAgents, RunningJob};
pub use artifact::Artifact;
pub use audit::{AuditEntry, AuditPrincipal};
pub use background::{BackgroundJob, BackgroundKindSummary, BackgroundOverview, ReconcilerState};
pub use dashboard::{Dashboard, DashboardCheck, DashboardContent, DashboardProblem, DashboardSummary};
pub use event::{Event, EventKind};
pub use flow::{Flow, FlowSummary, RerunFlow, StartFlow};
pub use job::{Attempt, Job, JobSummary, Step};
pub use keirin_model::diagnostic::{Diagnostic, Severity};
pub use keirin_model::project::{BranchKind, Notice, NoticeKind};
pub use log::{LogLine, LogMatch, LogPage, LogSearch, LogStep, LogSummary, MatchRange};
pub use measure::{
    DataPipeline, Fact, FactKind, Metric, PipelinePart, PipelineState, Reasons, SqlColumn, SqlQuery, SqlRows,
    SqlView,
};
pub use overview::{AgentTotals, Figure, Freshness, Overview, Point, RunningFlow, Totals, Wanted};
pub use page::Page;
pub use problem::Problem;
pub use project::{Branch, ChangeProject, CreateProject, Credential, Project, Push, PushedFlow};
pub use prometheus::{
    InstantElement, QueryAnswer, QueryPlace, QueryRefusal, QueryValue, RangeElement, ValuePoint,
};
pub use queue::QueueEntry;
pub use repository::{FinishImport, HistoryPart, NewFacts, Repository};
pub use results::{JobTestResult, TestCounts, TestResults};
pub use retention::{FlowRetention, ProjectRetention, ServerRetention};
pub use run::{Run, RunSummary};
pub use source::{Source, SourceKind, SourceState, Target, TargetState};
pub use storage::{StorageItem, StorageOverview, StorageOwner};
pub use workflow::{CheckWorkflow, Param, ParamKind, Schedule, Workflow, WorkflowCheck};
