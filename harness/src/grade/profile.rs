//! The profile of a submission: the `pibl-judge.yaml` in it, or a draft where there is none, made fit for grading.
//!
//! `grade` asks here before it starts anything. The name of the team takes the place of whatever the profile says, so that
//! pages carry codes only. A declaration that excuses something is flagged; it never hides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use harness_model::adapter::{self, Adapter, PROFILE, Program, Resolution};
use harness_model::history::{files_beneath, hash_of_file};
use harness_model::scenario::{self, Problem, What};

/// How many folders deep a profile may lie.
const DEEPEST: usize = 3;

/// Something about a submission that the instructor should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "flag")]
pub enum Flag {
    /// It is pibl itself, or holds its program.
    IsPibl,
    /// The profile was not written by the team but drafted by looking at the submission.
    Drafted,
    /// It declares more than one rotation, which widens what counts as even.
    Rotations {
        /// How many.
        declared: u32,
    },
    /// It declares that entries may expire away from their TTL.
    Resolution {
        /// How far, in milliseconds.
        declared_ms: u64,
    },
    /// It insists on a port, so its runs wait for one another where the host gives no network of their own.
    FixedPort {
        /// Which.
        port: u16,
    },
}

/// Why there is no profile to work with.
#[derive(Clone, Debug)]
pub enum ProfileProblem {
    /// None was found, and none could be drafted.
    Missing,
    /// It cannot be read.
    Wrong(Box<Problem>),
    /// None was found, and the one that was drafted cannot be read.
    WrongDraft(Box<Problem>),
    /// It wants to copy from outside the submission.
    LeadsOutside,
}

/// Writes a profile for a folder, where looking at it says enough.
pub type Draft = fn(&Path) -> Option<String>;

/// Finds or drafts the profile of a submission, with what is to be said about it.
///
/// What only somebody who trusts it may allow is refused, unless `trusted`.
///
/// # Errors
/// There is none, or it cannot be used.
pub fn of(
    root: &Path,
    code: &str,
    draft: Draft,
    trusted: bool,
) -> Result<(Adapter, Vec<Flag>), ProfileProblem> {
    let mut flags = Vec::new();
    let shown = Path::new(code).join("submission");
    let (file, text) = match written(root) {
        // One that cannot be read is the team's all the same.
        Some(file) => match scenario::read(&file) {
            Ok(text) => (file, text),
            Err(problem) => return Err(ProfileProblem::Wrong(Box::new(problem.moved(root, &shown)))),
        },
        None => {
            flags.push(Flag::Drafted);
            drafted(root, draft).ok_or(ProfileProblem::Missing)?
        }
    };
    // A complaint goes onto pages: it names files as the team knows them, not where they lie on this machine.
    let wrong = |problem: Problem| {
        let problem = Box::new(problem.moved(root, &shown));
        if flags.is_empty() { ProfileProblem::Wrong(problem) } else { ProfileProblem::WrongDraft(problem) }
    };
    let original = |path: &Path| original(path, root);
    let mut adapter = adapter::read(&text, &file, (!trusted).then_some(root), original).map_err(wrong)?;
    let origin = shown.join(file.strip_prefix(root).unwrap_or(Path::new(PROFILE)));
    code.clone_into(&mut adapter.name);
    code.clone_into(&mut adapter.title);
    adapter.origin = origin.display().to_string();
    let folder = file.parent().unwrap_or(root);
    let source = adapter.copy_from.take().unwrap_or_else(|| folder.to_path_buf());
    let source = source.canonicalize().map_err(|_| ProfileProblem::LeadsOutside)?;
    if !root.canonicalize().is_ok_and(|root| source.starts_with(root)) {
        return Err(ProfileProblem::LeadsOutside);
    }
    adapter.copy_from = Some(source);
    flags.extend(declared(&adapter));
    if is_pibl(&adapter, root) {
        flags.push(Flag::IsPibl);
    }
    Ok((adapter, flags))
}

/// What a profile rewrites; it lies in the submission, as all that a profile may name.
fn original(path: &Path, root: &Path) -> Result<Vec<u8>, Problem> {
    let unreadable = |why: String| Problem::nowhere(What::Unreadable { file: path.to_owned(), why });
    let inside = || Ok(path.canonicalize()?.starts_with(root.canonicalize()?));
    match inside().map_err(|error: std::io::Error| unreadable(error.to_string()))? {
        true => scenario::read_bytes(path),
        false => Err(unreadable("not in the submission".to_owned())),
    }
}

