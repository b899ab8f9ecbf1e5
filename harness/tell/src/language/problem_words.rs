//! Why a proxy could not be started, in words: what happened, and the way out.
//!
//! `cli` prints it when a run ends before it began, and the report of such a run shows it. The last lines of the proxy are
//! handed on as they are: they are the best witness, and nothing here interprets them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Counted, Language, Listed, Noun, Span};
use crate::say;
use harness_platform::Signal;
use harness_run::proxy_under_test::{NoAnswer, Preparation, StartProblem, Unfit};

/// A problem in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemWords {
    /// What happened, in one sentence without its full stop; begins in lower case and reads well after a colon.
    pub title: String,
    /// What else was seen, one sentence each.
    pub details: Vec<String>,
    /// The last lines that the proxy, or its build, printed.
    pub last_lines: Vec<String>,
    /// What can be done about it.
    pub way_out: Option<String>,
}

/// Words a problem.
pub fn start_problem(language: Language, problem: &StartProblem) -> ProblemWords {
    ProblemWords {
        title: title(language, problem),
        details: details(language, problem),
        last_lines: last_lines(problem),
        way_out: way_out(language, problem),
    }
}

/// Words what is being done before a start.
pub fn preparation(language: Language, preparation: &Preparation) -> String {
    match preparation {
        Preparation::Building { package, optimised: true } => say!(language,
            en: "building {package} (release)", es: "compilando {package} (release)", package = package),
        Preparation::Building { package, optimised: false } => say!(language,
            en: "building {package} (unoptimised: nothing here is about speed)",
            es: "compilando {package} (sin optimizar: aquí no se mide la velocidad)", package = package),
        Preparation::Running { command } => say!(language,
            en: "building: {command}", es: "compilando: {command}", command = command.join(" ")),
    }
}

fn title(language: Language, problem: &StartProblem) -> String {
    match problem {
        StartProblem::ProgramMissing { name, .. } => say!(language,
            en: "the program `{name}` is not on this machine", es: "el programa `{name}` no está en este computador",
            name = name),
        StartProblem::BuildFailed { command, code, .. } => {
            let command = command.join(" ");
            match code {
                Some(code) => say!(language,
                    en: "it did not build: `{command}` ended with status {code}",
                    es: "no compiló: `{command}` terminó con el estado {code}", command = command, code = *code),
                None => say!(language,
                    en: "it did not build: `{command}`", es: "no compiló: `{command}`", command = command),
            }
        }
        StartProblem::File { path, error } => say!(language,
            en: "could not use {path}: {error}", es: "no se pudo usar {path}: {error}",
            path = path.display().to_string(), error = error),
        StartProblem::PathLeadsOutside { path } => say!(language,
            en: "the adapter's path `{path}` leads out of the proxy's directory",
            es: "la ruta `{path}` del perfil del proxy sale del directorio del proxy", path = path),
        StartProblem::NoNamespace { addresses, error } => {
            let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            say!(language,
                en: "it needs {places}, and this host allows no network namespace: {error}",
                es: "necesita {places} y este computador no permite un espacio de red propio: {error}",
                places = Listed(&places), error = error)
        }
        StartProblem::NoPid { command, said } => say!(language,
            en: "`{command}` did not print its pid: {said}", es: "`{command}` no mostró su pid: {said}",
            command = command.join(" "), said = said),
        StartProblem::Guard { error } => say!(language,
            en: "the process that guards the proxy could not do its work: {error}",
            es: "el proceso que vigila al proxy no pudo hacer su trabajo: {error}", error = error),
        StartProblem::NotExecutable { program, error, .. } if error.is_empty() => say!(language,
            en: "{program} could not be executed", es: "no se pudo ejecutar {program}", program = program),
        StartProblem::NotExecutable { program, error, .. } => say!(language,
            en: "{program} could not be executed: {error}", es: "no se pudo ejecutar {program}: {error}",
            program = program, error = error),
        StartProblem::PortInUse { port, holder } => {
            let who = holder.as_ref().and_then(|holder| {
                let pid = holder.pid?.to_string();
                Some(holder.program.as_ref().map_or_else(
                    || say!(language, en: "process {pid}", es: "el proceso {pid}", pid = pid.clone()),
                    |program| {
                        say!(language, en: "`{program}` (process {pid})", es: "`{program}` (proceso {pid})",
                            program = program, pid = pid.clone())
                    },
                ))
            });
            let port = port.to_string();
            match who {
                Some(who) => say!(language,
                    en: "its port {port} is in use by {who}", es: "su puerto {port} lo usa {who}", port = port, who = who),
                None => say!(language,
                    en: "its port {port} is in use by another user's program",
                    es: "su puerto {port} lo usa un programa de otro usuario", port = port),
            }
        }
        StartProblem::NoPort { fixed: Some(port) } => say!(language,
            en: "another run of the harness uses port {port}, the only one that this proxy can listen on",
            es: "otra ejecución del banco de pruebas usa el puerto {port}, el único en que este proxy puede escuchar",
            port = port.to_string()),
        StartProblem::NoPort { fixed: None } => say!(language,
            en: "no free port was found for the proxy", es: "no se encontró un puerto libre para el proxy"),
        StartProblem::DiedAtStart { after, .. } => say!(language,
            en: "it ended {after} after its start, before it listened ({how})",
            es: "terminó {after} después de arrancar, antes de escuchar ({how})",
            after = span(*after), how = how_it_ended(language, problem)),
        StartProblem::DiedOfRequest { .. } => say!(language,
            en: "it listened and ended of the first request, a plain GET ({how})",
            es: "escuchó y terminó al recibir la primera petición, un GET sencillo ({how})",
            how = how_it_ended(language, problem)),
        StartProblem::NeverListened { expected, waited, .. } => say!(language,
            en: "it runs, but nothing listens on {expected} after {waited}",
            es: "está en ejecución, pero nada escucha en {expected} después de {waited}",
            expected = expected.to_string(), waited = span(*waited)),
        StartProblem::DoesNotAnswer { address, .. } => say!(language,
            en: "it listens on {address}, but does not answer a GET",
            es: "escucha en {address}, pero no responde una petición GET", address = address.to_string()),
    }
}

