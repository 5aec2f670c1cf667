//! Keys and credentials of the agent's user, which no job reaches.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use keirin_agent::{Namespaces, SandboxProgram, Shutdown, credentials};
use keirin_wire::log::Stream;

use crate::bench::{Bench, sandbox, script};
use crate::isolation::{has_namespaces, outside_of_tmp, several};

/// The number of the call `keyctl`; that of `add_key` is two below it.
fn keyctl() -> u32 {
    match std::env::consts::ARCH {
        "aarch64" => 219,
        _ => 250,
    }
}

/// The sandbox's program, started from a session whose keyring holds a key, as a person's may.
fn with_a_session_key() -> SandboxProgram {
    let (keyctl, program) = (keyctl(), sandbox().program);
    // 1 joins a new session keyring, and -3 is that keyring.
    let join = format!(
        "syscall({keyctl}, 1, 0) > 0 or die $!;
        syscall({keyctl} - 2, $_ = 'user', $d = 'of-the-agent', $p = 'secret', 6, -3) > 0 or die $!;
        exec @ARGV or die $!"
    );
    SandboxProgram {
        program: PathBuf::from("/usr/bin/perl"),
        arguments: vec!["-e".into(), join.into(), program.into()],
    }
}

#[tokio::test]
async fn a_job_reaches_no_key_of_the_agent_s_session_and_leaves_none_to_the_next() {
    let name = "a_job_reaches_no_key_of_the_agent_s_session_and_leaves_none_to_the_next";
    if !has_namespaces(name) {
        return;
    }
    let mut kinds = vec![Namespaces::Full, Namespaces::Mounts];
    if nix::unistd::geteuid().is_root() {
        kinds.push(Namespaces::None);
    }
    let keyctl = keyctl();
    // 10 searches a keyring, and -4 is the user's.
    let job = format!(
        "perl -e '
        sub tell_of {{ my ($what, $result) = @_; print \"$what: \", $result == -1 ? \"none\" : \"there\", \"\\n\" }}
        tell_of(\"session\", syscall({keyctl}, 10, -3, $t = \"user\", $d = \"of-the-agent\", 0));
        tell_of(\"user\", syscall({keyctl}, 10, -4, $t = \"user\", $d = \"of-a-job\", 0));
        syscall({keyctl} - 2, $t = \"user\", $d = \"of-a-job\", $p = \"secret\", 6, -4)'
        grep -o of-the-agent /proc/keys || exit 0"
    );
    for namespaces in kinds {
        let mut expected = vec!["session: none", "user: none"];
        if namespaces == Namespaces::None {
            // The name alone: nothing covers the kernel's list.
            expected.push("of-the-agent");
        }
        let bench = Bench::start_with(|config| {
            several(config);
            config.slots = 1;
            config.sandbox = with_a_session_key();
            config.namespaces = namespaces;
        });
        for time in ["first", "second"] {
            let record = bench.run(script(&job)).await;
            assert_eq!(
                record.lines(Stream::Output),
                expected,
                "{time}, {namespaces:?}: {:#?}",
                record.log
            );
        }
        bench.shut_down(Shutdown::Stop).await.unwrap();
    }
}

#[tokio::test]
async fn a_job_reads_no_credentials_of_its_user_unless_the_agent_s_owner_lets_it() {
    let name = "a_job_reads_no_credentials_of_its_user_unless_the_agent_s_owner_lets_it";
    if !has_namespaces(name) {
        return;
    }
    let home = outside_of_tmp();
    std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let files = [
        ("notes", "there"),
        (".netrc", "covered"),
        (".ssh/key", "covered"),
        (".aws/credentials", "there"),
        ("configuration/rustfmt.toml", "there"),
        ("configuration/gh/hosts.yml", "covered"),
        ("configuration/keirin/logins.json", "covered"),
        ("configuration/keirin/cache/file", "there"),
        ("configuration/closed/key", "covered"),
    ];
    for (file, _) in files {
        let file = home.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "there").unwrap();
    }
    let configuration = home.path().join("configuration");
    for namespaces in [Namespaces::Full, Namespaces::Mounts] {
        let bench = Bench::start_with(|config| {
            several(config);
            config.namespaces = namespaces;
            config.credentials = credentials(home.path(), &configuration);
            config.closed = vec![configuration.join("closed")];
            // One of the credentials, what lies around some, and what lies in one.
            config.writable = vec![
                configuration.join("keirin/cache"),
                configuration.clone(),
                home.path().join(".aws"),
            ];
        });
        let read = files.map(|(file, _)| {
            let file = home.path().join(file);
            format!("grep there {} || echo covered;", file.display())
        });
        let record = bench.run(script(&read.concat())).await;
        let expected = files.map(|(_, expected)| expected);
        assert_eq!(
            record.lines(Stream::Output),
            expected,
            "{namespaces:?}: {:#?}",
            record.log
        );
    }
}
