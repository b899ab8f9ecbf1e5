//! Drafts a profile for a submission that has none, by looking at its sources.
//!
//! `profile` asks here once per submission without one. Only what the sources say plainly is believed: a Python program that
//! listens and names its options. Anything else has no draft, and its row says that a profile is needed.

use std::path::{Path, PathBuf};

use super::submission::files_beneath;

/// Sources larger than this are not read.
const MOST_BYTES: u64 = 1 << 20;

/// The text of a profile, where the sources say enough.
pub fn draft(root: &Path) -> Option<String> {
    let mut scripts: Vec<(PathBuf, String)> = files_beneath(root)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .filter(|path| path.metadata().is_ok_and(|metadata| metadata.len() <= MOST_BYTES))
        .filter_map(|path| std::fs::read_to_string(&path).ok().map(|text| (path, text)))
        .filter(|(_, text)| text.contains("listen(") || text.contains("start_server("))
        .collect();
    scripts.sort();
    // The program is the file that is meant to be run; a module that listens is imported by it.
    let runnable = scripts.iter().find(|(_, text)| text.contains("__main__") || text.contains("sys.argv"));
    let (script, text) = runnable.or_else(|| scripts.first())?;
    let script = script.strip_prefix(root).ok()?.to_str()?.to_owned();
    let mut start = vec!["\"{{ program }}\"".to_owned(), format!("{script:?}")];
    let mut ttl = "none";
    for (option, value) in options(text) {
        let (argument, is_ttl) = match value {
            Meaning::Port => ("{{ port }}", false),
            Meaning::Host => ("{{ host }}", false),
            Meaning::Ttl => ("{{ ttl_seconds or 60 }}", true),
            Meaning::Backends => (
                "{% for backend in backends %}{{ backend.address }}{% if not loop.last %},{% endif %}{% endfor %}",
                false,
            ),
            // Arguments of several lines become several arguments.
            Meaning::Backend => {
                start.push(format!(
                    "\"{{% for backend in backends %}}{option}\\n{{{{ backend.address }}}}\\n{{% endfor %}}\""
                ));
                continue;
            }
        };
        start.push(format!("{option:?}"));
        start.push(format!("\"{argument}\""));
        if is_ttl {
            ttl = "arguments";
        }
    }
    // A proxy that is not told where its backends are cannot be judged.
    if !start.iter().any(|argument| argument.contains("backend")) {
        return None;
    }
    Some(format!(
        "# Drafted by looking at {script}; a profile of the team's own takes its place.\nname: drafted\n\
         program: {{installed: {{name: python3}}}}\nstart:\n{}\ncapabilities: {{cache: disk, ttl: {ttl}}}\n",
        start.iter().map(|argument| format!("  - {argument}")).collect::<Vec<_>>().join("\n")
    ))
}

enum Meaning {
    Port,
    Host,
    Ttl,
    Backend,
    Backends,
}

/// The long options that a source names, each once, where their names say what they mean.
fn options(text: &str) -> Vec<(String, Meaning)> {
    let mut found: Vec<(String, Meaning)> = Vec::new();
    for (at, _) in text.match_indices("--") {
        if !text[..at].ends_with(['"', '\'']) {
            continue;
        }
        let name: String = text[at + 2..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .collect();
        let option = format!("--{name}");
        let meaning = match name.as_str() {
            "port" | "puerto" => Meaning::Port,
            "host" | "listen-host" => Meaning::Host,
            "ttl" => Meaning::Ttl,
            "backend" | "server" => Meaning::Backend,
            "backends" | "servers" | "servidores" => Meaning::Backends,
            _ => continue,
        };
        if !found.iter().any(|(known, _)| *known == option) {
            found.push((option, meaning));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::draft;
    use crate::adapter;

    #[test]
    fn a_python_program_that_names_its_options_gets_a_sound_profile() {
        let root = tempfile::tempdir().unwrap();
        let source = "import socket, argparse\np.add_argument('--port')\np.add_argument('--backends')\n\
                      p.add_argument('--ttl')\ns.listen(5)\nif __name__ == '__main__': main()\n";
        std::fs::write(root.path().join("proxy.py"), source).unwrap();
        let text = draft(root.path()).unwrap();
        let adapter = adapter::resolve(&text.as_str().into(), Path::new("x.yaml")).unwrap();
        assert!(adapter.start.contains(&"--backends".to_owned()), "{:?}", adapter.start);
        assert_eq!(adapter.start[1], "proxy.py");
    }

    #[test]
    fn what_is_not_understood_has_no_draft() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("main.go"), "package main").unwrap();
        assert_eq!(draft(root.path()), None);
    }
}
