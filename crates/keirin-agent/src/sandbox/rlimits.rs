//! The limits that the kernel holds the processes of an attempt to: each process that is started inherits them.

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;

use super::plan::{Namespaces, SandboxPlan};

/// Sets the limits for this process and all that it starts. Soft and hard are the same: what a job could raise by itself
/// would hold nothing, and what it got from a server that has many files open is not for it.
pub(super) fn set(plan: &SandboxPlan) -> Result<(), Errno> {
    let limits = &plan.limits;
    lower(Resource::RLIMIT_NOFILE, limits.open_files)?;
    lower(Resource::RLIMIT_FSIZE, limits.disk.map(|disk| disk.0))?;
    if counts_processes(plan) {
        lower(Resource::RLIMIT_NPROC, limits.processes)?;
    }
    Ok(())
}

/// Whether the kernel counts the processes of the attempt apart from others: by a user of its own, or by a user's
/// namespace of its own. Elsewhere a limit would count all that the agent's user runs.
fn counts_processes(plan: &SandboxPlan) -> bool {
    let has_user_namespace = plan.namespaces != Namespaces::None && !geteuid().is_root();
    plan.owner.is_some() || has_user_namespace
}

fn lower(resource: Resource, limit: Option<u64>) -> Result<(), Errno> {
    let Some(limit) = limit else { return Ok(()) };
    let (_, hard) = getrlimit(resource)?;
    let limit = limit.min(hard);
    setrlimit(resource, limit, limit)
}
