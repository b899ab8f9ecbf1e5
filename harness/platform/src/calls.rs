//! System calls that a program of unknown intent has no use for: those of the kernel's keyrings.
//!
//! A key belongs to a user and not to a process: it outlives every kill, lies on no disk, and is there for whoever runs next under the
//! same number. No namespace has keyrings of its own but that of users, which all submissions of one judge share.

use std::io;

#[cfg(target_os = "linux")]
pub use linux::refuse_keys;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::refuse_keys;

#[cfg(target_os = "linux")]
mod linux {
    use super::io;

    /// `add_key`, and with it `request_key` and `keyctl`, which follow it in every table of calls.
    const FIRST: u32 = libc::SYS_add_key as u32;
    /// The same in the table for programs of 32 bits, which this kernel may run as well.
    #[cfg(target_arch = "x86_64")]
    const FIRST_OF_32_BITS: u32 = 286;
    #[cfg(not(target_arch = "x86_64"))]
    const FIRST_OF_32_BITS: u32 = 309;
    /// What the kernel calls the tables (linux/audit.h).
    #[cfg(target_arch = "x86_64")]
    const TABLES: [u32; 2] = [0xC000_003E, 0x4000_0003];
    #[cfg(not(target_arch = "x86_64"))]
    const TABLES: [u32; 2] = [0xC000_00B7, 0x4000_0028];
    /// In the first table numbers with this bit mean the same calls, of programs with short addresses.
    const SHORT_ADDRESSES: u32 = 0x4000_0000;

    const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
        libc::sock_filter { code: code as u16, jt, jf, k }
    }

    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
    const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

    const ALLOW: libc::sock_filter = instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
    const REFUSE: libc::sock_filter =
        instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);

    /// Reads the table, then the number, and refuses three of each table as a kernel does that has no such calls. Jumps are counted
    /// from the next instruction.
    static FILTER: [libc::sock_filter; 13] = [
        instruction(LOAD, 0, 0, 4),
        instruction(EQUAL, 2, 0, TABLES[0]),
        instruction(EQUAL, 5, 0, TABLES[1]),
        ALLOW,
        // Of 64 bits.
        instruction(LOAD, 0, 0, 0),
        instruction(AND, 0, 0, !SHORT_ADDRESSES),
        instruction(AT_LEAST, 0, 4, FIRST),
        instruction(AT_LEAST, 3, 4, FIRST + 3),
        // Of 32 bits.
        instruction(LOAD, 0, 0, 0),
        instruction(AT_LEAST, 0, 1, FIRST_OF_32_BITS),
        instruction(AT_LEAST, 0, 1, FIRST_OF_32_BITS + 3),
        ALLOW,
        REFUSE,
    ];

    /// From now on this thread, and all that it executes, has no keyrings. Takes that it gains no rights by executing anything. Does
    /// not allocate.
    ///
    /// # Errors
    /// What the kernel says; it may know no such filters.
    pub fn refuse_keys() -> io::Result<()> {
        let program = libc::sock_fprog { len: FILTER.len() as u16, filter: FILTER.as_ptr().cast_mut() };
        // Else older kernels make everything that it does slower, against attacks by time that are none of ours.
        let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        // SAFETY: the kernel reads the structure and the instructions, which live for as long as this process.
        let result = unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn keys_are_refused_as_by_a_kernel_that_has_none_and_nothing_else_is() {
            let refused = || {
                rustix::thread::set_no_new_privs(true).unwrap();
                refuse_keys()?;
                let of_user = -4;
                // SAFETY: two strings and one byte, which are only read; the others take numbers alone.
                let errors = unsafe {
                    [
                        libc::syscall(
                            libc::SYS_add_key,
                            c"user".as_ptr(),
                            c"x".as_ptr(),
                            c"x".as_ptr(),
                            1_usize,
                            of_user,
                        ),
                        libc::syscall(
                            libc::SYS_request_key,
                            c"user".as_ptr(),
                            c"x".as_ptr(),
                            0_usize,
                            of_user,
                        ),
                        libc::syscall(libc::SYS_keyctl, 0, of_user, 0),
                    ]
                };
                let why = io::Error::last_os_error().raw_os_error();
                let neighbours = std::fs::metadata("/").is_ok() && std::thread::spawn(|| 1).join().is_ok();
                io::Result::Ok((errors, why, neighbours))
            };
            // For the rest of the life of this thread.
            let (errors, why, others) = std::thread::spawn(refused).join().unwrap().unwrap();
            assert_eq!((errors, why, others), ([-1; 3], Some(libc::ENOSYS), true));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::io;

    /// There are no keyrings here.
    ///
    /// # Errors
    /// None.
    pub fn refuse_keys() -> io::Result<()> {
        Ok(())
    }
}
