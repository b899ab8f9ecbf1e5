//! What files an untrusted program may touch, by Landlock where the kernel has it.
//!
//! The guard builds a fence before it starts a submission and puts the program behind it: it writes its own copy and nothing
//! else, and reads the system and nothing of anybody's home. Where the kernel has no Landlock there is no fence, and the
//! caller is told.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Files and directories that a program may touch, with all that lies beneath. What does not exist is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// To read, write, create and execute.
    pub writable: Vec<PathBuf>,
    /// To read and execute.
    pub readable: Vec<PathBuf>,
    /// Folders that are its own, empty at the first start of a run, where the host allows that; out of reach elsewhere.
    #[serde(default)]
    pub private: Vec<PathBuf>,
    /// Folders in which there is nothing for it: sockets of others lie there, which no fence keeps it from. Empty where the host
    /// allows that.
    #[serde(default)]
    pub hidden: Vec<PathBuf>,
    /// Which of the private ones is its home.
    #[serde(default)]
    pub home: Option<PathBuf>,
}

/// What every program needs of the system: itself, its libraries, its interpreter.
const SYSTEM: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
    "/dev/fd",
];
/// Devices that hold nothing of anybody's.
const DEVICES: [&str; 9] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];
/// Where one program finds what another has left.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// Where compilers and interpreters live in a home directory; nothing else of it can be read.
const TOOLCHAINS: [&str; 14] = [
    ".cargo",
    ".rustup",
    ".pyenv",
    ".nvm",
    ".volta",
    ".sdkman",
    ".asdf",
    ".jenv",
    ".rbenv",
    ".local/lib",
    ".local/share/uv",
    "go",
    "miniconda3",
    "anaconda3",
];

impl Reach {
    /// What a submission may touch that lives in `directory`: that, the system, and toolchains of `home`.
    pub fn of_submission(directory: PathBuf, home: Option<PathBuf>) -> Reach {
        let mut writable = vec![directory];
        writable.extend(DEVICES.map(PathBuf::from));
        let mut readable: Vec<PathBuf> = SYSTEM.map(PathBuf::from).to_vec();
        let mut private: Vec<PathBuf> = SHARED.map(PathBuf::from).to_vec();
        readable.extend(home.iter().flat_map(|home| TOOLCHAINS.map(|name| home.join(name))));
        readable.extend(toolchains_on(&std::env::var_os("PATH").unwrap_or_default()));
        // Somebody whose home is the root of the system has none of their own.
        let home = home.filter(|home| home.is_absolute() && home.components().count() > 1);
        private.extend(home.iter().cloned());
        Reach { writable, readable, private, hidden: hidden(), home }
    }

    /// A user of its own for whom this is its reach ([`user_of_its_own`](crate::user_of_its_own)); `None` also where something in
    /// it may be read by its owner alone, such as a toolchain in a home.
    pub fn user(&self) -> Option<u32> {
        let for_all = self.readable.iter().all(|path| self.is_for_everybody(path));
        crate::user_of_its_own().filter(|_| for_all)
    }

    fn is_for_everybody(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        // What each process has of its own there leads to itself.
        let Some(metadata) = path.metadata().ok().filter(|_| !path.starts_with("/dev")) else { return true };
        let wanted = if metadata.is_dir() { 0o005 } else { 0o004 };
        // A way that leads through a folder of its own is made for it.
        let own = |folder: &&Path| self.private.iter().any(|private| private == folder);
        metadata.mode() & wanted == wanted
            && path
                .ancestors()
                .skip(1)
                .take_while(|folder| !own(folder))
                .all(|folder| folder.metadata().is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
    }
}

/// The toolchains from which programs are started, in whatever home they lie: `HOME` may name another one, or none that there is.
fn toolchains_on(path: &OsStr) -> BTreeSet<PathBuf> {
    let is_one = |folder: &&Path| TOOLCHAINS.iter().any(|name| folder.ends_with(name));
    let holds = |folder: PathBuf| folder.ancestors().find(is_one).map(Path::to_owned);
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).filter_map(holds).collect()
}

