//! What a program asks on its keyboard, and what is typed to it.
//!
//! `draft` adds one answer after the other, each by the last line that the program printed before it waited.

use super::arguments_of::{JOINED, Meaning, meaning_of, ttl_template};

/// More questions than this are a conversation.
pub(super) const MOST_ANSWERS: usize = 16;
/// What starts it, in a menu.
const STARTS: [&str; 9] = ["inici", "start", "run", "arranc", "ejecut", "lanz", "correr", "levant", "encend"];

/// The question that it stands at: the last line, without what a program says that found its keyboard closed.
pub(super) fn question(printed: &[String]) -> Option<String> {
    let end =
        printed.iter().position(|line| line.contains("Traceback (most")).map_or(printed.len(), |at| at + 1);
    let line = printed[..end].iter().rev().find(|line| !line.trim().is_empty())?;
    let line = line.split("Traceback (most").next().unwrap_or(line).trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// What is typed: a setting by its name, the line of a menu that starts something, or 1.
pub(super) fn answer(question: &str, printed: &[String]) -> String {
    let lower = question.to_lowercase();
    // One of several: `IP del servidor 2: `.
    let number: String =
        lower.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let of_a_backend = ["backend", "servidor", "server"].iter().any(|word| lower.contains(word));
    if ["cuant", "cuánt", "how many", "cantidad", "numero de", "número de", "number of"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return "{{ backends | length }}".to_owned();
    }
    if let Some(place) = number.parse::<usize>().ok().filter(|place| (1..=9).contains(place) && of_a_backend)
    {
        let backend = format!("backends[{}]", place - 1);
        return if lower.contains("puerto") || lower.contains("port") {
            format!("{{{{ {backend}.port }}}}")
        } else if lower.contains("ip") || lower.contains("host") {
            format!("{{{{ {backend}.host }}}}")
        } else {
            format!("{{{{ {backend}.address }}}}")
        };
    }
    match meaning_of(question) {
        Some(Meaning::Port) => "{{ port }}".to_owned(),
        Some(Meaning::Ttl) => ttl_template(question).to_owned(),
        Some(Meaning::Backends(_)) => JOINED.to_owned(),
        Some(Meaning::Host) => "{{ host }}".to_owned(),
        _ if lower.contains("enter") || lower.contains("intro") => String::new(),
        _ => {
            let starts = printed.iter().rev().find(|line| {
                STARTS.iter().any(|word| line.to_lowercase().contains(word))
                    && line.trim().starts_with(|c: char| c.is_ascii_digit() || c == '[' || c == '(')
            });
            let number = starts.map(|line| {
                line.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect()
            });
            number.filter(|number: &String| !number.is_empty()).unwrap_or_else(|| "1".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{answer, question};

    #[test]
    fn a_question_is_the_last_line_and_its_answer_what_it_asks_for() {
        let printed: Vec<String> =
            ["1. Ver cache", "2. Iniciar proxy", "Opcion: Traceback (most recent call last):", "EOFError"]
                .map(str::to_owned)
                .into();
        assert_eq!(question(&printed).as_deref(), Some("Opcion:"));
        assert_eq!(answer("Opcion:", &printed), "2");
        assert_eq!(answer("Puerto del proxy:", &[]), "{{ port }}");
        assert_eq!(answer("TTL (minutos)", &[]), "{{ ttl_whole_minutes or 1 }}");
        assert_eq!(answer("IP del servidor 2:", &[]), "{{ backends[1].host }}");
        assert_eq!(answer("Presione Enter", &[]), "");
    }
}
