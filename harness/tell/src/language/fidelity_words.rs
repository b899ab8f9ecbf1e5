//! The words for exact exchanges: titles of their checks, what was amiss, what most likely explains it.
//!
//! `check_words`, `finding_words` and `cause_words` ask here. Nothing is computed; a test there refuses a check without words.

use super::{Counted, InWords, Language, Milliseconds, Noun, Percent, Span};
use crate::say;
use harness_judge::check::{Amiss, Finding};
use harness_model::catalogue::CheckId;

macro_rules! table {
    ($($check:ident {
        title: { en: $en:literal, es: $es:literal }, asks: { en: $asks_en:literal, es: $asks_es:literal }
    })+) => {
        /// What a check of this family asks, as a short title.
        pub(super) fn title(check: CheckId, language: Language) -> Option<&'static str> {
            match check {
                $(CheckId::$check => Some(language.choose($en, $es)),)+
                _ => None,
            }
        }

        /// What is expected of the proxy, as a sentence.
        pub(super) fn asks(check: CheckId, language: Language) -> Option<&'static str> {
            match check {
                $(CheckId::$check => Some(language.choose($asks_en, $asks_es)),)+
                _ => None,
            }
        }
    };
}

table! {
    ForwardOnce {
        title: { en: "a request reaches one backend, and its answer comes back", es: "una petición llega a un backend y su respuesta regresa" },
        asks: { en: "A GET reaches one backend, once, and the client gets that backend's answer.", es: "Un GET llega a un solo backend, una vez, y el cliente recibe la respuesta de ese backend." }
    }
    ForwardTarget {
        title: { en: "the target arrives as it was sent", es: "el destino llega como se envió" },
        asks: { en: "The path arrives with its query and its percent-encodings, unchanged.", es: "La ruta llega con su consulta y sus códigos de porcentaje, sin cambios." }
    }
    ForwardMethods {
        title: { en: "other methods arrive as they are", es: "otros métodos llegan tal cual" },
        asks: { en: "PUT, DELETE, PATCH and OPTIONS reach a backend as they are.", es: "PUT, DELETE, PATCH y OPTIONS llegan a un backend tal cual." }
    }
    ForwardFields {
        title: { en: "fields of a request arrive", es: "los campos de una petición llegan" },
        asks: { en: "Every end-to-end field of a request arrives with its value, repeated ones in their order.", es: "Todo campo de extremo a extremo llega con su valor, y los repetidos en su orden." }
    }
    ForwardBody {
        title: { en: "the body of a request arrives whole", es: "el cuerpo de una petición llega completo" },
        asks: { en: "A body of a few bytes and one of many buffers arrive byte for byte.", es: "Un cuerpo de pocos bytes y uno de muchos búferes llegan idénticos, byte a byte." }
    }
    ForwardBodyInSegments {
        title: { en: "a body in several segments arrives whole", es: "un cuerpo en varios segmentos llega completo" },
        asks: { en: "Head and body that come in separate segments are put together: the network may cut anywhere.", es: "Encabezado y cuerpo que llegan en segmentos separados se juntan: la red puede cortar en cualquier parte." }
    }
    ForwardHeadInSegments {
        title: { en: "a head in several segments is read to its end", es: "un encabezado en varios segmentos se lee hasta el final" },
        asks: { en: "A head that comes in two segments is read until its empty line.", es: "Un encabezado que llega en dos segmentos se lee hasta su línea vacía." }
    }
    ForwardChunkedRequest {
        title: { en: "a chunked request arrives whole", es: "una petición en trozos (chunked) llega completa" },
        asks: { en: "A body with `Transfer-Encoding: chunked` arrives whole, in whichever framing.", es: "Un cuerpo con `Transfer-Encoding: chunked` llega completo, con cualquier delimitación." }
    }
    ForwardLongHead {
        title: { en: "a head of several KB is read to its end", es: "un encabezado de varios KB se lee hasta el final" },
        asks: { en: "Heads of 6 KB and more, as cookies make them, are forwarded.", es: "Los encabezados de 6 KB y más, como los que producen las cookies, se reenvían." }
    }
    ForwardHeadMethod {
        title: { en: "HEAD is answered without a body", es: "HEAD se responde sin cuerpo" },
        asks: { en: "The answer to HEAD has no body, and nobody waits for one.", es: "La respuesta a HEAD no tiene cuerpo y nadie lo aguarda." }
    }
    ForwardNoBody {
        title: { en: "204 and 304 come without a body", es: "204 y 304 llegan sin cuerpo" },
        asks: { en: "204 and 304 are passed on at once: they never have a body.", es: "204 y 304 se entregan enseguida: nunca tienen cuerpo." }
    }
    ForwardStatus {
        title: { en: "the status comes back as the backend sent it", es: "el estado regresa como lo envió el backend" },
        asks: { en: "The client gets the status of the backend: 201, 301, 404, 500.", es: "El cliente recibe el estado del backend: 201, 301, 404, 500." }
    }
    ForwardAnswerFields {
        title: { en: "fields of an answer come back", es: "los campos de una respuesta regresan" },
        asks: { en: "Every end-to-end field of an answer comes back, also several `Set-Cookie` lines.", es: "Todo campo de extremo a extremo de la respuesta regresa, también varias líneas `Set-Cookie`." }
    }
    ForwardAnswerBody {
        title: { en: "bodies come back byte for byte", es: "los cuerpos regresan idénticos, byte a byte" },
        asks: { en: "Bodies come back byte for byte: empty, text, binary with NUL and 0xFF, up to 5 MB.", es: "Los cuerpos regresan idénticos, byte a byte: vacíos, de texto, binarios con NUL y 0xFF, hasta 5 MB." }
    }
    ForwardChunkedAnswer {
        title: { en: "a chunked answer comes back whole", es: "una respuesta en trozos (chunked) regresa completa" },
        asks: { en: "An answer in chunks comes back whole, in whichever framing.", es: "Una respuesta en trozos regresa completa, con cualquier delimitación." }
    }
    ForwardUntilClose {
        title: { en: "an answer that ends with its connection ends at the client", es: "una respuesta que termina con su conexión termina en el cliente" },
        asks: { en: "An answer without a length, which ends when the backend closes, comes back whole and ends.", es: "Una respuesta sin longitud, que termina cuando el backend cierra, regresa completa y termina." }
    }
    ForwardKeptOpen {
        title: { en: "an answer is complete by its length", es: "una respuesta está completa por su longitud" },
        asks: { en: "The client has its whole answer although the backend keeps its connection open.", es: "El cliente tiene su respuesta completa aunque el backend mantenga abierta la conexión." }
    }
    ForwardInformational {
        title: { en: "interim answers do not take the place of the final one", es: "las respuestas provisionales no reemplazan a la final" },
        asks: { en: "After a 103 the final answer comes through.", es: "Tras un 103 llega la respuesta final." }
    }
    ForwardHttp10 {
        title: { en: "a client of HTTP/1.0 is served", es: "se atiende a un cliente de HTTP/1.0" },
        asks: { en: "A client that speaks HTTP/1.0 gets an answer that it can read.", es: "Un cliente que habla HTTP/1.0 recibe una respuesta que puede leer." }
    }
    ConnectionsClose {
        title: { en: "`Connection: close` is answered whole", es: "`Connection: close` se responde completo" },
        asks: { en: "A client that asks to close gets its answer, whole.", es: "Un cliente que pide cerrar recibe su respuesta completa." }
    }
    ConnectionsPersistent {
        title: { en: "several requests share a connection", es: "varias peticiones comparten una conexión" },
        asks: { en: "Requests that follow each other are answered on the same connection.", es: "Las peticiones que se siguen unas a otras se responden por la misma conexión." }
    }
    ConnectionsSaysClose {
        title: { en: "a connection is not closed without saying so", es: "no se cierra una conexión sin decirlo" },
        asks: { en: "Whoever closes a connection after an answer says `Connection: close` in it, so that no client sends its next request into nothing.", es: "Quien cierra una conexión tras una respuesta lo dice en ella con `Connection: close`, para que ningún cliente envíe su siguiente petición al vacío." }
    }
    ConnectionsPipelined {
        title: { en: "requests sent without waiting are answered in order", es: "las peticiones enviadas sin aguardar se responden en orden" },
        asks: { en: "Requests that leave together on one connection are answered, each with its own answer, in order.", es: "Las peticiones que salen juntas por una conexión se responden, cada una con lo suyo, en orden." }
    }
    ConnectionsSilent {
        title: { en: "silent clients hold up nobody", es: "los clientes callados no retienen a nadie" },
        asks: { en: "While others are connected and say nothing, or only half a head, requests are answered.", es: "Mientras otros están conectados sin decir nada, o solo medio encabezado, las peticiones se responden." }
    }
    ConnectionsBare {
        title: { en: "bare connections do no harm", es: "las conexiones vacías no hacen daño" },
        asks: { en: "After others have connected and left at once, requests are answered.", es: "Después de que otros se conectan y se van enseguida, las peticiones se responden." }
    }
    ConnectionsClientLeaves {
        title: { en: "clients that leave in mid-download cost nothing", es: "los clientes que se van en plena descarga no cuestan nada" },
        asks: { en: "After clients have broken off a download, the next ones are served.", es: "Después de que unos clientes abandonan una descarga, los siguientes son atendidos." }
    }
    ConnectionsAtRest {
        title: { en: "the proxy rests when nobody asks", es: "el proxy descansa cuando nadie pide" },
        asks: { en: "With nothing to do it uses no CPU, and has given back threads and descriptors.", es: "Sin nada que hacer no usa CPU, y ha devuelto hilos y descriptores." }
    }
    FailuresOneRefuses {
        title: { en: "a dead backend goes unnoticed", es: "un backend caído pasa inadvertido" },
        asks: { en: "With one backend refusing connections every request is answered by another one.", es: "Con un backend que rehúsa conexiones, otro responde cada petición." }
    }
    FailuresAllRefuse {
        title: { en: "with all backends down an error comes", es: "con todos los backends caídos llega un error" },
        asks: { en: "With every backend down the client gets 502 or 503 at once.", es: "Con todos los backends caídos el cliente recibe 502 o 503 enseguida." }
    }
    FailuresHang {
        title: { en: "a backend that hangs ends in an error", es: "un backend que no responde termina en un error" },
        asks: { en: "A backend that never answers ends in 504, in bounded time.", es: "Un backend que nunca responde termina en 504, en un tiempo acotado." }
    }
    FailuresReset {
        title: { en: "a reset by the backend ends in an error", es: "una conexión que el backend corta termina en un error" },
        asks: { en: "A backend that resets its connection ends in 502.", es: "Un backend que corta de golpe su conexión termina en 502." }
    }
    FailuresTruncated {
        title: { en: "half an answer is not passed off as a whole one", es: "media respuesta no se hace pasar por una completa" },
        asks: { en: "What the backend cut short shows as cut short, or as an error.", es: "Lo que el backend dejó a medias se ve cortado, o como un error." }
    }
    FailuresGarbage {
        title: { en: "garbage is not passed off as an answer", es: "la basura no se hace pasar por una respuesta" },
        asks: { en: "What is not HTTP ends in 502, not in an answer of success.", es: "Lo que no es HTTP termina en 502, no en una respuesta 2xx." }
    }
    FailuresGoesOn {
        title: { en: "others are served after each failure", es: "tras cada falla se atiende a los demás" },
        asks: { en: "After each misbehaviour of a backend the next request is answered.", es: "Tras cada mal comportamiento de un backend se responde la siguiente petición." }
    }
    FailuresRecovery {
        title: { en: "backends that are back are used", es: "los backends que vuelven se usan" },
        asks: { en: "When the backends are back, requests are answered again.", es: "Cuando los backends vuelven, las peticiones se responden otra vez." }
    }
    CacheSizes {
        title: { en: "a hit equals its miss at every size", es: "lo servido desde el caché es igual en todo tamaño" },
        asks: { en: "The second GET of 40 B, 3 KB, 100 KB and 5 MB comes from the cache and equals the first.", es: "El segundo GET de 40 B, 3 KB, 100 KB y 5 MB viene del caché y es igual al primero." }
    }
    CacheKeys {
        title: { en: "different paths and queries are different resources", es: "rutas y consultas distintas son recursos distintos" },
        asks: { en: "What differs in path or query gets its own answer, also once all of them are cached.", es: "Lo que difiere en ruta o consulta recibe su propia respuesta, también cuando todo está en el caché." }
    }
    CacheHead {
        title: { en: "a GET after a HEAD gets its body", es: "un GET tras un HEAD recibe su cuerpo" },
        asks: { en: "The answer to a HEAD, which has no body, is not given to a GET of the same target.", es: "La respuesta a un HEAD, que no tiene cuerpo, no se entrega a un GET del mismo destino." }
    }
    CacheSimilarPaths {
        title: { en: "similar paths are different resources", es: "rutas parecidas son recursos distintos" },
        asks: { en: "`/a/b` and `/a_b`, and names with `=`, `%` or `..`, are kept apart.", es: "`/a/b` y `/a_b`, y los nombres con `=`, `%` o `..`, se guardan aparte." }
    }
    CacheRush {
        title: { en: "what many ask for at once is cached whole", es: "lo que muchos piden a la vez se guarda completo" },
        asks: { en: "After many clients have asked at once for a cold resource, its cached answer is whole.", es: "Después de que muchos clientes piden a la vez un recurso nuevo, su respuesta guardada está completa." }
    }
    CacheErrors {
        title: { en: "a server error is not kept", es: "un error del servidor no se guarda" },
        asks: { en: "A 500 without a stated lifetime is asked for again.", es: "Un 500 sin vigencia declarada se vuelve a pedir." }
    }
    CacheNotFound {
        title: { en: "whether “not found” (404) is cached", es: "si un «no encontrado» (404) se guarda en el caché" },
        asks: {
            en: "When a backend says 404, the proxy may cache that answer or ask a backend each time: RFC 9110 allows both, so neither is a failure. It is worth knowing, because a resource that is created a moment later stays “not found” until the TTL is over.",
            es: "Cuando un backend responde 404, el proxy puede guardar esa respuesta o pedir al backend cada vez: RFC 9110 permite ambas cosas, así que ninguna es una falla. Vale la pena saberlo, porque un recurso que se crea un momento después sigue «no encontrado» hasta que se cumple el TTL."
        }
    }
    CacheNoStore {
        title: { en: "what says `no-store` is not kept", es: "lo que dice `no-store` no se guarda" },
        asks: { en: "An answer with `Cache-Control: no-store` is asked for again.", es: "Una respuesta con `Cache-Control: no-store` se vuelve a pedir." }
    }
    CachePrivate {
        title: { en: "what says `private` is not kept for others", es: "lo que dice `private` no se guarda para otros" },
        asks: { en: "An answer with `Cache-Control: private` is not given to another client.", es: "Una respuesta con `Cache-Control: private` no se entrega a otro cliente." }
    }
    CacheAuthorization {
        title: { en: "what was asked for with a password is not kept for others", es: "lo pedido con contraseña no se guarda para otros" },
        asks: { en: "The answer to a request with `Authorization` is not given to another client.", es: "La respuesta a una petición con `Authorization` no se entrega a otro cliente." }
    }
    PageOneImage {
        title: { en: "a page with one image arrives", es: "una página con una imagen llega" },
        asks: { en: "The page and its image arrive whole, at the first visit and at the second.", es: "La página y su imagen llegan completas, en la primera visita y en la segunda." }
    }
    PageManyImages {
        title: { en: "a page with several images arrives", es: "una página con varias imágenes llega" },
        asks: { en: "The page and all its images, asked for together, arrive whole, twice.", es: "La página y todas sus imágenes, pedidas a la vez, llegan completas, dos veces." }
    }
    PageLargeFile {
        title: { en: "a file of 1 MB arrives", es: "un archivo de 1 MB llega" },
        asks: { en: "A file of about 1 MB arrives whole, twice.", es: "Un archivo de cerca de 1 MB llega completo, dos veces." }
    }
    PageLargeFiles {
        title: { en: "several files of 1 MB arrive together", es: "varios archivos de 1 MB llegan a la vez" },
        asks: { en: "Several files of about 1 MB, asked for together, arrive whole, twice.", es: "Varios archivos de cerca de 1 MB, pedidos a la vez, llegan completos, dos veces." }
    }
    CacheAborted {
        title: { en: "a broken download leaves nothing wrong", es: "una descarga abandonada no deja nada errado" },
        asks: { en: "After a client has broken off a download, the next one gets the whole resource.", es: "Después de que un cliente abandona una descarga, el siguiente recibe el recurso completo." }
    }
    CacheTruncated {
        title: { en: "an answer that its backend cut short is not kept", es: "una respuesta que el backend dejó a medias no se guarda" },
        asks: { en: "An answer of which only a part came is asked for again, not served from the cache.", es: "Una respuesta de la que solo llegó una parte se vuelve a pedir, no se sirve del caché." }
    }
}