fn details(language: Language, problem: &StartProblem) -> Vec<String> {
    let mut details = Vec::new();
    match problem {
        StartProblem::ProgramMissing { searched, .. } if !searched.is_empty() => {
            let places = paths(searched);
            details.push(say!(language,
                en: "looked for it in {places}", es: "se buscó en {places}", places = Listed(&places)));
        }
        StartProblem::NeverListened { listens_on, attempts_before, .. } => {
            details.push(if listens_on.is_empty() {
                say!(language, en: "it listens on no TCP port at all", es: "no escucha en ningún puerto TCP")
            } else {
                let places = addresses(listens_on);
                say!(language, en: "it listens on {places}", es: "escucha en {places}", places = Listed(&places))
            });
            details.extend(starts_in_vain(language, *attempts_before));
        }
        StartProblem::DiedAtStart { attempts_before, .. } => {
            details.extend(starts_in_vain(language, *attempts_before));
        }
        StartProblem::DoesNotAnswer { instead, waited, .. } => {
            details.push(what_came(language, instead, *waited));
        }
        _ => {}
    }
    details
}

fn way_out(language: Language, problem: &StartProblem) -> Option<String> {
    Some(match problem {
        StartProblem::ProgramMissing { advice, .. } => match advice {
            Some(advice) => {
                say!(language, en: "install it: {advice}", es: "para instalarlo: {advice}", advice = advice)
            }
            None => say!(language,
                en: "install it, or name its full path in the adapter",
                es: "se puede instalar, o escribir su ruta completa en el perfil del proxy"),
        },
        StartProblem::BuildFailed { apart: true, .. } => say!(language,
            en: "run the same command by hand and mend what it reports; the judge allows no network in a build: what it fetches must be handed in with it (`cargo vendor`, `go mod vendor`), or allowed by --build-network",
            es: "conviene ejecutar el mismo comando a mano y corregir lo que indica; el banco de pruebas no permite la red al compilar: lo que se descarga debe entregarse junto con el programa (`cargo vendor`, `go mod vendor`) o permitirse con --build-network"),
        StartProblem::BuildFailed { .. } => say!(language,
            en: "run the same command by hand and mend what it reports",
            es: "conviene ejecutar el mismo comando a mano y corregir lo que indica"),
        StartProblem::NotExecutable { unfit: Some(unfit), .. } => make_it_fit(language, unfit),
        StartProblem::NotExecutable { unfit: None, .. } => say!(language,
            en: "the first word of `start` must be a program for this machine, with the right to be executed (chmod +x)",
            es: "la primera palabra de `start` debe ser un programa para este computador, con permiso de ejecución (chmod +x)"),
        StartProblem::PortInUse { .. } => say!(language,
            en: "end that program, or let the adapter say where the proxy is told its port",
            es: "se puede terminar ese programa, o indicar en el perfil cómo se le da el puerto al proxy"),
        StartProblem::NoPort { fixed: Some(_) } => say!(language,
            en: "wait for the other run to end", es: "hay que esperar a que termine la otra ejecución"),
        StartProblem::NeverListened { listens_on, .. } if listens_on.is_empty() => say!(language,
            en: "if it only needs more time, raise `ready_within` in the adapter",
            es: "si solo necesita más tiempo, se puede aumentar `ready_within` en el perfil del proxy"),
        StartProblem::NeverListened { .. } => say!(language,
            en: "hand it the port `{{{{ port }}}}` in the adapter, or declare the port that it insists on",
            es: "el perfil debe darle el puerto `{{{{ port }}}}`, o declarar el puerto fijo que usa"),
        StartProblem::DiedAtStart { .. }
        | StartProblem::DiedOfRequest { .. }
        | StartProblem::DoesNotAnswer { .. } => say!(language,
            en: "its last lines and the whole of `proxy.stdout` in the run folder tell more",
            es: "sus últimas líneas y el archivo `proxy.stdout` de la carpeta de la ejecución dicen más"),
        StartProblem::NoNamespace { .. } => say!(language,
            en: "run it where namespaces are allowed (as root, or on Linux with user namespaces), or `patch` the addresses in its private copy",
            es: "ejecútelo donde se permitan (como root, o en Linux con espacios de usuario), o cambie las direcciones de su copia privada con `patch`"),
        StartProblem::File { .. }
        | StartProblem::NoPid { .. }
        | StartProblem::PathLeadsOutside { .. }
        | StartProblem::Guard { .. }
        | StartProblem::NoPort { fixed: None } => return None,
    })
}

