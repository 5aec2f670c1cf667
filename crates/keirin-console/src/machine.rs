//! What the program reads of the machine: clock, randomness, environment. Everything else gets these handed in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keirin_model::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;

/// The present time.
#[expect(clippy::disallowed_methods, reason = "the adapter that reads the machine's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Random bits that nobody can guess.
pub fn random() -> u64 {
    SysRng
        .try_next_u64()
        .expect("invariant: the system's random source works, or nothing on this machine is safe")
}

/// A password that nobody can guess.
pub fn password() -> String {
    [random(), random()].map(|bits| format!("{bits:016x}")).concat()
}

/// How many processors the program may use.
pub fn processors() -> u32 {
    let processors = std::thread::available_parallelism();
    processors.map_or(1, |number| u32::try_from(number.get()).unwrap_or(u32::MAX))
}

/// How many bytes of memory the machine has.
pub fn memory() -> u64 {
    // Every kernel tells it.
    nix::sys::sysinfo::sysinfo().map_or(0, |machine| machine.ram_total())
}

/// A variable of the environment that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the adapter that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Those of these variables that are set.
pub fn environment(names: &[&str]) -> BTreeMap<String, String> {
    names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
        .collect()
}

/// The home folder of whoever runs the program.
pub fn home() -> Option<PathBuf> {
    variable("HOME").map(PathBuf::from)
}

/// What the machine calls itself.
pub fn host_name() -> String {
    let name = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|_| "agent".to_owned())
}

/// The folder that this program's file lies in.
pub fn program_folder() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(PathBuf::from)
}
