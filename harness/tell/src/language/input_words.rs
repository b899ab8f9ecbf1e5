//! What is wrong with a file that a person wrote, in words: what, where it stands, and the way out.
//!
//! `cli` prints it before anything runs. The line is shown and underlined; the parser's own messages, where one has to
//! be handed on, stay in English.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Bytes, Language, Listed, Span, value_words};
use crate::say;
use harness_model::scenario::{Forbidden, NameKind, Problem, Shape, Slip, What, closest};

/// Names that are worth listing beside a suggestion.
const SHORT_LIST: usize = 8;

/// A problem as the terminal shows it: `file:line:column`, the line, the underline, the way out.
pub fn input_problem(language: Language, problem: &Problem, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let title = title(language, &problem.what);
    let help = way_out(language, &problem.what);
    let level = Level::ERROR.with_name(language.choose("error", "error"));
    let Some(place) = &problem.place else {
        // Without a line there is nothing to stand beside.
        let beside = Some(label(language, &problem.what)).filter(|said| !said.is_empty());
        let mut group =
            level.primary_title(title).elements(std::iter::empty::<annotate_snippets::Element<'_>>());
        for help in beside.iter().chain(&help) {
            group = group.element(Level::HELP.with_name(language.choose("help", "ayuda")).message(help));
        }
        return renderer.render(&[group]).to_string();
    };
    let path = place.file.display().to_string();
    let snippet = Snippet::source(place.text.as_ref())
        .path(path)
        .annotation(AnnotationKind::Primary.span(place.bytes.clone()).label(label(language, &problem.what)));
    let mut group = level.primary_title(title).element(snippet);
    if let Some(help) = &help {
        group = group.element(Level::HELP.with_name(language.choose("help", "ayuda")).message(help));
    }
    renderer.render(&[group]).to_string()
}

fn not_yaml(language: Language, slip: Slip) -> String {
    match slip {
        Slip::Empty => say!(language, en: "there is nothing in this file", es: "este archivo está vacío"),
        Slip::Tab => say!(language,
            en: "a tab stands where blanks belong", es: "hay un tabulador donde van espacios"),
        Slip::Several => say!(language,
            en: "a second document begins here: a file holds one",
            es: "aquí comienza un segundo documento: un archivo contiene uno solo"),
        Slip::Alias => say!(language,
            en: "this alias stands for nothing, or for what contains it",
            es: "este alias no remite a nada, o remite a lo que lo contiene"),
        Slip::Tag => say!(language, en: "nothing here has a tag (`!`)", es: "aquí nada lleva etiqueta (`!`)"),
        Slip::Unclosed => say!(language,
            en: "a bracket, a brace or a quote is not closed, or not by its own kind",
            es: "un corchete, una llave o unas comillas no se cierran, o no con las suyas"),
        Slip::Key => say!(language,
            en: "no key can stand here: indent the line as those beside it, or put a text that contains `: ` between quotes",
            es: "aquí no puede ir una clave: dele a la línea la misma sangría que a las de al lado, o ponga entre comillas el texto que contiene `: `"),
        Slip::Form => say!(language,
            en: "this is no YAML as it is read here", es: "esto no es YAML como se lee aquí"),
    }
}

fn title(language: Language, what: &What) -> String {
    match what {
        What::Syntax(slip) => not_yaml(language, *slip),
        What::UnknownKey { key, .. } => say!(language,
            en: "there is no `{key}` here", es: "aquí no existe `{key}`", key = key),
        What::MissingKey(key) => say!(language, en: "`{key}` is missing", es: "falta `{key}`", key = key),
        What::DuplicateKey(key) => say!(language,
            en: "`{key}` stands here twice", es: "`{key}` aparece dos veces", key = key),
        What::WrongType { found, expected } => say!(language,
            en: "{found} where {expected} belongs", es: "hay {found} donde va {expected}",
            found = found, expected = expected),
        What::WrongShape { found, belongs } => {
            let belongs = shape(language, *belongs);
            if found.is_empty() {
                return say!(language, en: "{belongs} belongs here", es: "aquí va {belongs}", belongs = belongs);
            }
            say!(language, en: "`{found}` where {belongs} belongs", es: "hay `{found}` donde va {belongs}",
                found = found, belongs = belongs)
        }
        What::BadValue(why) => match language {
            Language::En => why.clone(),
            Language::Es => value_words::in_spanish(why),
        },
        What::UnknownName { kind, name, .. } => match kind {
            NameKind::Check => say!(language,
                en: "no check is called `{name}`", es: "ninguna verificación se llama `{name}`", name = name),
            NameKind::Requirement => say!(language,
                en: "no requirement is called `{name}`", es: "ningún requisito se llama `{name}`", name = name),
            NameKind::Label => say!(language,
                en: "no step before this one is called `{name}`",
                es: "ningún paso anterior se llama `{name}`", name = name),
            NameKind::Adapter => say!(language,
                en: "no proxy is called `{name}`, and no such file exists",
                es: "ningún proxy se llama `{name}` y no existe un archivo así", name = name),
            NameKind::Backend => say!(language,
                en: "no backend is called `{name}`", es: "ningún backend se llama `{name}`", name = name),
            NameKind::Setting => say!(language,
                en: "the scenario has no `{name}` to set", es: "el escenario no tiene `{name}`", name = name),
            NameKind::Variable => say!(language,
                en: "no variable of a template is called `{name}`",
                es: "ninguna variable de una plantilla se llama `{name}`", name = name),
        },
        What::NoTtl => say!(language,
            en: "this step needs a TTL, and `proxy` states none",
            es: "este paso necesita un TTL y `proxy` no indica ninguno"),
        What::NotAFill(name) => say!(language,
            en: "`{name}` stores no keys", es: "`{name}` no almacena claves", name = name),
        What::Weakened(name) => say!(language,
            en: "`{name}` cannot count for less than the catalogue says",
            es: "`{name}` no puede valer menos de lo que dice el catálogo", name = name),
        What::NothingToRun => say!(language, en: "there is nothing to do", es: "no hay nada que hacer"),
        What::NoFile(file) => say!(language,
            en: "{file} is there, but it is no file", es: "{file} existe, pero no es un archivo",
            file = file.display().to_string()),
        What::TooLong { file, most } => say!(language,
            en: "{file} is longer than {most}: no file of its kind is",
            es: "{file} ocupa más de {most}: ningún archivo de su tipo es tan grande",
            file = file.display().to_string(), most = Bytes(*most)),
        What::TooMuch => say!(language,
            en: "more levels, aliases or values than a file of this kind can need",
            es: "más niveles, alias o valores de los que un archivo de este tipo puede necesitar"),
        What::Unreadable { file, why } => say!(language,
            en: "could not read {file}: {why}", es: "no se pudo leer {file}: {why}",
            file = file.display().to_string(), why = why),
        What::NoSuchFile { file, .. } => say!(language,
            en: "there is no file {file}", es: "no existe el archivo {file}", file = file.display().to_string()),
        What::NotText => say!(language,
            en: "this is no text in UTF-8, UTF-16 or Latin-1",
            es: "esto no es texto en UTF-8, UTF-16 ni Latin-1"),
        What::UnsafeName => say!(language,
            en: "a name is a folder of reports: letters, digits, `-`, `_` and `.` only, a letter or digit first, at most 80 bytes",
            es: "un nombre es una carpeta de informes: solo letras, dígitos, `-`, `_` y `.`, comienza por letra o dígito y ocupa como máximo 80 bytes"),
        What::Unmatched { text, file, times: None } => say!(language,
            en: "`{text}` overlaps with another replacement in {file}",
            es: "`{text}` se cruza con otro reemplazo en {file}",
            text = text, file = file.display().to_string()),
        What::Unmatched { text, file, times: Some(0) } => say!(language,
            en: "`{text}` does not occur in {file}", es: "`{text}` no aparece en {file}",
            text = text, file = file.display().to_string()),
        What::Unmatched { text, file, times: Some(times) } => say!(language,
            en: "`{text}` occurs {times} times in {file}", es: "`{text}` aparece {times} veces en {file}",
            text = text, times = times.to_string(), file = file.display().to_string()),
        What::PatchWithoutCopy => say!(language,
            en: "`patch` changes the private copy of a submission, and nothing is copied",
            es: "`patch` cambia la copia privada de una entrega y no se copia nada"),
        What::Forbidden(key, why) => match why {
            Forbidden::OutsideTheFence => say!(language,
                en: "`{key}` would act with the rights of whoever runs the harness",
                es: "`{key}` actuaría con los permisos de quien ejecuta el banco de pruebas", key = key),
            Forbidden::OpensTheFence => say!(language,
                en: "`{key}` would let the submission out of its own folder, network and limits",
                es: "`{key}` dejaría que la entrega salga de su carpeta, su red y sus límites", key = key),
            Forbidden::Outside(path) => say!(language,
                en: "`{key}` leads out of the submission: {path}", es: "`{key}` sale de la entrega: {path}",
                key = key, path = path),
            Forbidden::LongerThan(most) => say!(language,
                en: "`{key}` of a submission is {most} at most", es: "`{key}` de una entrega es de {most} como máximo",
                key = key, most = Span(most.as_secs_f64() * 1e3)),
            Forbidden::MoreThan(most) => say!(language,
                en: "`{key}` of a submission is {most} at most", es: "`{key}` de una entrega es {most} como máximo",
                key = key, most = most.to_string()),
        },
        What::Template { name, why } => say!(language,
            en: "the template {name} cannot be filled in: {why}",
            es: "la plantilla {name} no se puede completar: {why}", name = name, why = why),
    }
}

fn shape(language: Language, shape: Shape) -> String {
    match shape {
        Shape::Text => say!(language, en: "a text", es: "un texto"),
        Shape::WholeNumber { most: u64::MAX } => {
            say!(language, en: "a whole number such as 3", es: "un número entero como 3")
        }
        Shape::WholeNumber { most } => say!(language,
            en: "a whole number up to {most}", es: "un número entero hasta {most}", most = most.to_string()),
        Shape::Number => say!(language, en: "a number such as 1.5", es: "un número como 1.5"),
        Shape::Truth => say!(language, en: "true or false", es: "true o false"),
        Shape::List => say!(language, en: "a list such as [one, two]", es: "una lista como [uno, dos]"),
        Shape::Keys => say!(language, en: "a mapping such as {form}", es: "un objeto como {form}",
            form = language.choose("{key: value}", "{clave: valor}")),
    }
}

fn label(language: Language, what: &What) -> String {
    match what {
        What::UnknownKey { key, known } => suggestion(language, key, known),
        What::UnknownName { name, known, .. } => suggestion(language, name, known),
        _ => String::new(),
    }
}

fn suggestion(language: Language, written: &str, known: &[String]) -> String {
    closest(written, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| suggested(language, near))
}

fn suggested(language: Language, near: &str) -> String {
    say!(language, en: "did you mean `{near}`?", es: "¿se quiso decir `{near}`?", near = near)
}

fn way_out(language: Language, what: &What) -> Option<String> {
    match what {
        What::UnknownKey { key: name, known } | What::UnknownName { name, known, .. }
            if !known.is_empty() =>
        {
            let near = closest(name, known.iter().map(String::as_str)).is_some();
            // What was probably meant is said beside the place already; a long list would only bury it.
            (!near || known.len() <= SHORT_LIST).then(
                || say!(language, en: "there are {known}", es: "existen {known}", known = Listed(known)),
            )
        }
        What::UnknownName { kind: NameKind::Label, .. } => Some(say!(language,
            en: "give the step that is meant a name with `as:`",
            es: "asigne un nombre con `as:` al paso en cuestión")),
        What::NoTtl => Some(say!(language,
            en: "write `proxy: {ttl}` at the top of the scenario",
            es: "escriba `proxy: {ttl}` al comienzo del escenario", ttl = "{ttl: 2s}")),
        What::NotAFill(_) => Some(say!(language,
            en: "only `fill` and `slide` store keys", es: "solo `fill` y `slide` almacenan claves")),
        What::NoSuchFile { near: Some(near), .. } => Some(suggested(language, &near.display().to_string())),
        What::Unreadable { .. } | What::NoSuchFile { near: None, .. } => Some(say!(language,
            en: "look at the path; `harness list` names the scenarios and proxies that there are",
            es: "revise la ruta; `harness list` muestra los escenarios y proxies que existen")),
        What::NotText => Some(say!(language,
            en: "save it as UTF-8 in a plain text editor",
            es: "guárdelo como UTF-8 en un editor de texto plano")),
        What::Unmatched { times: Some(0), .. } => Some(say!(language,
            en: "copy the text from the file to the letter, spaces included",
            es: "copie el texto del archivo tal cual, con sus espacios")),
        What::Unmatched { .. } => Some(say!(language,
            en: "take more of the line into `text`, or say in `times` how often it occurs",
            es: "incluya más de la línea en `text` o indique en `times` cuántas veces aparece")),
        What::PatchWithoutCopy => Some(say!(language,
            en: "name the folder of the submission in `copy_from`",
            es: "indique la carpeta de la entrega en `copy_from`")),
        What::Forbidden(..) => Some(say!(language,
            en: "change it; whoever has read the profile and trusts it says `--trust-profile`",
            es: "conviene cambiarlo; quien haya leído el perfil y confíe en él agrega `--trust-profile`")),
        What::Syntax(_) => Some(say!(language,
            en: "scenarios/README.md shows the form of a scenario, key by key",
            es: "scenarios/README.md muestra la forma de un escenario, clave por clave")),
        _ => None,
    }
}
