//! The words of the profile that a run is made with: which one, which figures decided, and what it leaves out.
//!
//! The command line says them before a run, the pages beside its verdicts. What a profile changes is decided in `plan`.

use super::{Bytes, Decimal, Language};
use crate::{messages, say};
use harness_model::plan::{HostProfile, ProfileName, SMALL_BELOW_BYTES, SMALL_BELOW_CPUS, SMALL_BODY_BYTES};

messages! {
    /// Why a limit on a latency is not judged.
    pub fn no_latency() {
        en: "the small profile judges no latency: on so small a host a time is that of the host, not of the proxy",
        es: "el perfil pequeño no juzga latencias: en un computador tan pequeño los tiempos son los del computador, no los del proxy",
    }
    /// Heading of the profile among the facts of a run.
    pub fn heading() { en: "Profile of the run", es: "Perfil de la corrida" }
    /// Results that are written before the end.
    pub fn so_far() {
        en: "the run is not over: these are its results so far",
        es: "la corrida no ha terminado: estos son sus resultados hasta ahora",
    }
}

/// Which profile, why, and what it leaves out, as a sentence without its full stop.
pub fn profile(language: Language, it: &HostProfile) -> String {
    let cpus = Decimal(it.cpus, 2);
    let figures = match it.memory_bytes {
        Some(bytes) => say!(language,
            en: "{memory} of memory and {cpus} CPU can be used", es: "se pueden usar {memory} de memoria y {cpus} CPU",
            memory = Bytes(bytes), cpus = cpus),
        None => say!(language, en: "{cpus} CPU can be used", es: "se pueden usar {cpus} CPU", cpus = cpus),
    };
    let limits = say!(language,
        en: "small below {memory} or {cpus} CPU", es: "pequeño con menos de {memory} o {cpus} CPU",
        memory = Bytes(SMALL_BELOW_BYTES), cpus = Decimal(SMALL_BELOW_CPUS, 0));
    let name = match it.name {
        ProfileName::Small => language.choose("small", "pequeño"),
        ProfileName::Standard => language.choose("standard", "estándar"),
    };
    let chosen = match it.asked_for {
        true => say!(language,
            en: "{name} profile, as asked for (--profile); {figures}",
            es: "perfil {name}, como se pidió (--profile); {figures}", name = name, figures = figures),
        false => say!(language,
            en: "{name} profile: {figures} ({limits})", es: "perfil {name}: {figures} ({limits})",
            name = name, figures = figures, limits = limits),
    };
    if it.name == ProfileName::Standard {
        return chosen;
    }
    let cut = match it.bodies_cut {
        0 => String::new(),
        bodies => say!(language,
            en: " (longer ones cut here: {bodies})", es: " (más largos, recortados aquí: {bodies})", bodies = bodies),
    };
    say!(language,
        en: "{chosen}. No body is longer than {body}{cut}, and latencies are shown but not judged",
        es: "{chosen}. Ningún cuerpo pasa de {body}{cut}, y las latencias se muestran pero no se juzgan",
        chosen = chosen, body = Bytes(SMALL_BODY_BYTES), cut = cut)
}

#[cfg(test)]
mod tests {
    use super::profile;
    use crate::language::Language;
    use harness_model::plan::{HostProfile, ProfileName};

    #[test]
    fn the_figures_that_decided_are_said() {
        let mut it = HostProfile {
            name: ProfileName::Small,
            asked_for: false,
            memory_bytes: Some(768 << 20),
            cpus: 0.5,
            bodies_cut: 2,
        };
        let en = profile(Language::En, &it);
        assert!(en.contains("768 MiB") && en.contains("0.5") && en.contains("cut here: 2"), "{en}");
        let es = profile(Language::Es, &it);
        assert!(es.contains("0,5") && es.contains("no se juzgan"), "{es}");
        (it.name, it.asked_for) = (ProfileName::Standard, true);
        assert!(profile(Language::En, &it).starts_with("standard profile, as asked for"));
    }
}