fn make_it_fit(language: Language, unfit: &Unfit) -> String {
    match unfit {
        Unfit::LineEnds => say!(language,
            en: "its first line ends with CR LF, as on Windows, and the CR is taken for a part of the name of its interpreter: save it with LF alone (dos2unix)",
            es: "su primera línea termina en CR LF, como en Windows, y el CR se toma como parte del nombre del intérprete: guárdelo solo con LF (dos2unix)"),
        Unfit::Interpreter { name } => say!(language,
            en: "its first line asks for `{name}`, which is not on this machine: install it or name another one",
            es: "su primera línea pide `{name}`, que no está en este computador: instálelo o escriba otro", name = name),
        Unfit::OtherMachine => say!(language,
            en: "it was built for another kind of machine or system: hand in its source and let `build` compile it here",
            es: "fue compilado para otro tipo de computador o de sistema: entregue el código fuente y compílelo aquí con `build`"),
        Unfit::NotAllowed => say!(language,
            en: "nobody may execute it: chmod +x, or begin `start` with its interpreter",
            es: "nadie tiene permiso para ejecutarlo: chmod +x, o comience `start` con su intérprete"),
    }
}

fn last_lines(problem: &StartProblem) -> Vec<String> {
    match problem {
        StartProblem::BuildFailed { last_lines, .. }
        | StartProblem::DiedAtStart { last_lines, .. }
        | StartProblem::DiedOfRequest { last_lines, .. }
        | StartProblem::NeverListened { last_lines, .. }
        | StartProblem::DoesNotAnswer { last_lines, .. } => last_lines.clone(),
        _ => Vec::new(),
    }
}