/// The profile that the team wrote: the one nearest to the root.
fn written(root: &Path) -> Option<PathBuf> {
    let depth =
        |path: &Path| path.strip_prefix(root).map_or(usize::MAX, |inside| inside.components().count());
    let mut found: Vec<PathBuf> = files_beneath(root);
    found.retain(|path| adapter::is_profile(path) && depth(path) <= DEEPEST);
    found.sort_by_key(|path| (depth(path), !path.ends_with(PROFILE), path.clone()));
    found.into_iter().next()
}

/// Drafts a profile by looking at the submission, and writes it there for the run and for the team to see.
fn drafted(root: &Path, draft: Draft) -> Option<(PathBuf, Arc<str>)> {
    let text = draft(root)?;
    let file = root.join(PROFILE);
    std::fs::write(&file, &text).ok()?;
    Some((file, text.into()))
}

fn declared(adapter: &Adapter) -> Vec<Flag> {
    let capabilities = &adapter.capabilities;
    let resolution = capabilities.ttl_resolution.early + capabilities.ttl_resolution.late;
    let mut flags = Vec::new();
    if capabilities.rotations > 1 {
        flags.push(Flag::Rotations { declared: capabilities.rotations });
    }
    if capabilities.ttl_resolution != Resolution::of_step(capabilities.ttl_step) {
        let declared_ms = u64::try_from(resolution.as_millis()).unwrap_or(u64::MAX);
        flags.push(Flag::Resolution { declared_ms });
    }
    flags.extend(adapter.fixed_port.map(|port| Flag::FixedPort { port }));
    flags
}

/// Whether a submission is the proxy that comes with this harness: its package, its sources or its program.
fn is_pibl(adapter: &Adapter, root: &Path) -> bool {
    if matches!(adapter.program, Program::Cargo { .. } | Program::Attach(_)) {
        return true;
    }
    let installed = |name: &str| Path::new(name).file_name().is_some_and(|name| name == "pibl");
    if matches!(&adapter.program, Program::Installed { name, .. } if installed(name) && !Path::new(name).starts_with(root))
    {
        return true;
    }
    let files = files_beneath(root);
    // Its sources: the package of that name that tests itself with the judge's own backends.
    let sources = files.iter().filter(|path| path.ends_with("Cargo.toml")).any(|path| {
        std::fs::read_to_string(path)
            .is_ok_and(|text| text.contains("name = \"pibl\"") && text.contains("fake-backends"))
    });
    sources
        || own_program()
            .is_some_and(|own| files.iter().any(|path| hash_of_file(path).is_ok_and(|hash| hash == own)))
}