/// What a check of this family saw, as a sentence without its full stop.
pub(super) fn sentence(finding: &Finding, language: Language) -> Option<String> {
    Some(match finding {
        Finding::AsAsked { exchanges } => say!(language,
            en: "{exchanges} sent exactly like this; everything came as it should",
            es: "{exchanges} exactamente así; todo llegó como debía", exchanges = Counted(*exchanges, Noun::Request)),
        Finding::Amiss { method, target, amiss, count, exchanges } => say!(language,
            en: "{method} {target}: {amiss}; something was amiss with {count} of {exchanges}",
            es: "{method} {target}: {amiss}; algo anduvo mal en {count} de {exchanges}",
            method = method, target = target, amiss = amiss, count = count, exchanges = Counted(*exchanges, Noun::Request)),
        Finding::NotFoundKept { target } => say!(language,
            en: "the second GET {target} got its 404 from the cache, without asking a backend: allowed, and it lasts until the TTL is over",
            es: "el segundo GET {target} recibió su 404 del caché, sin pedir a un backend: está permitido, y dura hasta que se cumple el TTL",
            target = target),
        Finding::NotFoundAskedAgain { exchanges } => say!(language,
            en: "each of {exchanges} for what does not exist reached a backend: a 404 is not cached",
            es: "cada una de {exchanges} por lo que no existe llegó a un backend: un 404 no se guarda",
            exchanges = Counted(*exchanges, Noun::Request)),
        Finding::WaitsForBackendsEnd { kept_for_ms, after_close_ms, answer: true } => say!(language,
            en: "a backend kept its connection open for {kept_for} after its whole answer, and the client had that {after} after the close: the end of the connection is waited for, not the length",
            es: "un backend dejó su conexión abierta {kept_for} después de su respuesta completa, y el cliente la tuvo {after} después del cierre: se aguarda el fin de la conexión, no la longitud",
            kept_for = Span(*kept_for_ms), after = Milliseconds(*after_close_ms)),
        Finding::WaitsForBackendsEnd { kept_for_ms, after_close_ms, answer: false } => say!(language,
            en: "a backend kept its connection open for {kept_for} after its whole answer; the client had that at once, and its own connection was of no use until {after} after the close: the end of the connection is waited for, not the length",
            es: "un backend dejó su conexión abierta {kept_for} después de su respuesta completa; el cliente la tuvo enseguida, y su propia conexión no sirvió hasta {after} después del cierre: se aguarda el fin de la conexión, no la longitud",
            kept_for = Span(*kept_for_ms), after = Milliseconds(*after_close_ms)),
        Finding::ClosesUnsaid { target, closed, went_on } => say!(language,
            en: "closes without saying so: {closed} were gone right after an answer without `Connection: close`, such as the one before {target}; {went_on} went on with theirs",
            es: "cierra sin decirlo: {closed} se cerraron justo después de una respuesta sin `Connection: close`, por ejemplo la anterior a {target}; {went_on} siguieron por la suya",
            closed = Counted(*closed, Noun::Connection), target = target, went_on = Counted(*went_on, Noun::Request)),
        Finding::ClosesAsSaid { went_on, said } => say!(language,
            en: "{went_on} went on with their connection, and {said} said `Connection: close` before it was closed",
            es: "{went_on} siguieron por su conexión, y {said} dijeron `Connection: close` antes del cierre",
            went_on = Counted(*went_on, Noun::Request), said = Counted(*said, Noun::Answer)),
        Finding::AtRest { cpu, threads, files } => say!(language,
            en: "with nobody asking it used {cpu} of a core, and had {threads} threads and {files} descriptors more than at the beginning",
            es: "sin que nadie pidiera usó {cpu} de un núcleo, y tenía {threads} hilos y {files} descriptores más que al comienzo",
            cpu = Percent(*cpu), threads = threads, files = files),
        _ => return None,
    })
}