fn how_it_ended(language: Language, problem: &StartProblem) -> String {
    match problem {
        StartProblem::DiedAtStart { code: Some(code), .. }
        | StartProblem::DiedOfRequest { code: Some(code), .. } => {
            say!(language, en: "status {code}", es: "estado {code}", code = *code)
        }
        StartProblem::DiedAtStart { signal: Some(signal), .. }
        | StartProblem::DiedOfRequest { signal: Some(signal), .. } => say!(language,
            en: "killed by {signal}", es: "por la señal {signal}", signal = Signal::from_number(*signal).to_string()),
        _ => say!(language, en: "cause unknown", es: "causa desconocida"),
    }
}

fn starts_in_vain(language: Language, attempts_before: u32) -> Option<String> {
    (attempts_before > 0).then(|| {
        say!(language,
            en: "before that, {starts} in vain: the port was still taken",
            es: "antes hubo {starts} sin resultado: el puerto seguía ocupado",
            starts = Counted(u64::from(attempts_before), Noun::Start))
    })
}

fn what_came(language: Language, instead: &NoAnswer, waited: Duration) -> String {
    match instead {
        NoAnswer::NotConnected(error) => {
            say!(language, en: "no connection: {error}", es: "no hubo conexión: {error}", error = error)
        }
        NoAnswer::Silence => {
            say!(language, en: "nothing came for {waited}", es: "no llegó nada durante {waited}", waited = span(waited))
        }
        NoAnswer::Closed => say!(language,
            en: "the connection was closed without a byte", es: "la conexión se cerró sin enviar un solo byte"),
        NoAnswer::NotHttp(start) => say!(language,
            en: "what came is not HTTP; it begins with \"{start}\"",
            es: "lo que llegó no es HTTP; empieza por \"{start}\"", start = start),
    }
}

fn span(duration: Duration) -> Span {
    Span((duration.as_secs_f64() * 1_000.0).round())
}

fn paths(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn addresses(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(SocketAddr::to_string).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{StartProblem, start_problem};
    use crate::language::Language;
    use harness_platform::Holder;

    #[test]
    fn a_port_in_use_names_its_holder_and_never_groups_its_digits() {
        let address = "127.0.0.1:20001".parse().unwrap();
        let holder = Holder { pid: Some(4_321), program: Some("nginx".into()), address };
        let problem = StartProblem::PortInUse { port: 20_001, holder: Some(holder) };
        assert_eq!(
            start_problem(Language::En, &problem).title,
            "its port 20001 is in use by `nginx` (process 4321)"
        );
        assert_eq!(
            start_problem(Language::Es, &problem).title,
            "su puerto 20001 lo usa `nginx` (proceso 4321)"
        );
    }

    #[test]
    fn an_early_death_tells_how_and_after_what_time() {
        let problem = StartProblem::DiedAtStart {
            code: None,
            signal: Some(11),
            after: Duration::from_micros(31_400),
            attempts_before: 2,
            last_lines: vec!["boom".into()],
        };
        let words = start_problem(Language::Es, &problem);
        assert_eq!(
            words.title,
            "terminó 31 ms después de arrancar, antes de escuchar (por la señal SIGSEGV)"
        );
        assert_eq!(words.details, ["antes hubo 2 arranques sin resultado: el puerto seguía ocupado"]);
        assert_eq!(words.last_lines, ["boom"]);
    }

    #[test]
    fn a_wrong_port_is_told_with_what_to_write_into_the_adapter() {
        let problem = StartProblem::NeverListened {
            expected: "127.0.0.1:20001".parse().unwrap(),
            listens_on: vec!["0.0.0.0:8080".parse().unwrap()],
            waited: Duration::from_secs(10),
            attempts_before: 0,
            last_lines: Vec::new(),
        };
        let words = start_problem(Language::En, &problem);
        assert_eq!(words.title, "it runs, but nothing listens on 127.0.0.1:20001 after 10 s");
        assert_eq!(words.details, ["it listens on 0.0.0.0:8080"]);
        assert!(words.way_out.unwrap().contains("`{{ port }}`"));
    }
}