/// The hash of the pibl that lies beside the harness, or was built with it.
fn own_program() -> Option<String> {
    let beside = std::env::current_exe().ok()?;
    let folder = beside.parent()?;
    [folder.join("pibl"), folder.join("../release/pibl")].iter().find_map(|path| hash_of_file(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_model::scenario::Encoding;

    const PYTHON: &str = "name: perez\ntitle: Los Pérez\nprogram: {installed: {name: python3}}\n\
        start: [\"{{ program }}\", proxy.py]\ncapabilities: {cache: disk, ttl: arguments, rotations: 4}\n";

    #[test]
    fn the_code_takes_the_place_of_the_name_and_declarations_are_flagged() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("code")).unwrap();
        std::fs::write(root.path().join("code").join(PROFILE), PYTHON).unwrap();
        let (adapter, flags) = of(root.path(), "E07", |_| None, false).unwrap();
        assert_eq!((adapter.name.as_str(), adapter.title.as_str()), ("E07", "E07"));
        assert!(!format!("{} {}", adapter.title, adapter.origin).contains("érez"));
        assert_eq!(flags, [Flag::Rotations { declared: 4 }]);
        assert!(adapter.copy_from.unwrap().ends_with("code"));
    }

    #[test]
    fn a_profile_may_not_copy_from_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(PROFILE), format!("{PYTHON}copy_from: /etc\n")).unwrap();
        let refused = of(root.path(), "E01", |_| None, false);
        let Err(ProfileProblem::Wrong(problem)) = refused else { panic!("{refused:?}") };
        assert_eq!(problem.place.unwrap().file, Path::new("E01/submission").join(PROFILE));
        assert!(matches!(of(root.path(), "E01", |_| None, true), Err(ProfileProblem::LeadsOutside)));
    }

    #[test]
    fn what_is_rewritten_is_read_and_lies_in_the_submission() {
        let root = tempfile::tempdir().unwrap();
        let with = |from: &str| {
            std::fs::write(root.path().join(PROFILE), format!("{PYTHON}config: {{from: {from}}}\n")).unwrap();
            of(root.path(), "E01", |_| None, false)
        };
        std::fs::write(root.path().join("a.conf"), "port=80").unwrap();
        assert_eq!(with("a.conf").unwrap().0.rewrites[0].before, "port=80");
        for outside in ["/etc/passwd", "missing.conf"] {
            let Err(ProfileProblem::Wrong(problem)) = with(outside) else { panic!("{outside}") };
            assert!(!format!("{problem:?}").contains(&*root.path().to_string_lossy()), "{problem:?}");
        }
    }

    #[test]
    fn pibl_itself_is_flagged() {
        let root = tempfile::tempdir().unwrap();
        let text = "name: x\nprogram: {cargo: pibl}\nstart: [\"{{ program }}\"]\ncapabilities: {cache: disk, ttl: arguments}\n";
        std::fs::write(root.path().join(PROFILE), text).unwrap();
        assert!(of(root.path(), "E01", |_| None, false).unwrap().1.contains(&Flag::IsPibl));
    }

    #[test]
    fn a_profile_is_read_however_it_was_saved_and_never_replaced_by_a_draft() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(PROFILE);
        let draft: Draft = |_| panic!("the team wrote one");
        for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Utf16Le, Encoding::Utf16Be] {
            let mark = if encoding == Encoding::Latin1 { "" } else { "\u{feff}" };
            std::fs::write(&file, encoding.encoded(&format!("{mark}{PYTHON}"))).unwrap();
            let (_, flags) =
                of(root.path(), "E01", draft, false).unwrap_or_else(|why| panic!("{encoding:?}: {why:?}"));
            assert!(!flags.contains(&Flag::Drafted));
        }
        // What an editor calls quotation marks is no part of Latin-1.
        let quoted = [PYTHON.as_bytes(), b"# \x93dise\xf1o\x94\n"].concat();
        std::fs::write(&file, quoted).unwrap();
        assert!(of(root.path(), "E01", draft, false).is_ok());
        std::fs::write(&file, "name: x\n\0").unwrap();
        let Err(ProfileProblem::Wrong(problem)) = of(root.path(), "E01", draft, false) else {
            panic!("no text")
        };
        assert_eq!(problem.place.unwrap().line_and_column(), (2, 1));
    }

    #[test]
    fn a_profile_is_the_teams_however_it_is_spelt() {
        let draft: Draft = |_| panic!("the team wrote one");
        for name in ["pibl-judge.yml", "PIBL-Judge.YAML", "pibl-judge.yaml.txt", "pibl-judge (1).yaml"] {
            let root = tempfile::tempdir().unwrap();
            std::fs::write(root.path().join(name), PYTHON).unwrap();
            let (adapter, _) =
                of(root.path(), "E01", draft, false).unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert!(adapter.origin.ends_with(name), "{}", adapter.origin);
            // Beside one that is spelt as it should be it is a copy.
            std::fs::write(root.path().join(PROFILE), PYTHON).unwrap();
            let (adapter, _) = of(root.path(), "E01", draft, false).unwrap();
            assert!(adapter.origin.ends_with(PROFILE), "{}", adapter.origin);
        }
    }

    #[test]
    fn a_draft_that_cannot_be_used_is_not_a_wrong_profile_of_the_team() {
        let root = tempfile::tempdir().unwrap();
        let draft = of(root.path(), "E01", |_| Some("nombre: x\n".into()), false);
        assert!(matches!(draft, Err(ProfileProblem::WrongDraft(_))), "{draft:?}");
    }

    #[test]
    fn nothing_to_go_by_is_said() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("informe.txt"), "hola").unwrap();
        assert!(matches!(of(root.path(), "E01", |_| None, false), Err(ProfileProblem::Missing)));
    }
}
