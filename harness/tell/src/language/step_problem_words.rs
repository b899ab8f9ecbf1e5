//! Why a step could not be carried out, as part of a sentence.
//!
//! `finding_words`, `config_words` and the pages quote it. What a program or the system said stands as it is.

use super::{InWords, Language, Milliseconds};
use crate::say;
use harness_model::history::StepProblem;

impl InWords for StepProblem {
    fn in_words(&self, language: Language) -> String {
        match self {
            StepProblem::Attached => say!(language,
                en: "the proxy runs already (attach): it is not the harness's to end or start",
                es: "el proxy ya está en marcha (attach): no le corresponde al banco de pruebas terminarlo ni arrancarlo"),
            StepProblem::NoReload => say!(language,
                en: "the adapter has no `reload`, so the proxy cannot learn of instances that come and go",
                es: "el perfil no tiene `reload`, así que el proxy no puede enterarse de instancias que van y vienen"),
            StepProblem::NotDeclared { setting } => say!(language,
                en: "the adapter does not declare `settings: [{setting}]`", es: "el perfil no declara `settings: [{setting}]`",
                setting = setting),
            StepProblem::BuiltWithout { feature } => say!(language,
                en: "this harness was built without the feature `{feature}` (`cargo run -p harness --features {feature} -- …`)",
                es: "este banco de pruebas se compiló sin la característica `{feature}` (`cargo run -p harness --features {feature} -- …`)",
                feature = feature),
            StepProblem::NoInstance => say!(language,
                en: "no backend runs the application `instance`, or none was ever reached",
                es: "ningún backend ejecuta la aplicación `instance`, o nunca se llegó a ninguno"),
            StepProblem::EndedBefore => say!(language,
                en: "the proxy had ended by itself before it could be killed",
                es: "el proxy terminó por su cuenta antes de que se le pudiera matar"),
            StepProblem::NoKeyAnswered => say!(language,
                en: "not one resource was answered with a success", es: "ningún recurso recibió una respuesta satisfactoria (2xx)"),
            StepProblem::NothingAnswered => say!(language,
                en: "not one request was answered with a success", es: "ninguna petición recibió una respuesta satisfactoria (2xx)"),
            StepProblem::NoKeys => say!(language,
                en: "no resource was stored before that could be asked for again",
                es: "antes no se guardó ningún recurso que se pudiera volver a pedir"),
            StepProblem::NoHits => say!(language,
                en: "no resource had been proven to be cached before", es: "antes no se comprobó que algún recurso estuviera en el caché"),
            StepProblem::SlowNotReached => say!(language,
                en: "the slow request did not reach a backend in time", es: "la petición lenta no llegó a tiempo a un backend"),
            StepProblem::SlowTooBrief { for_us } => say!(language,
                en: "the slow request was in its backend for {time} only", es: "la petición lenta estuvo en su backend solo {time}",
                time = Milliseconds(*for_us as f64 / 1e3)),
            StepProblem::NoLogin { user, path, status: Some(status) } => say!(language,
                en: "`{user}` could not log in at {path}: status {status}", es: "`{user}` no pudo iniciar sesión en {path}: estado {status}",
                user = user, path = path, status = status.to_string()),
            StepProblem::NoLogin { user, path, status: None } => say!(language,
                en: "`{user}` could not log in at {path}: no answer came", es: "`{user}` no pudo iniciar sesión en {path}: no llegó respuesta",
                user = user, path = path),
            StepProblem::NoProgram { program } => say!(language,
                en: "{program} is not installed", es: "{program} no está instalado", program = program),
            StepProblem::Engine { said } => say!(language,
                en: "our own engine of load could not go on: {said}", es: "nuestro propio generador de carga no pudo continuar: {said}",
                said = said),
            StepProblem::NotReady(words) => language.of(words).to_owned(),
            StepProblem::Said(said) => said.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_is_left_out_in_english_words_in_a_spanish_report() {
        let login = |status| StepProblem::NoLogin { user: "u1".into(), path: "/login".into(), status };
        for problem in [
            StepProblem::Attached,
            StepProblem::NoReload,
            StepProblem::NotDeclared { setting: "tls".into() },
            StepProblem::BuiltWithout { feature: "tls".into() },
            StepProblem::NoInstance,
            StepProblem::EndedBefore,
            StepProblem::NoKeyAnswered,
            StepProblem::NothingAnswered,
            StepProblem::NoKeys,
            StepProblem::NoHits,
            StepProblem::SlowNotReached,
            StepProblem::SlowTooBrief { for_us: 2_500 },
            login(Some(502)),
            login(None),
            StepProblem::NoProgram { program: "curl".into() },
            StepProblem::Engine { said: "EMFILE".into() },
        ] {
            assert_ne!(problem.in_words(Language::En), problem.in_words(Language::Es), "{problem:?}");
        }
    }
}