/// The folders at the root of the system that belong neither to the system nor to what everybody shares.
fn hidden() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/").into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let system = |path: &PathBuf| {
        SYSTEM.iter().chain(&DEVICES).any(|name| Path::new(name).starts_with(path))
            && path != Path::new("/run")
    };
    let shared = |path: &PathBuf| SHARED.iter().any(|name| Path::new(name) == path);
    let paths = folders.map(|entry| entry.path());
    paths.filter(|path| !system(path) && !shared(path)).collect()
}

#[cfg(target_os = "linux")]
pub use linux::Fence;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::Fence;

#[cfg(target_os = "linux")]
mod linux {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
        RulesetCreatedAttr, Scope, path_beneath_rules,
    };

    use super::{Reach, io};

    /// A fence that stands ready.
    #[derive(Debug)]
    pub struct Fence(RulesetCreated);

    impl Fence {
        /// Makes a fence; `None` where the kernel has no Landlock.
        ///
        /// # Errors
        /// The kernel has it and refuses.
        pub fn around(reach: &Reach) -> io::Result<Option<Fence>> {
            let trial = Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(AccessFs::from_all(ABI::V1))
                .and_then(Ruleset::create);
            if trial.is_err() {
                return Ok(None);
            }
            // The newest rights that are asked for; an older kernel enforces those that it knows.
            let newest = ABI::V5;
            let build = || {
                Ruleset::default()
                    .set_compatibility(CompatLevel::BestEffort)
                    .handle_access(AccessFs::from_all(newest))?
                    // Without this a program of the same user could send a signal to the harness.
                    .scope(Scope::Signal)?
                    // Nor may it speak with a service of the host that listens at a name without a file.
                    .scope(Scope::AbstractUnixSocket)?
                    .create()?
                    .add_rules(path_beneath_rules(&reach.writable, AccessFs::from_all(newest)))?
                    .add_rules(path_beneath_rules(&reach.readable, AccessFs::from_read(newest)))
            };
            build().map(|ruleset| Some(Fence(ruleset))).map_err(io::Error::other)
        }

        /// Puts the calling thread, and all that it starts from now on, behind the fence, for good. No program that it
        /// executes gets more rights by its file mode any more.
        ///
        /// # Errors
        /// The kernel refuses.
        pub fn enclose_this_thread(self) -> io::Result<()> {
            self.0.restrict_self().map(drop).map_err(io::Error::other)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Reach, io};

    /// There are no fences here.
    #[derive(Debug)]
    pub struct Fence;

    impl Fence {
        /// There are none here.
        ///
        /// # Errors
        /// None.
        pub fn around(_reach: &Reach) -> io::Result<Option<Fence>> {
            Ok(None)
        }

        /// Does nothing.
        ///
        /// # Errors
        /// None.
        pub fn enclose_this_thread(self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Fence, Reach, toolchains_on};

    #[test]
    fn a_toolchain_is_found_where_its_programs_are_started_from() {
        let found = toolchains_on(
            "/usr/bin:/home/ana/.pyenv/shims:/home/ana/.pyenv/bin:/srv/.cargo/bin:bin".as_ref(),
        );
        let names: Vec<_> = found.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["/home/ana/.pyenv", "/srv/.cargo"]);
    }

    #[test]
    fn behind_a_fence_a_thread_writes_its_own_directory_and_reads_no_other() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("secret"), "of another team").unwrap();
        let reach = Reach::of_submission(own.path().to_path_buf(), None);
        let Some(fence) = Fence::around(&reach).unwrap() else {
            eprintln!("skipped: this kernel has no Landlock");
            return;
        };
        let (own_path, other_path) = (own.path().to_path_buf(), other.path().to_path_buf());
        let enclosed = std::thread::spawn(move || {
            fence.enclose_this_thread().unwrap();
            std::fs::write(own_path.join("cache"), "mine").unwrap();
            assert!(std::fs::read("/etc/passwd").is_ok());
            assert!(std::fs::read(other_path.join("secret")).is_err());
            assert!(std::fs::write(other_path.join("new"), "x").is_err());
            assert!(std::fs::remove_file(other_path.join("secret")).is_err());
        });
        enclosed.join().unwrap();
        assert!(other.path().join("secret").exists());
    }
}
