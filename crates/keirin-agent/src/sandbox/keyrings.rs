//! Closes the kernel's keyrings to a sandbox and all that it starts: what lies in them belongs to a session or to a user, not
//! to a process, so a job would find the keys of the session that the agent was started in, and leave its own to the next
//! job of its user. A filter of system calls answers as a kernel without keyrings does, which programs know how to take.

use nix::errno::Errno;
use seccompiler::{apply_filter, sock_filter};

/// An architecture that a kernel runs programs of: its number in the kernel's audit, and that of its first call for
/// keyrings. The three, `add_key`, `request_key` and `keyctl`, follow one another on each of them.
type Calls = (u32, u32);

/// Those of 32 bits are there because a kernel of 64 bits runs their programs too.
const ARCHITECTURES: [Calls; 5] = [
    // x86-64
    (0xC000_003E, 248),
    // i386
    (0x4000_0003, 286),
    // AArch64
    (0xC000_00B7, 217),
    // Arm
    (0x4000_0028, 309),
    // RISC-V
    (0xC000_00F3, 217),
];
/// Set in the numbers of calls by programs of the x32 ABI, which are x86-64's otherwise.
const X32: u32 = 0x4000_0000;

/// Where a filter finds the number of the call and the architecture.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

// Instructions of the classic BPF, and what a filter returns.
const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_GREATER: u16 = 0x25;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7FFF_0000;
const FAIL: u32 = 0x0005_0000;

/// Lets this thread, and all that it starts, use no keyrings, for good.
pub(super) fn close() -> Result<(), seccompiler::Error> {
    apply_filter(&filter())
}

fn filter() -> Vec<sock_filter> {
    let step = |code, k| sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    };
    let jump = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let mut filter = Vec::new();
    for (architecture, first) in ARCHITECTURES {
        filter.extend([
            step(LOAD, ARCHITECTURE),
            jump(JUMP_IF_EQUAL, architecture, 0, 6),
            step(LOAD, NUMBER),
            step(AND, !X32),
            jump(JUMP_IF_AT_LEAST, first, 0, 2),
            jump(JUMP_IF_GREATER, first + 2, 1, 0),
            step(RETURN, FAIL | Errno::ENOSYS as u32),
            step(RETURN, ALLOW),
        ]);
    }
    filter.push(step(RETURN, ALLOW));
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do with a call.
    fn run(filter: &[sock_filter], architecture: u32, number: u32) -> u32 {
        let (mut place, mut value) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = filter[place];
            place += 1;
            let jump = |is_true: bool| usize::from(if is_true { jt } else { jf });
            match code {
                LOAD if k == NUMBER => value = number,
                LOAD => value = architecture,
                AND => value &= k,
                JUMP_IF_EQUAL => place += jump(value == k),
                JUMP_IF_GREATER => place += jump(value > k),
                JUMP_IF_AT_LEAST => place += jump(value >= k),
                _ => return k,
            }
        }
    }

    #[test]
    fn the_three_calls_fail_for_programs_of_every_architecture_and_no_others_do() {
        let filter = filter();
        for (architecture, first) in ARCHITECTURES {
            for flag in [0, X32] {
                for number in first..first + 3 {
                    let result = run(&filter, architecture, number | flag);
                    assert_eq!(result, FAIL | Errno::ENOSYS as u32, "{architecture:x}: {number}");
                }
                for number in [0, first - 1, first + 3] {
                    assert_eq!(run(&filter, architecture, number | flag), ALLOW);
                }
            }
        }
        assert_eq!(run(&filter, 0x8000_0016, 248), ALLOW);
    }
}
