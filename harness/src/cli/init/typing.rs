//! What a program asks on its keyboard, and what is typed to it.
//!
//! `draft` adds one answer after the other, each by the last line that the program printed before it waited.

use super::arguments_of::{JOINED, Meaning, meaning_of, ttl_template};

/// More questions than this are a conversation.
pub(super) const MOST_ANSWERS: usize = 16;
/// So many empty lines: who shows a default for each question asks all of them then, at once.
pub(super) const DEFAULTS: &str = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
/// What starts it, in a menu.
const STARTS: [&str; 9] = ["inici", "start", "run", "arranc", "ejecut", "lanz", "correr", "levant", "encend"];

/// The question that it stands at: the last line, without what a program says that found its keyboard closed.
pub(super) fn question(printed: &[String]) -> Option<String> {
    let end =
        printed.iter().position(|line| line.contains("Traceback (most")).map_or(printed.len(), |at| at + 1);
    let line = printed[..end].iter().rev().find(|line| !line.trim().is_empty())?;
    let line = line.split("Traceback (most").next().unwrap_or(line).trim();
    // What is typed is not shown: questions that were answered stand in front, in the same line.
    let open = line.trim_end_matches([':', '?', '>', '=', ' ']);
    let begin = [": ", "? ", "> "].iter().filter_map(|end| Some(open.rfind(end)? + end.len())).max();
    let line = &line[begin.unwrap_or(0)..];
    (!line.is_empty()).then(|| line.to_owned())
}

/// All questions with a default in what was printed.
pub(super) fn questions(printed: &[String]) -> Vec<String> {
    let begins = |piece: &str| piece.rfind(['\n']).map_or(0, |at| at + 1);
    let all = printed.join("\n");
    let mut pieces: Vec<&str> = all.split("]:").collect();
    // Behind the last one it says that it has started.
    pieces.pop();
    pieces.iter().map(|piece| format!("{}]:", piece[begins(piece)..].trim())).collect()
}

/// What was typed, with its answers about one backend after the other as a loop, where it was told how many there are.
pub(super) fn looped(typed: &str) -> String {
    let lines: Vec<&str> = typed.lines().collect();
    let of = |number: usize| format!("backends[{number}]");
    let first = lines.iter().position(|line| line.contains(&of(0)));
    let (Some(first), true) = (first, typed.contains("backends | length")) else { return typed.to_owned() };
    let length = lines[first..].iter().take_while(|line| line.contains(&of(0))).count();
    let each = &lines[first..first + length];
    let same = |(number, round): &(usize, &[&str])| {
        round.len() == length
            && round.iter().zip(each).all(|(one, first)| **one == first.replace(&of(0), &of(*number)))
    };
    let count = lines[first..].chunks(length).enumerate().take_while(same).count();
    if count < 2 {
        return typed.to_owned();
    }
    let each: String = each.iter().map(|line| line.replace(&of(0), "b") + "\n").collect();
    let others = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (before, behind) = (others(&lines[..first]), others(&lines[first + count * length..]));
    format!("{before}{{% for b in backends %}}{each}{{% endfor %}}{behind}")
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
        let (port, host) = (
            lower.contains("port") || lower.contains("puerto"),
            lower.contains("ip") || lower.contains("host"),
        );
        return if port && !host {
            format!("{{{{ {backend}.port }}}}")
        } else if host && !port {
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
        // Whoever shows a default takes it for an empty line.
        _ if shows_a_default(&lower) => String::new(),
        Some(Meaning::Log(_)) => "proxy.log".to_owned(),
        Some(Meaning::Cache(_)) => "cache".to_owned(),
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

/// `Log file [proxy.log]: `, `Enter to go on`.
pub(super) fn shows_a_default(question: &str) -> bool {
    let words = ["enter", "intro", "default", "defecto"].iter().any(|word| question.contains(word));
    words || question.trim_end_matches([':', '?', '>', '=', ' ']).ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::{answer, looped, question, questions};

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
    #[test]
    fn questions_that_were_answered_are_not_asked_again_and_a_default_is_taken() {
        let printed = ["Port [8080]: How many servers [3]: Server 1 [10.0.0.1:80]: "].map(str::to_owned);
        assert_eq!(
            questions(&[printed[0].clone() + "listening on 8080"]),
            ["Port [8080]:", "How many servers [3]:", "Server 1 [10.0.0.1:80]:"]
        );
        assert_eq!(question(&printed).as_deref(), Some("Server 1 [10.0.0.1:80]:"));
        assert_eq!(answer("Server 1 [10.0.0.1:80]:", &[]), "{{ backends[0].address }}");
        assert_eq!(answer("Log file [x.log]:", &[]), "");
        assert_eq!(answer("Archivo de log:", &[]), "proxy.log");
    }

    #[test]
    fn as_many_answers_are_typed_as_there_are_backends_where_their_number_was_told() {
        let told = "{{ port }}\n{{ backends | length }}\n{{ backends[0].host }}\n{{ backends[0].port }}\n\
                    {{ backends[1].host }}\n{{ backends[1].port }}\n60\n";
        assert_eq!(
            looped(told),
            "{{ port }}\n{{ backends | length }}\n{% for b in backends %}{{ b.host }}\n{{ b.port }}\n{% endfor %}60\n"
        );
        let three = "{{ backends[0].host }}\n{{ backends[1].host }}\n";
        assert_eq!(looped(three), three);
    }
}
