//! What each check asks: a short title, and a sentence of what is expected of the proxy.
//!
//! Reports and the terminal print both beside a verdict. A check without its entry does not compile; what a check saw is said in
//! `finding_words`.

use super::Language;
use harness_model::catalogue::CheckId;

macro_rules! checks {
    ($($check:ident {
        title: { en: $en:literal, es: $es:literal }, asks: { en: $asks_en:literal, es: $asks_es:literal }
    })+) => {
        /// What a check asks, as a short title.
        pub fn title(check: CheckId, language: Language) -> String {
            match check { $(CheckId::$check => language.choose($en, $es)),+ }.to_owned()
        }

        /// What is expected of the proxy in this check, as a sentence of its own.
        pub fn asks(check: CheckId, language: Language) -> String {
            match check { $(CheckId::$check => language.choose($asks_en, $asks_es)),+ }.to_owned()
        }
    };
}

checks! {
    ConcurrencySlowFast {
        title: { en: "a slow request holds up no other", es: "una petición lenta no retiene a las demás" },
        asks: { en: "While one client waits for a slow backend, the requests of others are answered.", es: "Mientras un cliente aguarda a un backend lento, las peticiones de los demás reciben respuesta." } }
    ConcurrencyOverlap {
        title: { en: "requests are in the backends at once", es: "hay varias peticiones a la vez en los backends" },
        asks: { en: "Requests that are sent together are inside the backends at the same instant, by the backends' own record.", es: "Las peticiones enviadas juntas están dentro de los backends en el mismo instante, según el registro de los backends." } }
    ConcurrencyOwnAnswers {
        title: { en: "every client gets its own answer", es: "cada cliente recibe su propia respuesta" },
        asks: { en: "With many clients at once, each gets a complete answer, and it is the one to its own request.", es: "Con muchos clientes a la vez, cada uno recibe una respuesta completa y es la de su propia petición." } }
    ConcurrencyClientKinds {
        title: { en: "clients of different kinds are served", es: "se atienden clientes de distinto tipo" },
        asks: { en: "A bare socket, an HTTP library and, where it is installed, curl are all served.", es: "Se atiende a un socket directo, a una biblioteca HTTP y, si está instalado, a curl." } }
    ConcurrencyCoalescing {
        title: { en: "what a cold resource costs the backends", es: "lo que cuesta a los backends un recurso que no está en el caché" },
        asks: { en: "When many clients ask at once for a resource that is not cached, one request to a backend would be enough.", es: "Cuando muchos clientes piden a la vez un recurso que no está en el caché, bastaría una petición al backend." } }
    LatencyThresholds {
        title: { en: "latency stays within its thresholds", es: "la latencia respeta sus umbrales" },
        asks: { en: "The percentiles of latency, measured from the instant each request was due, stay within the limits of the scenario.", es: "Los percentiles de latencia, medidos desde el instante en que cada petición debía salir, respetan los límites del escenario." } }
    LatencyOverhead {
        title: { en: "a request takes hardly longer than its backend", es: "una petición tarda apenas más que su backend" },
        asks: { en: "Where nobody else asks, the quickest of many requests takes no more than 50 ms beyond the time of its backend.", es: "Cuando nadie más pide, la más rápida de muchas peticiones no tarda más de 50 ms por encima del tiempo de su backend." } }
    IntegrityBodies {
        title: { en: "every answer arrives unharmed", es: "toda respuesta llega intacta" },
        asks: { en: "Every answer has the right bytes, all of them and no others, and belongs to the resource asked for.", es: "Toda respuesta trae los bytes correctos, completos y sin sobrantes, y es la del recurso pedido." } }
    ProxyAlive {
        title: { en: "the proxy stays alive", es: "el proxy sigue en pie" },
        asks: { en: "The process of the proxy ends only when it is told to.", es: "El proceso del proxy termina solo cuando se le ordena." } }
    CachePost {
        title: { en: "a POST always reaches a backend", es: "un POST siempre llega a un backend" },
        asks: { en: "A POST is forwarded to a backend, also where a GET of the same target is in the cache.", es: "Un POST se reenvía a un backend, aunque un GET del mismo destino esté en el caché." } }
    CacheHit {
        title: { en: "a second GET is answered from the cache", es: "un segundo GET se sirve desde el caché" },
        asks: { en: "The second GET of a resource reaches no backend, and its answer equals the first.", es: "El segundo GET de un recurso no llega a ningún backend y su respuesta es igual a la primera." } }
    TtlExpiry {
        title: { en: "what is cached expires at its TTL", es: "lo guardado expira al cumplir su TTL" },
        asks: { en: "An entry is served until its age reaches the TTL given at launch, and not after.", es: "Lo guardado se sirve hasta que su edad alcanza el TTL indicado al arrancar, y no después." } }
    TtlSecondValue {
        title: { en: "another TTL gives another age", es: "otro TTL da otra edad de expiración" },
        asks: { en: "Started with another TTL, the proxy expires its entries at that other age.", es: "Arrancado con otro TTL, el proxy da por vencido lo guardado a esa otra edad." } }
    TtlPerResource {
        title: { en: "each resource has an age of its own", es: "cada recurso tiene su propia edad" },
        asks: { en: "Resources stored at different instants expire at different instants.", es: "Los recursos guardados en instantes distintos expiran en instantes distintos." } }
    TtlSliding {
        title: { en: "use does not prolong the life of an entry", es: "el uso no prolonga la vida de lo guardado" },
        asks: { en: "An entry that is asked for again and again expires as early as one that nobody asks for.", es: "Un recurso que se pide una y otra vez expira igual que uno que nadie pide." } }
    TtlAcrossRestart {
        title: { en: "age goes on over a restart", es: "la edad sigue corriendo durante un reinicio" },
        asks: { en: "The time during which the proxy was down counts, and a restart neither renews nor forgets the age.", es: "El tiempo en que el proxy estuvo caído cuenta, y un reinicio no renueva ni olvida la edad." } }
    PersistenceSurvivesKill {
        title: { en: "the cache survives SIGKILL", es: "el caché sobrevive a SIGKILL" },
        asks: { en: "What was proven to be in the cache before SIGKILL is served after the restart with every backend down, byte for byte.", es: "Lo que estaba comprobadamente en el caché antes de SIGKILL se sirve tras el reinicio con todos los backends caídos, idéntico byte a byte." } }
    PersistenceNoTornBytes {
        title: { en: "a crash in mid-write leaves no wrong byte", es: "una caída en plena escritura no deja bytes errados" },
        asks: { en: "Killed in the middle of writing to its cache, the proxy never serves a wrong byte afterwards; asking a backend again is fine.", es: "Si cae en plena escritura de su caché, el proxy nunca sirve después un byte errado; volver a pedir al backend es válido." } }
    PersistenceLocation {
        title: { en: "the cache lies in the directory where the proxy runs", es: "el caché está en el directorio donde corre el proxy" },
        asks: { en: "What is cached lies in files beneath the directory in which the proxy was started.", es: "Lo guardado está en archivos bajo el directorio donde se arrancó el proxy." } }
    PersistenceRebind {
        title: { en: "the port can be bound again at once", es: "el puerto se puede volver a usar enseguida" },
        asks: { en: "Started again right after SIGKILL, the proxy can listen on its port at once.", es: "Arrancado de nuevo justo después de SIGKILL, el proxy puede escuchar en su puerto enseguida." } }
    RotationSerialCycle {
        title: { en: "serial requests go round the backends", es: "las peticiones en serie recorren los backends en orden" },
        asks: { en: "Requests one after the other visit all backends in turn, always in the same order.", es: "Las peticiones una tras otra visitan todos los backends por turnos, siempre en el mismo orden." } }
    RotationSpread {
        title: { en: "concurrent requests are shared out evenly", es: "las peticiones simultáneas se reparten por igual" },
        asks: { en: "After every batch of simultaneous requests the backends have had equally many, but for the rotations declared.", es: "Después de cada tanda de peticiones simultáneas todos los backends han recibido las mismas, salvo por las rotaciones declaradas." } }
    PrivacyTokens {
        title: { en: "answers to tokens stay with their user", es: "lo que se responde a un token es de un solo usuario" },
        asks: { en: "An answer to a request with a token reaches another user only if the origin said so in the words of RFC 9111 §3.5.", es: "La respuesta a una petición con token llega a otro usuario únicamente si el origen lo permitió con las palabras de RFC 9111 §3.5." } }
    PrivacyNeverShared {
        title: { en: "nothing given to a token is ever shared", es: "nada de lo entregado a un token se comparte jamás" },
        asks: { en: "No answer to a request with a token reaches another user, whatever caching headers the origin sends.", es: "Ninguna respuesta a una petición con token llega a otro usuario, sin importar los campos de caché del origen." } }
    FreshnessDelivered {
        title: { en: "what was registered is soon seen everywhere", es: "lo registrado se ve pronto en todas partes" },
        asks: { en: "An order that was registered is in every answer that is asked for after the time allowed, on every path.", es: "Un pedido registrado está en toda respuesta pedida después del plazo, por todas las rutas." } }
    FleetLostRequests {
        title: { en: "no request is lost while instances come and go", es: "ninguna petición se pierde mientras van y vienen instancias" },
        asks: { en: "Every request that is sent while instances are launched and drained is answered with success; where one dies, no more are lost than the scenario tolerates.", es: "Toda petición enviada mientras se lanzan y se retiran instancias recibe una respuesta correcta; donde una se cae, no se pierden más de las que tolera el escenario." } }
    FleetEven {
        title: { en: "all instances that are up get the same", es: "todas las instancias activas reciben lo mismo" },
        asks: { en: "In each epoch in which the same instances are up, none gets more requests than another, but for the edges.", es: "En cada época con las mismas instancias activas, ninguna recibe más peticiones que otra, salvo en los bordes." } }
    FleetLatency {
        title: { en: "answers stay fast while the fleet grows and shrinks", es: "las respuestas siguen siendo rápidas mientras la flota crece y se reduce" },
        asks: { en: "The 99th percentile from the intended instant, time-outs included, is within the limit of the scenario.", es: "El percentil 99 desde el instante previsto, con las que exceden el plazo, está dentro del límite del escenario." } }
    FleetScaled {
        title: { en: "capacity comes in time and does not flap", es: "la capacidad llega a tiempo y no oscila" },
        asks: { en: "The instances are too few for the load for no longer than the scenario tolerates, stay between fewest and most, and their number does not go up and down again and again.", es: "Las instancias son muy pocas para la carga por no más tiempo del que tolera el escenario, se mantienen entre el mínimo y el máximo, y su número no sube y baja una y otra vez." } }
    FleetBreaks {
        title: { en: "the largest fleet does not break before it is full", es: "la flota más grande no se quiebra antes de llenarse" },
        asks: { en: "Where the 99th percentile of a period leaves the limit while the load grows, and what share of the capacity that is.", es: "Dónde el percentil 99 de un período sale del límite mientras la carga crece, y qué proporción de la capacidad es." } }
    FleetSimulation {
        title: { en: "the simulation comes to the same", es: "la simulación llega a lo mismo" },
        asks: { en: "The same policies in virtual time have never more than one instance more or less, one control period aside, and a 99th percentile within 25 %.", es: "Las mismas políticas en tiempo virtual nunca tienen más de una instancia de diferencia, salvo un período de control, y un percentil 99 a menos de 25 %." } }
    CapacityScaling {
        title: { en: "more instances serve more", es: "con más instancias se atiende más" },
        asks: { en: "The rate that is served within the limits grows with the number of instances, until something other than the proxy is full.", es: "La tasa que se atiende dentro de los límites crece con el número de instancias, hasta que se llena algo distinto del proxy." } }
    MultiplexingConnections {
        title: { en: "few backend connections carry many clients", es: "pocas conexiones al backend atienden a muchos clientes" },
        asks: { en: "The requests of many client connections go over few connections to the backends, each used again and again.", es: "Las peticiones de muchas conexiones de clientes van por pocas conexiones a los backends, cada una usada una y otra vez." } }
    BalanceLeastBusy {
        title: { en: "the least busy instance is next", es: "sigue la instancia menos ocupada" },
        asks: { en: "Told to, the proxy sends each request to the instance with the fewest open requests, so that a slow one gets less.", es: "Cuando así se le indica, el proxy envía cada petición a la instancia con menos peticiones abiertas, de modo que una lenta recibe menos." } }
    GatewayAdmission {
        title: { en: "only chosen addresses get in", es: "solo entran las direcciones elegidas" },
        asks: { en: "Addresses that are allowed are served, all others reach no instance, and nobody reaches one without the proxy.", es: "Las direcciones permitidas reciben servicio, las demás no llegan a ninguna instancia, y nadie llega a una sin pasar por el proxy." } }
    DegradationControlled {
        title: { en: "past its capacity it degrades in good order", es: "más allá de su capacidad se degrada en orden" },
        asks: { en: "With more requests than can be served, those of a client that keeps to its share are served, useful work goes on, the rest is refused with a status, and soon all is as before.", es: "Con más peticiones de las que se pueden atender, se atienden las del cliente que no se excede, el trabajo útil continúa, el resto se rechaza con un estado y pronto todo está como antes." } }
    WorkerProcessed {
        title: { en: "what a queue accepts is processed", es: "lo que una cola acepta se procesa" },
        asks: { en: "Every upload that was accepted is processed and seen to be in time; what a full queue refuses is refused with 503 and a time to try again.", es: "Toda entrega aceptada se procesa y se ve procesada a tiempo; lo que una cola llena rechaza se rechaza con 503 y un plazo para volver a intentarlo." } }
    HealthWatched {
        title: { en: "the health of the instances is watched", es: "se vigila la salud de las instancias" },
        asks: { en: "Told to, the proxy asks every instance all the time whether it is well, as often as told; one that says no often enough gets no more requests, one that is well again gets its share, and no client notices.", es: "Cuando así se le indica, el proxy pregunta todo el tiempo a cada instancia si está bien, tan seguido como se le indicó; la que dice que no las veces suficientes deja de recibir peticiones, la que se repone recibe su parte, y ningún cliente lo nota." } }
    VotesCounted {
        title: { en: "each user has one vote", es: "cada usuario tiene un solo voto" },
        asks: { en: "Where a user votes several times at the same instant, one vote counts and the others are told so; each reaches one instance once, and the ranking has all that count.", es: "Cuando un usuario vota varias veces en el mismo instante, vale un voto y a los demás se les dice; cada uno llega una vez a una sola instancia, y la clasificación tiene todos los que valen." } }
    VotesOwn {
        title: { en: "what is one's own stays one's own", es: "lo propio no llega a otro" },
        asks: { en: "Answers that belong to one user are those of that user and up to date, while the cache serves what is for everybody.", es: "Las respuestas que son de un usuario son las de ese usuario y están al día, mientras el caché sirve lo que es de todos." } }
    DeliveryExpiry {
        title: { en: "a token is good until its end", es: "un token vale hasta su vencimiento" },
        asks: { en: "Requests with a token are served until its end and refused after it as the application refuses them, and its successor is served at once.", es: "Las peticiones con un token se atienden hasta que vence y después se rechazan como lo hace la aplicación, y el token siguiente se atiende de inmediato." } }
    DeliveryCors {
        title: { en: "each origin gets its own answer", es: "cada origen recibe su propia respuesta" },
        asks: { en: "Browsers of several front ends that ask for the same get the answer that was made for their origin, from the cache too, and every preflight is answered by an instance.", es: "Los navegadores de varias páginas que piden lo mismo reciben la respuesta hecha para su origen, también desde el caché, y cada petición previa (CORS) la responde una instancia." } }
    RotationScope {
        title: { en: "what kind of rotation it is", es: "qué tipo de rotación es" },
        asks: { en: "Which rotation it is: over the whole process, per worker, per connection, weighted, random.", es: "De qué rotación se trata: de todo el proceso, por trabajador, por conexión, ponderada, al azar." } }
    RotationHitsTakeTurn {
        title: { en: "whether a hit uses up a turn", es: "si una respuesta del caché gasta un turno" },
        asks: { en: "Whether an answer from the cache moves the turn on to the next backend.", es: "Si una respuesta del caché hace pasar el turno al siguiente backend." } }
    ForwardOnce {
        title: { en: "a request reaches one backend, and its answer comes back", es: "una petición llega a un backend y su respuesta regresa" },
        asks: { en: "A GET reaches one backend, once, and the client gets that backend's answer.", es: "Un GET llega a un solo backend, una vez, y el cliente recibe la respuesta de ese backend." } }
    ForwardTarget {
        title: { en: "the target arrives as it was sent", es: "el destino llega como se envió" },
        asks: { en: "The path arrives with its query and its percent-encodings, unchanged.", es: "La ruta llega con su consulta y sus códigos de porcentaje, sin cambios." } }
    ForwardMethods {
        title: { en: "other methods arrive as they are", es: "otros métodos llegan tal cual" },
        asks: { en: "PUT, DELETE, PATCH and OPTIONS reach a backend as they are.", es: "PUT, DELETE, PATCH y OPTIONS llegan a un backend tal cual." } }
    ForwardFields {
        title: { en: "fields of a request arrive", es: "los campos de una petición llegan" },
        asks: { en: "Every end-to-end field of a request arrives with its value, repeated ones in their order.", es: "Todo campo de extremo a extremo llega con su valor, y los repetidos en su orden." } }
    ForwardBody {
        title: { en: "the body of a request arrives whole", es: "el cuerpo de una petición llega completo" },
        asks: { en: "A body of a few bytes and one of many buffers arrive byte for byte.", es: "Un cuerpo de pocos bytes y uno de muchos búferes llegan idénticos, byte a byte." } }
    ForwardBodyInSegments {
        title: { en: "a body in several segments arrives whole", es: "un cuerpo en varios segmentos llega completo" },
        asks: { en: "Head and body that come in separate segments are put together: the network may cut anywhere.", es: "Encabezado y cuerpo que llegan en segmentos separados se juntan: la red puede cortar en cualquier parte." } }
    ForwardHeadInSegments {
        title: { en: "a head in several segments is read to its end", es: "un encabezado en varios segmentos se lee hasta el final" },
        asks: { en: "A head that comes in two segments is read until its empty line.", es: "Un encabezado que llega en dos segmentos se lee hasta su línea vacía." } }
    ForwardChunkedRequest {
        title: { en: "a chunked request arrives whole", es: "una petición en trozos (chunked) llega completa" },
        asks: { en: "A body with `Transfer-Encoding: chunked` arrives whole, in whichever framing.", es: "Un cuerpo con `Transfer-Encoding: chunked` llega completo, con cualquier delimitación." } }
    ForwardLongHead {
        title: { en: "a head of several KB is read to its end", es: "un encabezado de varios KB se lee hasta el final" },
        asks: { en: "Heads of 6 KB and more, as cookies make them, are forwarded.", es: "Los encabezados de 6 KB y más, como los que producen las cookies, se reenvían." } }
    ForwardHeadMethod {
        title: { en: "HEAD is answered without a body", es: "HEAD se responde sin cuerpo" },
        asks: { en: "The answer to HEAD has no body, and nobody waits for one.", es: "La respuesta a HEAD no tiene cuerpo y nadie lo aguarda." } }
    ForwardNoBody {
        title: { en: "204 and 304 come without a body", es: "204 y 304 llegan sin cuerpo" },
        asks: { en: "204 and 304 are passed on at once: they never have a body.", es: "204 y 304 se entregan enseguida: nunca tienen cuerpo." } }
    ForwardStatus {
        title: { en: "the status comes back as the backend sent it", es: "el estado regresa como lo envió el backend" },
        asks: { en: "The client gets the status of the backend: 201, 301, 404, 500.", es: "El cliente recibe el estado del backend: 201, 301, 404, 500." } }
    ForwardAnswerFields {
        title: { en: "fields of an answer come back", es: "los campos de una respuesta regresan" },
        asks: { en: "Every end-to-end field of an answer comes back, also several `Set-Cookie` lines.", es: "Todo campo de extremo a extremo de la respuesta regresa, también varias líneas `Set-Cookie`." } }
    ForwardAnswerBody {
        title: { en: "bodies come back byte for byte", es: "los cuerpos regresan idénticos, byte a byte" },
        asks: { en: "Bodies come back byte for byte: empty, text, binary with NUL and 0xFF, up to 5 MB.", es: "Los cuerpos regresan idénticos, byte a byte: vacíos, de texto, binarios con NUL y 0xFF, hasta 5 MB." } }
    ForwardChunkedAnswer {
        title: { en: "a chunked answer comes back whole", es: "una respuesta en trozos (chunked) regresa completa" },
        asks: { en: "An answer in chunks comes back whole, in whichever framing.", es: "Una respuesta en trozos regresa completa, con cualquier delimitación." } }
    ForwardUntilClose {
        title: { en: "an answer that ends with its connection ends at the client", es: "una respuesta que termina con su conexión termina en el cliente" },
        asks: { en: "An answer without a length, which ends when the backend closes, comes back whole and ends.", es: "Una respuesta sin longitud, que termina cuando el backend cierra, regresa completa y termina." } }
    ForwardKeptOpen {
        title: { en: "an answer is complete by its length", es: "una respuesta está completa por su longitud" },
        asks: { en: "The client has its whole answer although the backend keeps its connection open.", es: "El cliente tiene su respuesta completa aunque el backend mantenga abierta la conexión." } }
    ForwardInformational {
        title: { en: "interim answers do not take the place of the final one", es: "las respuestas provisionales no reemplazan a la final" },
        asks: { en: "After a 103 the final answer comes through.", es: "Tras un 103 llega la respuesta final." } }
    ForwardHttp10 {
        title: { en: "a client of HTTP/1.0 is served", es: "se atiende a un cliente de HTTP/1.0" },
        asks: { en: "A client that speaks HTTP/1.0 gets an answer that it can read.", es: "Un cliente que habla HTTP/1.0 recibe una respuesta que puede leer." } }
    ConnectionsClose {
        title: { en: "`Connection: close` is answered whole", es: "`Connection: close` se responde completo" },
        asks: { en: "A client that asks to close gets its answer, whole.", es: "Un cliente que pide cerrar recibe su respuesta completa." } }
    ConnectionsPersistent {
        title: { en: "several requests share a connection", es: "varias peticiones comparten una conexión" },
        asks: { en: "Requests that follow each other are answered on the same connection.", es: "Las peticiones que se siguen unas a otras se responden por la misma conexión." } }
    ConnectionsSaysClose {
        title: { en: "a connection is not closed without saying so", es: "no se cierra una conexión sin decirlo" },
        asks: { en: "Whoever closes a connection after an answer says `Connection: close` in it, so that no client sends its next request into nothing.", es: "Quien cierra una conexión tras una respuesta lo dice en ella con `Connection: close`, para que ningún cliente envíe su siguiente petición al vacío." } }
    ConnectionsPipelined {
        title: { en: "requests sent without waiting are answered in order", es: "las peticiones enviadas sin aguardar se responden en orden" },
        asks: { en: "Requests that leave together on one connection are answered, each with its own answer, in order.", es: "Las peticiones que salen juntas por una conexión se responden, cada una con lo suyo, en orden." } }
    ConnectionsSilent {
        title: { en: "silent clients hold up nobody", es: "los clientes callados no retienen a nadie" },
        asks: { en: "While others are connected and say nothing, or only half a head, requests are answered.", es: "Mientras otros están conectados sin decir nada, o solo medio encabezado, las peticiones se responden." } }
    ConnectionsBare {
        title: { en: "bare connections do no harm", es: "las conexiones vacías no hacen daño" },
        asks: { en: "After others have connected and left at once, requests are answered.", es: "Después de que otros se conectan y se van enseguida, las peticiones se responden." } }
    ConnectionsMalformed {
        title: { en: "malformed requests harm nobody else", es: "las peticiones mal formadas no dañan a los demás" },
        asks: { en: "After others have sent what is no request (a length that is no number, a line of one word, a field without a colon) and left, requests are answered.", es: "Después de que otros envían lo que no es una petición (una longitud que no es un número, una línea de una palabra, un campo sin dos puntos) y se van, las peticiones se responden." } }
    ConnectionsClientLeaves {
        title: { en: "clients that leave in mid-download cost nothing", es: "los clientes que se van en plena descarga no cuestan nada" },
        asks: { en: "After clients have broken off a download, the next ones are served.", es: "Después de que unos clientes abandonan una descarga, los siguientes son atendidos." } }
    ConnectionsAtRest {
        title: { en: "the proxy rests when nobody asks", es: "el proxy descansa cuando nadie pide" },
        asks: { en: "With nothing to do it uses no CPU, and has given back threads and descriptors.", es: "Sin nada que hacer no usa CPU, y ha devuelto hilos y descriptores." } }
    FailuresOneRefuses {
        title: { en: "a dead backend goes unnoticed", es: "un backend caído pasa inadvertido" },
        asks: { en: "With one backend refusing connections every request is answered by another one.", es: "Con un backend que rehúsa conexiones, otro responde cada petición." } }
    FailuresAllRefuse {
        title: { en: "with all backends down an error comes", es: "con todos los backends caídos llega un error" },
        asks: { en: "With every backend down the client gets 502 or 503 at once.", es: "Con todos los backends caídos el cliente recibe 502 o 503 enseguida." } }
    FailuresHang {
        title: { en: "a backend that hangs ends in an error", es: "un backend que no responde termina en un error" },
        asks: { en: "A backend that never answers ends in 504, in bounded time.", es: "Un backend que nunca responde termina en 504, en un tiempo acotado." } }
    FailuresPostOnce {
        title: { en: "a POST is not sent to a second backend", es: "un POST no se envía a un segundo backend" },
        asks: { en: "A POST that a backend has taken and not answered is not sent to another one: it may have been carried out.", es: "Un POST que un backend recibió y no respondió no se envía a otro: puede que ya se haya ejecutado." } }
    FailuresReset {
        title: { en: "a reset by the backend ends in an error", es: "una conexión que el backend corta termina en un error" },
        asks: { en: "A backend that resets its connection ends in 502.", es: "Un backend que corta de golpe su conexión termina en 502." } }
    FailuresTruncated {
        title: { en: "half an answer is not passed off as a whole one", es: "media respuesta no se hace pasar por una completa" },
        asks: { en: "What the backend cut short shows as cut short, or as an error.", es: "Lo que el backend dejó a medias se ve cortado, o como un error." } }
    FailuresGarbage {
        title: { en: "garbage is not passed off as an answer", es: "la basura no se hace pasar por una respuesta" },
        asks: { en: "What is not HTTP ends in 502, not in an answer of success.", es: "Lo que no es HTTP termina en 502, no en una respuesta 2xx." } }
    FailuresGoesOn {
        title: { en: "others are served after each failure", es: "tras cada falla se atiende a los demás" },
        asks: { en: "After each misbehaviour of a backend the next request is answered.", es: "Tras cada mal comportamiento de un backend se responde la siguiente petición." } }
    FailuresRecovery {
        title: { en: "backends that are back are used", es: "los backends que vuelven se usan" },
        asks: { en: "When the backends are back, requests are answered again, and each backend that had failed is asked again within the time that the scenario states.", es: "Cuando los backends vuelven, las peticiones se responden otra vez, y a cada backend que había fallado se le vuelve a pedir dentro del tiempo que dice el escenario." } }
    CacheSizes {
        title: { en: "a hit equals its miss at every size", es: "lo servido desde el caché es igual en todo tamaño" },
        asks: { en: "The second GET of 40 B, 3 KB, 100 KB and 5 MB comes from the cache and equals the first.", es: "El segundo GET de 40 B, 3 KB, 100 KB y 5 MB viene del caché y es igual al primero." } }
    CacheKeys {
        title: { en: "different paths and queries are different resources", es: "rutas y consultas distintas son recursos distintos" },
        asks: { en: "What differs in path or query gets its own answer, also once all of them are cached.", es: "Lo que difiere en ruta o consulta recibe su propia respuesta, también cuando todo está en el caché." } }
    CacheHead {
        title: { en: "GET and HEAD do not get each other's answers", es: "GET y HEAD no reciben la respuesta del otro" },
        asks: { en: "Of one target a GET gets its body after a HEAD, and a HEAD gets none after a GET.", es: "De un mismo destino, un GET recibe su cuerpo tras un HEAD, y un HEAD ninguno tras un GET." } }
    CacheSimilarPaths {
        title: { en: "similar paths are different resources", es: "rutas parecidas son recursos distintos" },
        asks: { en: "`/a/b` and `/a_b`, and names with `=`, `%` or `..`, are kept apart.", es: "`/a/b` y `/a_b`, y los nombres con `=`, `%` o `..`, se guardan aparte." } }
    CacheRush {
        title: { en: "what many ask for at once is cached whole", es: "lo que muchos piden a la vez se guarda completo" },
        asks: { en: "After many clients have asked at once for a cold resource, its cached answer is whole.", es: "Después de que muchos clientes piden a la vez un recurso nuevo, su respuesta guardada está completa." } }
    CacheErrors {
        title: { en: "a server error is not kept", es: "un error del servidor no se guarda" },
        asks: { en: "A 500 without a stated lifetime is asked for again.", es: "Un 500 sin vigencia declarada se vuelve a pedir." } }
    CacheNotFound {
        title: { en: "whether “not found” (404) is cached", es: "si un «no encontrado» (404) se guarda en el caché" },
        asks: { en: "When a backend says 404, the proxy may cache that answer or ask a backend each time: RFC 9110 allows both, so neither is a failure. It is worth knowing, because a resource that is created a moment later stays “not found” until the TTL is over.", es: "Cuando un backend responde 404, el proxy puede guardar esa respuesta o pedir al backend cada vez: RFC 9110 permite ambas cosas, así que ninguna es una falla. Vale la pena saberlo, porque un recurso que se crea un momento después sigue «no encontrado» hasta que se cumple el TTL." } }
    CacheNoStore {
        title: { en: "what says `no-store` is not kept", es: "lo que dice `no-store` no se guarda" },
        asks: { en: "An answer with `Cache-Control: no-store` is asked for again.", es: "Una respuesta con `Cache-Control: no-store` se vuelve a pedir." } }
    CachePrivate {
        title: { en: "what says `private` is not kept for others", es: "lo que dice `private` no se guarda para otros" },
        asks: { en: "An answer with `Cache-Control: private` is not given to another client.", es: "Una respuesta con `Cache-Control: private` no se entrega a otro cliente." } }
    CacheAuthorization {
        title: { en: "what was asked for with a password is not kept for others", es: "lo pedido con contraseña no se guarda para otros" },
        asks: { en: "The answer to a request with `Authorization` is not given to another client.", es: "La respuesta a una petición con `Authorization` no se entrega a otro cliente." } }
    CacheAborted {
        title: { en: "a broken download leaves nothing wrong", es: "una descarga abandonada no deja nada errado" },
        asks: { en: "After a client has broken off a download, the next one gets the whole resource.", es: "Después de que un cliente abandona una descarga, el siguiente recibe el recurso completo." } }
    CacheTruncated {
        title: { en: "an answer that its backend cut short is not kept", es: "una respuesta que el backend dejó a medias no se guarda" },
        asks: { en: "An answer of which only a part came is asked for again, not served from the cache.", es: "Una respuesta de la que solo llegó una parte se vuelve a pedir, no se sirve del caché." } }
    ConfigBackends {
        title: { en: "the list of backends is the one it was told", es: "la lista de backends es la que se le indicó" },
        asks: { en: "Started with three backends and with four, the proxy asks every one of them and no other: their number and addresses are not in its source.", es: "Arrancado con tres backends y con cuatro, el proxy les pide a todos y a ningún otro: su número y sus direcciones no están en el código." } }
    ConfigTwoBackends {
        title: { en: "two backends are a list too", es: "dos backends también son una lista" },
        asks: { en: "Started with two backends the proxy asks both of them and no other.", es: "Arrancado con dos backends, el proxy les pide a ambos y a ningún otro." } }
    PersistenceOddNames {
        title: { en: "the cache survives under unusual names too", es: "el caché sobrevive también con nombres poco comunes" },
        asks: { en: "What was cached under a target with a query and percent-encodings, or with a path of three hundred characters, is served after SIGKILL and after an orderly restart as well.", es: "Lo guardado bajo un destino con consulta y códigos de porcentaje, o con una ruta de trescientos caracteres, también se sirve después de SIGKILL y de un reinicio ordenado." } }
    ConfigPort {
        title: { en: "it listens on the port that its configuration names", es: "escucha en el puerto que nombra su configuración" },
        asks: { en: "Started once more with another port in its configuration, the proxy listens there and answers.", es: "Arrancado otra vez con otro puerto en su configuración, el proxy escucha allí y responde." } }
    ConfigDefaultPort {
        title: { en: "without a port it listens on 8080", es: "sin puerto indicado escucha en el 8080" },
        asks: { en: "Started without any port on its command line or in its configuration, the proxy listens on 8080.", es: "Arrancado sin ningún puerto en sus argumentos ni en su configuración, el proxy escucha en el 8080." } }
    ManualLanguage {
        title: { en: "the choice of the language is justified", es: "la elección del lenguaje está justificada" },
        asks: { en: "The README says why this language was chosen, with reasons that fit this project.", es: "El README dice por qué se eligió este lenguaje, con razones que corresponden a este proyecto." } }
    ManualSockets {
        title: { en: "it is built on the sockets API itself", es: "está construido sobre la propia API de sockets" },
        asks: { en: "The source opens, accepts, reads and writes sockets itself; no library speaks HTTP in its place.", es: "El código mismo abre, acepta, lee y escribe sockets; ninguna biblioteca habla HTTP en su lugar." } }
    ManualServers {
        title: { en: "the proxy and three servers with the same application run", es: "corren el proxy y tres servidores con la misma aplicación" },
        asks: { en: "In the demonstration the proxy stands in front of three servers that hold the same application.", es: "En la demostración el proxy está delante de tres servidores que tienen la misma aplicación." } }
    ManualCloud {
        title: { en: "all of it is deployed in the cloud", es: "todo está desplegado en la nube" },
        asks: { en: "In the demonstration proxy and servers run on instances of the cloud, and clients reach them from outside.", es: "En la demostración el proxy y los servidores corren en instancias de la nube, y los clientes llegan desde afuera." } }
    LogFile {
        title: { en: "every request and its answer are in the log file", es: "cada petición y su respuesta están en el archivo de log" },
        asks: { en: "The file that the profile of the proxy names shows every request by its target, and its answer by its status or its length, as soon as the client has it.", es: "El archivo que indica el perfil del proxy muestra cada petición por su destino, y su respuesta por su estado o su longitud, apenas la tiene el cliente." } }
    LogStdout {
        title: { en: "every request and its answer are printed", es: "cada petición y su respuesta se muestran en pantalla" },
        asks: { en: "The proxy prints every request with its target, and its answer with its status or its length.", es: "El proxy muestra en pantalla cada petición con su destino, y su respuesta con su estado o su longitud." } }
    HttpsSameAnswers {
        title: { en: "over TLS answers are the same", es: "por TLS las respuestas son las mismas" },
        asks: { en: "A client that comes by HTTPS gets what the backend sent, byte for byte, and its request arrives as it was sent.", es: "Un cliente que llega por HTTPS recibe lo que envió el backend, byte a byte, y su petición llega como se envió." } }
    HttpsVersions {
        title: { en: "TLS 1.2 and 1.3, nothing older", es: "TLS 1.2 y 1.3, nada más antiguo" },
        asks: { en: "A client that speaks TLS 1.2 or 1.3 alone is served; one that offers 1.0 or 1.1 gets an alert or a close.", es: "Se atiende a un cliente que solo habla TLS 1.2 o 1.3; uno que ofrece 1.0 o 1.1 recibe una alerta o el cierre." } }
    HttpsAlpn {
        title: { en: "a protocol is chosen that was offered", es: "se elige un protocolo que se ofreció" },
        asks: { en: "Of the protocols that a client offers by ALPN one is chosen and then spoken; who offers none speaks HTTP/1.1.", es: "De los protocolos que un cliente ofrece por ALPN se elige uno y luego se habla; quien no ofrece ninguno habla HTTP/1.1." } }
    HttpsCertificate {
        title: { en: "the certificate that was handed over is shown", es: "se muestra el certificado que se entregó" },
        asks: { en: "In every handshake the proxy shows the certificate that it was given, with all those up to the authority that clients trust.", es: "En cada saludo TLS el proxy muestra el certificado que se le entregó, con todos los que llevan a la autoridad en que confían los clientes." } }
    HttpsReload {
        title: { en: "another certificate while it serves", es: "otro certificado mientras atiende" },
        asks: { en: "Told at its signal that there is a new certificate, the proxy shows that one to new clients, and those on the way get their answers.", es: "Avisado con su señal de que hay un certificado nuevo, el proxy lo muestra a los clientes que llegan, y los que ya estaban reciben sus respuestas." } }
    Http2SameAnswers {
        title: { en: "over HTTP/2 answers are the same", es: "por HTTP/2 las respuestas son las mismas" },
        asks: { en: "A client of HTTP/2 gets what the backend sent, byte for byte, and its request arrives as it was sent.", es: "Un cliente de HTTP/2 recibe lo que envió el backend, byte a byte, y su petición llega como se envió." } }
    Http2Streams {
        title: { en: "many streams, each its own answer, in turn", es: "muchos flujos, cada uno con su respuesta, por turnos" },
        asks: { en: "Streams that share one connection are answered at the same time, each with its own answer, and the backends get them in turn, as if each had come alone.", es: "Los flujos que comparten una conexión reciben respuesta a la vez, cada uno la suya, y los backends los reciben por turnos, como si cada uno hubiera llegado solo." } }
    Http2Fields {
        title: { en: "fields of one connection stay on it", es: "los campos de una conexión se quedan en ella" },
        asks: { en: "What a backend says of its own connection (`Connection`, `Keep-Alive`, `Transfer-Encoding`) is in no answer of HTTP/2, and no pseudo-field comes to a backend.", es: "Lo que un backend dice de su propia conexión (`Connection`, `Keep-Alive`, `Transfer-Encoding`) no está en ninguna respuesta de HTTP/2, y ningún seudocampo llega a un backend." } }
    Http2SlowReader {
        title: { en: "a stream that is not read holds up no other", es: "un flujo que nadie lee no retiene a los demás" },
        asks: { en: "While a client leaves two large answers unread, other streams of its connection are answered.", es: "Mientras un cliente deja sin leer dos respuestas grandes, otros flujos de su conexión reciben respuesta." } }
    Http2RapidReset {
        title: { en: "streams reset at once harm nobody", es: "los flujos cancelados de inmediato no dañan a nadie" },
        asks: { en: "While a client opens two thousand streams and resets each at once, others are served (CVE-2023-44487).", es: "Mientras un cliente abre dos mil flujos y cancela cada uno de inmediato, a los demás se les atiende (CVE-2023-44487)." } }
    Http2Continuation {
        title: { en: "a head without an end is ended", es: "a un encabezado sin fin se le pone fin" },
        asks: { en: "A client whose head goes on and on is refused before 32 MB of it have been taken, and others are served (CVE-2024-27316).", es: "A un cliente cuyo encabezado no termina se le rechaza antes de recibirle 32 MB, y a los demás se les atiende (CVE-2024-27316)." } }
    Http2Downgrade {
        title: { en: "no request becomes two", es: "ninguna petición se vuelve dos" },
        asks: { en: "A request whose length does not match, that names a transfer coding, or has ends of lines in a field, its method, its path or its authority is refused, or at least comes to a backend as one: nobody there sees a second.", es: "Una petición cuya longitud no cuadra, que nombra una codificación de transferencia, o que trae saltos de línea en un campo, su método, su ruta o su autoridad se rechaza, o al menos llega a un backend como una sola: allí nadie ve una segunda." } }
    Http2Drain {
        title: { en: "open streams end well at a reload", es: "los flujos abiertos terminan bien en una recarga" },
        asks: { en: "Streams that are being answered when the proxy is told to read its files again get the rest of their answers, and new ones are served.", es: "Los flujos que reciben respuesta cuando al proxy se le ordena releer sus archivos la reciben hasta el final, y a los nuevos se les atiende." } }
    LogComplete {
        title: { en: "each exchange is in the log once, hits and simultaneous ones too", es: "cada intercambio está una vez en el log, también los servidos desde el caché y los simultáneos" },
        asks: { en: "For each exchange there is one line with its method and target, and its status on the same line or on one of its own: not only for those that reach a backend, and not one less when many come at once.", es: "De cada intercambio hay una línea con su método y destino, y su estado en la misma línea o en una propia: no solo de los que llegan a un backend, y ni uno menos cuando llegan muchos a la vez." } }
    LogVolume {
        title: { en: "the log does not flood", es: "el log no se desborda" },
        asks: { en: "An exchange with a small body takes some lines of the log, not 16 KiB nor a hundred lines, and nothing is written while nobody asks.", es: "Un intercambio con un cuerpo pequeño ocupa unas líneas del log, no 16 KiB ni cien líneas, y no se escribe nada mientras nadie pide." } }
    PageOneImage {
        title: { en: "a page with one image arrives", es: "una página con una imagen llega" },
        asks: { en: "The page and its image arrive whole, at the first visit and at the second.", es: "La página y su imagen llegan completas, en la primera visita y en la segunda." } }
    PageManyImages {
        title: { en: "a page with several images arrives", es: "una página con varias imágenes llega" },
        asks: { en: "The page and all its images, asked for together, arrive whole, twice.", es: "La página y todas sus imágenes, pedidas a la vez, llegan completas, dos veces." } }
    PageLargeFile {
        title: { en: "a file of 1 MB arrives", es: "un archivo de 1 MB llega" },
        asks: { en: "A file of about 1 MB arrives whole, twice.", es: "Un archivo de cerca de 1 MB llega completo, dos veces." } }
    PageLargeFiles {
        title: { en: "several files of 1 MB arrive together", es: "varios archivos de 1 MB llegan a la vez" },
        asks: { en: "Several files of about 1 MB, asked for together, arrive whole, twice.", es: "Varios archivos de cerca de 1 MB, pedidos a la vez, llegan completos, dos veces." } }
}
