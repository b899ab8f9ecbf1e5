//! The words of grading: labels, reasons, what a first look found, and the lines of the terminal.
//!
//! The pages of `grade`, its command and its tables print them. Points are counted elsewhere; questions for the defence are
//! in `defence_words`.

use super::{Counted, Decimal, InWords, Language, Noun, Span};
use crate::{messages, words};

/// A grade, with all of its decimals: `4.0`, `4,0`.
#[derive(Clone, Copy, Debug)]
pub struct Mark(pub f64, pub usize);

impl InWords for Mark {
    fn in_words(&self, language: Language) -> String {
        format!("{:.*}", self.1, self.0).replace('.', language.choose(".", ","))
    }
}

/// A short text on a page of grades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its English text")]
pub enum GradeLabel {
    Grades,
    Team,
    Teams,
    Grade,
    Points,
    Requirement,
    Matrix,
    Distribution,
    All,
    Some,
    None,
    Open,
    SharedFaults,
    NoSharedFaults,
    Runs,
    HowJudged,
    Report,
    Flags,
    FirstLook,
    LastLines,
    Works,
    Complete,
    Robust,
    Reached,
    BelowMissing,
    ToReview,
    Overridden,
    MustPass,
    Defence,
    DefenceShort,
    Questions,
    Question,
    GoodAnswer,
    Evidence,
    Entries,
    EntriesHelp,
    Repeated,
    Rubric,
    AllTeams,
    Why,
    Command,
    InDispute,
    WouldChange,
    SharedCode,
    SharedCodeHelp,
    AllDefences,
    MarkGiven,
    Note,
}

words!(GradeLabel {
    GradeLabel::InDispute => { en: "Points in dispute", es: "Puntos por decidir" },
    GradeLabel::WouldChange => { en: "What would change a grade", es: "Qué cambiaría una nota" },
    GradeLabel::SharedCode => { en: "Submissions that share code", es: "Entregas que comparten código" },
    GradeLabel::SharedCodeHelp => {
        en: "By fingerprints of their tokens: other names, numbers, texts and comments change nothing. What most teams share was given to all and does not count. It says what is alike, not why: a person has to look.",
        es: "Por huellas de sus símbolos: otros nombres, números, textos y comentarios no cambian nada. Lo que comparte la mayoría se le dio a todos y no cuenta. Dice qué se parece, no por qué: debe mirarlo una persona."
    },
    GradeLabel::AllDefences => { en: "Questions for the defence of all teams, one page each", es: "Preguntas para la sustentación de todos los equipos, una página por equipo" },
    GradeLabel::MarkGiven => { en: "Mark", es: "Nota de la sustentación" },
    GradeLabel::Note => { en: "Note", es: "Observaciones" },
    GradeLabel::Grades => { en: "Grades", es: "Notas" },
    GradeLabel::Team => { en: "Team", es: "Equipo" },
    GradeLabel::Teams => { en: "Teams", es: "Equipos" },
    GradeLabel::Grade => { en: "Grade", es: "Nota" },
    GradeLabel::Points => { en: "Points", es: "Puntaje" },
    GradeLabel::Requirement => { en: "Requirement", es: "Requisito" },
    GradeLabel::Matrix => { en: "Teams and requirements", es: "Equipos y requisitos" },
    GradeLabel::Distribution => { en: "How each requirement came out", es: "Cómo resultó cada requisito" },
    GradeLabel::All => { en: "all of it", es: "completo" },
    GradeLabel::Some => { en: "a part", es: "en parte" },
    GradeLabel::None => { en: "nothing", es: "nada" },
    GradeLabel::Open => { en: "to be reviewed", es: "por revisar" },
    GradeLabel::SharedFaults => { en: "What failed, and for how many teams", es: "Qué fallas hubo y cuántos equipos las comparten" },
    GradeLabel::NoSharedFaults => { en: "Nothing failed for any team.", es: "Ningún equipo tuvo fallas." },
    GradeLabel::HowJudged => { en: "How it was judged", es: "Cómo se evaluó" },
    GradeLabel::Runs => { en: "Runs", es: "Ejecuciones" },
    GradeLabel::Report => { en: "report", es: "informe" },
    GradeLabel::Flags => { en: "What the instructor should know", es: "Lo que conviene saber" },
    GradeLabel::FirstLook => { en: "First look", es: "Primera mirada" },
    GradeLabel::LastLines => { en: "The last lines that it printed", es: "Las últimas líneas que escribió" },
    GradeLabel::Works => { en: "works", es: "funciona" },
    GradeLabel::Complete => { en: "complete", es: "completo" },
    GradeLabel::Robust => { en: "robust", es: "robusto" },
    GradeLabel::Reached => { en: "reached", es: "alcanzado" },
    GradeLabel::BelowMissing => { en: "does not count: the one below is missing", es: "no cuenta: falta el anterior" },
    GradeLabel::ToReview => { en: "to be reviewed", es: "por revisar" },
    GradeLabel::Overridden => { en: "points given by the instructor", es: "puntaje dado por el docente" },
    GradeLabel::MustPass => { en: "indispensable", es: "indispensable" },
    GradeLabel::Defence => { en: "Questions for the defence", es: "Preguntas para la sustentación" },
    GradeLabel::DefenceShort => { en: "Defence", es: "Sustentación" },
    GradeLabel::Questions => { en: "questions", es: "preguntas" },
    GradeLabel::Question => { en: "Question", es: "Pregunta" },
    GradeLabel::GoodAnswer => { en: "A good answer contains", es: "Una buena respuesta contiene" },
    GradeLabel::Evidence => { en: "Where it was seen", es: "Dónde se observó" },
    GradeLabel::Entries => { en: "Enter what only a person can judge", es: "Ingresar lo que solo una persona puede evaluar" },
    GradeLabel::EntriesHelp => {
        en: "Shares of the points, in percent. Copy the text below into a file and grade again with --entries FILE: runs that were made are not made again.",
        es: "Parte del puntaje, en porcentaje. El texto de abajo se copia en un archivo y se califica de nuevo con --entries ARCHIVO: las ejecuciones ya hechas no se repiten."
    },
    GradeLabel::Repeated => { en: "run again, alone", es: "repetida a solas" },
    GradeLabel::Rubric => { en: "Rubric", es: "Rúbrica" },
    GradeLabel::AllTeams => { en: "All teams", es: "Todos los equipos" },
    GradeLabel::Why => { en: "Why", es: "Por qué" },
    GradeLabel::Command => { en: "To see it again, from the folder of the grades", es: "Para verlo de nuevo, desde la carpeta de las notas" },
});