impl InWords for Amiss {
    fn in_words(&self, language: Language) -> String {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        let bytes = |count: &u64| Counted(*count, Noun::Byte);
        match self {
            Amiss::NotForwarded { wrong: Some(wrong) } => say!(language,
                en: "no backend received it; {wrong}", es: "ningún backend la recibió; {wrong}", wrong = wrong),
            Amiss::NotForwarded { wrong: None } => say!(language,
                en: "no backend received it, and yet an answer came", es: "ningún backend la recibió, y aun así llegó una respuesta"),
            Amiss::SentTwice { attempts } => say!(language,
                en: "it reached the backends {attempts} times", es: "llegó {attempts} veces a los backends", attempts = attempts),
            Amiss::Method { arrived } if arrived.is_empty() => say!(language,
                en: "it arrived without a method", es: "llegó sin método"),
            Amiss::Method { arrived } => say!(language,
                en: "it arrived as {arrived}", es: "llegó como {arrived}", arrived = arrived),
            Amiss::Target { arrived } => say!(language,
                en: "it arrived with the target {arrived}", es: "llegó con el destino {arrived}", arrived = arrived),
            Amiss::Field { name, arrived: None, .. } => say!(language,
                en: "its field {name} did not arrive", es: "su campo {name} no llegó", name = name),
            Amiss::Field { name, sent, arrived } => say!(language,
                en: "its field {name} was \"{sent}\" and arrived as \"{arrived}\"", es: "su campo {name} era \"{sent}\" y llegó como \"{arrived}\"",
                name = name, sent = shortened(sent), arrived = shortened(&or_none(arrived))),
            Amiss::BodyShort { sent, arrived } => say!(language,
                en: "of its body of {sent} the backend received {arrived} and waited in vain for the rest",
                es: "de su cuerpo de {sent} el backend recibió {arrived} y aguardó en vano el resto", sent = bytes(sent), arrived = bytes(arrived)),
            Amiss::BodyLength { sent, arrived } => say!(language,
                en: "its body of {sent} arrived as one of {arrived}", es: "su cuerpo de {sent} llegó como uno de {arrived}",
                sent = bytes(sent), arrived = bytes(arrived)),
            Amiss::BodyBytes => say!(language,
                en: "its body arrived with other bytes, at the same length", es: "su cuerpo llegó con otros bytes, con la misma longitud"),
            Amiss::RequestExtra { bytes: count } => say!(language,
                en: "{bytes} followed it that belong to no request", es: "le siguieron {bytes} que no son de ninguna petición", bytes = bytes(count)),
            Amiss::NotARequest { how } => say!(language,
                en: "what the backend received is no request ({how})", es: "lo que recibió el backend no es una petición ({how})", how = how),
            Amiss::Answer { wrong } => wrong.in_words(language),
            Amiss::Status { sent, came } => say!(language,
                en: "the backend sent status {sent} and the client got {came}", es: "el backend envió el estado {sent} y el cliente recibió {came}",
                sent = sent.to_string(), came = came.to_string()),
            Amiss::AnswerField { name, came: None, .. } => say!(language,
                en: "the field {name} of the answer did not come back", es: "el campo {name} de la respuesta no regresó", name = name),
            Amiss::AnswerField { name, sent, came } => say!(language,
                en: "the field {name} of the answer was \"{sent}\" and came back as \"{came}\"",
                es: "el campo {name} de la respuesta era \"{sent}\" y regresó como \"{came}\"",
                name = name, sent = shortened(sent), came = shortened(&or_none(came))),
            Amiss::UnwantedBody { bytes: count } => say!(language,
                en: "a body of {bytes} came where none may come", es: "llegó un cuerpo de {bytes} donde no puede haber ninguno", bytes = bytes(count)),
            Amiss::NotKept => say!(language,
                en: "the connection was not used for the next request", es: "la conexión no se usó para la siguiente petición"),
            Amiss::SuccessOfNothing { status } => say!(language,
                en: "the client got status {status}, although no backend gave an answer", es: "el cliente recibió el estado {status}, aunque ningún backend dio una respuesta",
                status = status.to_string()),
            Amiss::NoAnswer { wrong } => say!(language,
                en: "the client was left without an answer: {wrong}", es: "el cliente quedó sin respuesta: {wrong}", wrong = wrong),
            Amiss::PassedOffAsWhole { bytes: count } => say!(language,
                en: "{bytes} of something incomplete came as a complete answer", es: "{bytes} de algo incompleto llegaron como una respuesta completa", bytes = bytes(count)),
            Amiss::Kept => say!(language,
                en: "it was answered from the cache", es: "se respondió desde el caché"),
            Amiss::NotKeptInCache => say!(language,
                en: "it reached a backend again", es: "volvió a llegar a un backend"),
            Amiss::Differs { difference } => say!(language,
                en: "the answer from the cache is another than the first one: {difference}",
                es: "la respuesta del caché no es igual a la primera: {difference}", difference = difference),
        }
    }
}

/// The beginning of a long value.
fn shortened(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
