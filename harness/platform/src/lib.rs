//! The only place of the harness that knows the operating system.
//!
//! Precise timers, the processes beneath a guard and what they use, who listens where, isolation, pseudo-terminals and
//! the facts of the host: `proxy_under_test`, `traffic` and the manifest call it. It never decides anything, and where
//! the system is not Linux it says "unknown" instead of guessing.

mod affinity;
mod beneath;
mod calls;
mod child;
mod control_group;
mod disk;
mod fence;
mod host;
mod isolation;
mod listening;
mod nice;
mod noise;
mod own_disk;
mod poller;
mod privacy;
mod process_tree;
mod random;
mod rights;
mod signal;
mod terminal;
mod timer;

pub use affinity::{pin_this_thread, usable_cpus};
pub use beneath::{Beneath, Doomed, leads_out, remove_whatever_it_is};
pub use calls::refuse_keys;
pub use child::wait_at_most;
pub use control_group::{ControlGroup, GroupLimits};
pub use disk::disk_use;
pub use fence::{Fence, Reach};
pub use host::{HostFacts, host_facts};
pub use isolation::{
    Limits, become_subreaper, die_with_parent, enter_process_namespace, enter_user_and_process_namespace,
    hide_this_process, keep_descriptors_to_this_process, kill_everything_in_namespace, limit_this_process,
    own_file, own_mounts, own_process_view, share_no_memory_and_no_keys, start_session,
};
pub use listening::{Holder, held_after_the_end, holder_of, listening_sockets};
pub use nice::give_way;
pub use noise::{Noise, NoiseSentinel};
pub use own_disk::{OwnDisk, keep_mounts_to_this_process};
pub use poller::{Poller, Ready, thread_cpu_time};
pub use privacy::own_folders;
pub use process_tree::{
    Command, Usage, beneath, beneath_quickly, command_of, pid_seen_from_here, program_of, usage, usage_from,
};
pub use random::unguessable;
pub use rights::{
    enter_user_namespace, give_up_rights, hand_rights_on, keep_rights_to_this_process, may_administer,
    user_of_its_own,
};
pub use signal::{Signal, send_signal};
pub use terminal::{Capture, capture_pair, unread_bytes};
pub use timer::Timer;