messages! {
    /// A check that is not met.
    pub fn missed() { en: "not met", es: "no cumple" }
    /// A check that is declared as not implemented.
    pub fn missed_unsupported() { en: "declared as not implemented", es: "no implementado (declarado)" }
    /// A check that hangs on another one.
    pub fn missed_blocked() {
        en: "could not be tried: what it depends on is not met",
        es: "sin evaluar: no cumple aquello de lo que depende",
    }
    /// A check that no proxy was there for.
    pub fn missed_not_started() { en: "the proxy did not start", es: "el proxy no arrancó" }
    /// The first look: all is well.
    pub fn look_starts() { en: "starts and answers", es: "arranca y responde" }
    /// The first look: something is missing on this machine.
    pub fn look_needs(what: &str) { en: "needs something: {what}", es: "necesita algo: {what}" }
    /// What it needs: a tool, a library, a package.
    pub fn lacks_tool(line: &str) {
        en: "this machine lacks what it is built or run with, to be reviewed: {line}",
        es: "a este computador le falta algo con lo que se compila o ejecuta, por revisar: {line}",
    }
    /// What it needs: the network.
    pub fn lacks_network(line: &str) {
        en: "its build wants to fetch something, and this machine cannot reach it, to be reviewed: {line}",
        es: "su compilación descarga algo y este computador no lo alcanza, por revisar: {line}",
    }
    /// What a build lacks: a network, which the judge does not give it.
    pub fn no_network_in_a_build(line: &str) {
        en: "the judge allows no network in a build, and this one wants to fetch something, to be reviewed: {line} (--build-network allows it)",
        es: "el banco de pruebas no permite la red al compilar y esta compilación descarga algo, por revisar: {line} (--build-network lo permite)",
    }
    /// Why a submission cannot be opened: a password.
    pub fn encrypted() {
        en: "its zip asks for a password; it has to be handed in without one",
        es: "su zip pide una contraseña; debe entregarse sin ella",
    }
    /// The same: a method of compression.
    pub fn packed_otherwise(method: &str) {
        en: "its zip is compressed in a way that is not read here ({method}); packed by the menu of any desktop, it is",
        es: "su zip está comprimido de una forma que aquí no se lee ({method}); empaquetado desde el menú de cualquier escritorio, sí",
    }
    /// The same: its size.
    pub fn too_large(mebibytes: u64, files: u64, deep: u64) {
        en: "unpacked it has more than {mebibytes} MiB, more than {files} files or folders more than {deep} deep",
        es: "descomprimida tiene más de {mebibytes} MiB, más de {files} archivos o carpetas a más de {deep} niveles",
    }
    /// The same: it is no zip.
    pub fn no_zip(why: &str) {
        en: "it is no zip, or a damaged one ({why})",
        es: "no es un zip, o está dañado ({why})",
    }
    /// The same: proxy and backends on one port.
    pub fn port_is_shared() {
        en: "proxy and backends insist on the same port, which only machines of their own could have; told another port, or `fixed_host: 127.0.0.1` where it binds that, it can be judged",
        es: "el proxy y los backends exigen el mismo puerto, que solo tendrían en máquinas distintas; con otro puerto, o con `fixed_host: 127.0.0.1` si usa esa dirección, se puede evaluar",
    }
    /// Why the judge could not find out.
    pub fn look_took_too_long() {
        en: "the first look took longer than it may",
        es: "la primera mirada tardó más de lo permitido",
    }
    /// The first look: no profile.
    pub fn look_no_profile() {
        en: "no pibl-judge.yaml, and the judge could not draft one, to be reviewed: `harness init` writes one",
        es: "sin pibl-judge.yaml, y el banco de pruebas no pudo proponer uno, por revisar: `harness init` lo escribe",
    }
    /// The first look: a profile that is wrong.
    pub fn look_wrong_profile(what: &str) { en: "its profile cannot be used: {what}", es: "su perfil no se puede usar: {what}" }
    /// The first look: a submission that is no submission.
    pub fn look_unreadable(why: &str) { en: "cannot be opened, to be reviewed: {why}", es: "no se puede abrir, por revisar: {why}" }
    /// The first look: the judge could not.
    pub fn look_in_vain(why: &str) {
        en: "the judge could not find out, a person has to look: {why}",
        es: "el banco de pruebas no pudo averiguarlo, debe mirarlo una persona: {why}",
    }
    /// The submission is pibl.
    pub fn flag_is_pibl() {
        en: "this is pibl itself, or holds its program: no work of the team",
        es: "esto es el propio pibl, o contiene su programa: no es trabajo del equipo",
    }
    /// The profile is not the team's.
    pub fn flag_drafted() {
        en: "the profile was drafted by looking at the submission, as the team wrote none: what is not met under it is to be reviewed",
        es: "el perfil se propuso al mirar la entrega, pues el equipo no escribió ninguno: lo que no se cumple con él queda por revisar",
    }
    /// Declared rotations.
    pub fn flag_rotations(declared: u32) {
        en: "declares {declared} rotations, which widens what counts as even",
        es: "declara {declared} rotaciones, lo que amplía lo que vale como reparto parejo",
    }
    /// Declared resolution.
    pub fn flag_resolution(span: Span) {
        en: "declares that entries may expire up to {span} away from their TTL",
        es: "declara que lo guardado puede expirar hasta {span} lejos de su TTL",
    }
    /// A fixed port.
    pub fn flag_fixed_port(port: &str) { en: "insists on port {port}", es: "exige el puerto {port}" }
    /// `copy_from` of a profile.
    pub fn leads_outside() { en: "`copy_from` leads out of the submission", es: "`copy_from` sale de la entrega" }
    /// What a row would make of a grade.
    pub fn would_become(row: &str, points: Decimal, now: Mark, then: Mark) {
        en: "{row} (+{points}): {now} → {then}", es: "{row} (+{points}): {now} → {then}",
    }
    /// Two that are alike.
    pub fn share_code(one: &str, other: &str, share: super::Percent) {
        en: "{one} and {other} share {share} of the smaller one's code", es: "{one} y {other} comparten el {share} del código de la más pequeña",
    }
    /// What hangs on a question.
    pub fn at_stake(points: Decimal) { en: "Points at stake: {points}", es: "Puntos en juego: {points}" }
    /// A grade that is decided.
    pub fn decided(grade: Mark, most: Mark) { en: "{grade} of {most}", es: "{grade} de {most}" }
    /// A grade that is still open.
    pub fn open_span(least: Mark, most: Mark) { en: "between {least} and {most}", es: "entre {least} y {most}" }
    /// What limits a grade.
    pub fn limited_to(grade: Mark) {
        en: "limited to {grade}: something indispensable does not work",
        es: "limitada a {grade}: algo indispensable no funciona",
    }
    /// Points of a row.
    pub fn points_of(earned: Decimal, points: Decimal) { en: "{earned} of {points}", es: "{earned} de {points}" }
    /// Points of a row that may still come.
    pub fn points_open(open: Decimal) { en: "{open} to be reviewed", es: "{open} por revisar" }
    /// How long a grading takes.
    pub fn estimated(runs: usize, made: usize, time: Span) {
        en: "{runs} runs, {made} of them made before; the rest takes about {time}",
        es: "{runs} ejecuciones, {made} ya hechas; el resto tarda cerca de {time}",
    }
    /// A run of a team has ended.
    pub fn run_ended(done: usize, of: usize, code: &str, scenario: &str, verdict: &str) {
        en: "[{done}/{of}] {code} · {scenario}: {verdict}",
        es: "[{done}/{of}] {code} · {scenario}: {verdict}",
    }
    /// A run of a team was cut.
    pub fn run_cut(scenario: &str, after: Span) {
        en: "The run {scenario} was cut after {after}, when its time was over: what it had not asked by then is to be reviewed, and counts neither as met nor as not met.",
        es: "La ejecución {scenario} se cortó tras {after}, al acabarse su tiempo: lo que no alcanzó a preguntar queda por revisar y no cuenta ni como cumplido ni como incumplido.",
    }
    /// A share of the judge went wrong for one team.
    pub fn row_went_wrong(code: &str, what: &str) {
        en: "{code}: this run could not be made and stays to be reviewed: {what}",
        es: "{code}: esta ejecución no se pudo hacer y queda por revisar: {what}",
    }
    /// Where the grades lie.
    pub fn grades_at(path: &str) { en: "Grades: {path}", es: "Notas: {path}" }
    /// The grading was interrupted.
    pub fn go_on() {
        en: "Interrupted. The same command goes on where it stopped.",
        es: "Interrumpido. El mismo comando sigue donde quedó.",
    }
    /// The folder of the grades cannot be written.
    pub fn not_graded_into(path: &str, why: &str) {
        en: "the judge could not write the grades into {path}: {why}",
        es: "el banco de pruebas no pudo escribir las notas en {path}: {why}",
    }
    /// Another grading has the folder.
    pub fn graded_already() {
        en: "another grading is writing there; wait for its end, or give another --out",
        es: "otra calificación está escribiendo ahí; espere a que termine o indique otro --out",
    }
    /// No submission was found.
    pub fn no_submission() {
        en: "no submission was found in what was named",
        es: "no se encontró ninguna entrega en lo indicado",
    }
    /// Where the part of one machine lies.
    pub fn grade_shard_written(path: &str) {
        en: "This is one shard: `harness merge`, given {path} and the folders of the others, makes the index and the table.",
        es: "Esta es una parte: `harness merge`, con {path} y las carpetas de las demás, hace el índice y la tabla.",
    }
    /// One of the shards of a grading is not there.
    pub fn grade_shard_missing(index: u64, of: u64, submissions: &str) {
        en: "shard {index} of {of} is missing: grade it again with --shard {index}/{of}; to it belong {submissions}",
        es: "falta la parte {index} de {of}: califíquela de nuevo con --shard {index}/{of}; a ella pertenecen {submissions}",
    }
    /// Another rubric, other submissions, another seed, another number.
    pub fn grade_shard_of_another(path: &str) {
        en: "{path} is a shard of another grading: rubric, scenarios, submissions, --seed and number of shards must be the same",
        es: "{path} es parte de otra calificación: rúbrica, escenarios, entregas, `--seed` y número de partes deben ser los mismos",
    }
    /// A submission that its shard has not judged to its end.
    pub fn team_unfinished(code: &str, name: &str, index: u64, of: u64) {
        en: "{code} {name} was not judged to its end: grade once more with --shard {index}/{of}, which keeps what is done",
        es: "{code} {name} no se juzgó hasta el final: califique otra vez con --shard {index}/{of}, que conserva lo hecho",
    }
    /// A run of a submission, or what was concluded of it, that is not as it was written.
    pub fn run_changed(code: &str, name: &str, path: &str, index: u64, of: u64) {
        en: "{code} {name}: {path} is not what was written when it was judged; copy the folder of the shard again, or remove what lies there and grade once more with --shard {index}/{of}",
        es: "{code} {name}: {path} no es lo que se escribió al juzgar; copie de nuevo la carpeta de la parte, o borre lo que hay ahí y califique otra vez con --shard {index}/{of}",
    }
    /// A student whose submission is not there.
    pub fn not_found(student: &str, submission: &str) {
        en: "  not found: {student}, whose submission would be {submission}",
        es: "  sin encontrar: {student}, cuya entrega sería {submission}",
    }
    /// A submission of no student of the list.
    pub fn of_nobody(submission: &str) {
        en: "  of no student in the list: {submission}",
        es: "  de ningún estudiante de la lista: {submission}",
    }
    /// Heading of the first look.
    pub fn first_look_of(count: usize) { en: "First look at {count}:", es: "Primera mirada a {count}:" }
    /// How many teams.
    pub fn teams_counted(count: usize) { en: "{count} teams", es: "{count} equipos" }
    /// Those of a list that are not named.
    pub fn and_more(count: usize) { en: "and {count} more", es: "y {count} más" }
    /// A fault and how many teams made it.
    pub fn of_teams(count: usize, all: usize) { en: "{count} of {all} teams", es: "{count} de {all} equipos" }
    /// What the page is for.
    pub fn defence_intro(code: &str) {
        en: "Made from what was observed of {code}: each question has its evidence, and the command that shows it again within seconds.",
        es: "Hecho a partir de lo observado en {code}: cada pregunta tiene su evidencia y el comando que la muestra de nuevo en segundos.",
    }
    /// Nothing was observed, as no run was made.
    pub fn no_run_yet() {
        en: "Nothing was observed yet: none of its runs has been made.",
        es: "Todavía no se observó nada: no se ha hecho ninguna de sus corridas.",
    }
    /// What was observed calls for no question.
    pub fn nothing_to_ask() {
        en: "Nothing that was observed calls for a question.",
        es: "Nada de lo observado pide una pregunta.",
    }
    /// Nothing was observed.
    pub fn nothing_observed() {
        en: "Nothing was observed: the proxy never got ready. The first question is why.",
        es: "No se observó nada: el proxy nunca llegó a estar listo. La primera pregunta es por qué.",
    }
}

/// Something among the submissions that is none, named so that nobody is forgotten.
pub fn passed_over(language: Language, name: &str, archive: bool) -> String {
    match (language, archive) {
        (Language::En, false) => format!("  skipped, no submission: {name}"),
        (Language::Es, false) => format!("  omitido, no es una entrega: {name}"),
        (Language::En, true) => {
            format!("  skipped, an archive that is not read, to be handed in as a .zip or a folder: {name}")
        }
        (Language::Es, true) => {
            format!(
                "  omitido, un archivo comprimido que no se lee, debe entregarse como .zip o carpeta: {name}"
            )
        }
    }
}

/// How many checks a rung rests on.
pub fn rests_on(checks: usize, language: Language) -> String {
    Counted(checks as u64, Noun::Check).in_words(language)
}
