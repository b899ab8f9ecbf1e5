//! What most likely is wrong in the program of such a proxy.
//!
//! Reports print it below a failed check, marked as a guess. It advises; it never judges.

use super::{InWords, Language};
use crate::words;
use harness_judge::check::Cause;

words!(Cause {
    Cause::NothingCached => {
        en: "answers are never stored, or stored and never looked up before a backend is asked",
        es: "las respuestas nunca se guardan, o se guardan y no se consultan antes de pedir al backend"
    },
    Cause::StoredIncompletely => {
        en: "what is stored is not all that was answered: a single read, a text function on binary data, or the head is left out",
        es: "lo guardado no es todo lo respondido: una sola lectura, una función de texto sobre datos binarios, o se omite el encabezado"
    },
    Cause::MethodNotInKey => {
        en: "the cache is looked up before the method is looked at, so a POST finds the answer to a GET",
        es: "el caché se consulta sin mirar el método, así que un POST encuentra la respuesta de un GET"
    },
    Cause::KeysCollide => {
        en: "the key leaves out a part of the target, or two targets become the same file name",
        es: "la clave omite una parte del destino, o dos destinos producen el mismo nombre de archivo"
    },
    Cause::TtlNeverCompared => {
        en: "the instant of storing is never compared with the present",
        es: "el instante en que se guardó nunca se compara con el actual"
    },
    Cause::TtlMiscounted => {
        en: "the TTL is counted twice, in another unit, or from another instant than that of storing",
        es: "el TTL se cuenta dos veces, en otra unidad, o desde otro instante que el de guardar"
    },
    Cause::TtlConstant => {
        en: "the TTL handed over at launch is ignored: a constant is used",
        es: "se ignora el TTL indicado al arrancar: se usa una constante"
    },
    Cause::HitRenewsEntry => {
        en: "a hit renews the instant of storing (the file is touched, or the time of last use is compared)",
        es: "cada respuesta del caché renueva el instante en que se guardó (se toca el archivo, o se compara el último uso)"
    },
    Cause::CacheEmptiedAtOnce => {
        en: "the whole cache is emptied at fixed instants instead of looking at the age of each entry, or old answers are given while new ones are fetched",
        es: "el caché se vacía entero cada cierto tiempo en vez de mirar la edad de cada recurso, o se dan respuestas vencidas mientras llegan las nuevas"
    },
    Cause::ClockRestarted => {
        en: "a restart renews the instant of storing, for instance because it is not written to disk",
        es: "un reinicio renueva el instante en que se guardó, por ejemplo porque no se escribe en disco"
    },
    Cause::IndexInMemory => {
        en: "the files stay, but what tells which file belongs to which target was in memory only, or the cache is emptied at the start",
        es: "los archivos quedan, pero lo que dice qué archivo es de qué destino estaba solo en memoria, o el caché se vacía al arrancar"
    },
    Cause::CacheInMemory => {
        en: "the cache is kept in memory and never written to disk",
        es: "el caché se mantiene en memoria y nunca se escribe en disco"
    },
    Cause::WrittenInPlace => {
        en: "a file is written in place, so a crash leaves half of it: write a temporary file, then rename it",
        es: "el archivo se escribe en su sitio, así que una caída lo deja a medias: conviene escribir un archivo temporal y luego renombrarlo"
    },
    Cause::PortNotReusable => {
        en: "the listening socket lacks SO_REUSEADDR",
        es: "al socket de escucha le falta SO_REUSEADDR"
    },
    Cause::ServedOneByOne => {
        en: "clients are served one after the other: accept is called again only after the answer, or a lock is held during the whole exchange",
        es: "los clientes se atienden uno tras otro: solo se vuelve a aceptar después de responder, o un candado (lock) queda tomado durante todo el intercambio"
    },
    Cause::BacklogTooShort => {
        en: "connections that come at once are not taken at once, and wait 1 s or 3 s to be tried again: the number given to listen is small, or accept is called too seldom",
        es: "las conexiones que llegan a la vez no se aceptan a la vez, y se reintentan al cabo de 1 s o 3 s: el número dado a listen es pequeño, o accept se llama muy pocas veces"
    },
    Cause::TreatedAsText => {
        en: "bodies are treated as text (decode, strlen, a function for strings): bytes that no text has are replaced or left out, or end it, or a length is counted in characters",
        es: "los cuerpos se tratan como texto (decode, strlen, una función para cadenas): los bytes que ningún texto tiene se reemplazan, se omiten o lo terminan, o la longitud se cuenta en caracteres"
    },
    Cause::SharedState => {
        en: "clients share a buffer, a file or a variable without a lock",
        es: "los clientes comparten un búfer, un archivo o una variable sin protección"
    },
    Cause::PickedAtRandom => {
        en: "the backend is drawn at random: in the long run that is even, but it is no round robin",
        es: "el backend se elige al azar: a la larga queda parejo, pero no es Round Robin"
    },
    Cause::UnlockedCounter => {
        en: "the counter of turns is read and written without a lock, or each worker has one of its own",
        es: "el contador de turnos se lee y se escribe sin protección, o cada trabajador tiene el suyo"
    },
    Cause::TurnPerConnection => {
        en: "the backend is chosen when the client connects, not for each request",
        es: "el backend se elige cuando el cliente se conecta, no en cada petición"
    },
    Cause::PartOfTheList => {
        en: "only a part of the list of backends is used: a fixed number, or an index that is never moved on",
        es: "solo se usa una parte de la lista de backends: un número fijo, o un índice que nunca avanza"
    },
    Cause::SentTwice => {
        en: "two requests go to the backends for each one of the client",
        es: "por cada petición del cliente salen dos hacia los backends"
    },
    Cause::UnhandledEvent => {
        en: "an everyday event ends the process: a signal such as SIGPIPE, or an exception that nobody catches",
        es: "un suceso cotidiano termina el proceso: una señal como SIGPIPE, o una excepción que nadie captura"
    },
    Cause::PassedOnIncompletely => {
        en: "the answer is passed on from a single read, or with a length that is not its own",
        es: "la respuesta se entrega a partir de una sola lectura, o con una longitud que no es la suya"
    },
    Cause::FirstReadOnly => {
        en: "only the first recv of a request is forwarded: read until the empty line, then as many bytes as Content-Length says",
        es: "solo se reenvía el primer recv de la petición: hay que leer hasta la línea vacía y luego tantos bytes como diga Content-Length"
    },
    Cause::SpellingOfNames => {
        en: "names of fields are compared letter by letter: `content-length` and `Content-Length` are the same name (RFC 9110 §5.1), so compare them without regard to case",
        es: "los nombres de los campos se comparan letra por letra: `content-length` y `Content-Length` son el mismo nombre (RFC 9110 §5.1), así que conviene compararlos sin distinguir mayúsculas"
    },
    Cause::ChunksNotRead => {
        en: "a body with Transfer-Encoding: chunked is neither read to its last chunk nor passed on",
        es: "un cuerpo con Transfer-Encoding: chunked no se lee hasta su último trozo ni se reenvía"
    },
    Cause::RequestRebuilt => {
        en: "the request is written anew from its parts and some are left out, or it goes out in a buffer of fixed length",
        es: "la petición se escribe de nuevo a partir de sus partes y se omiten algunas, o sale en un búfer de longitud fija"
    },
    Cause::AnswerRebuilt => {
        en: "the head of the answer is written anew, and parts of it are left out or replaced",
        es: "el encabezado de la respuesta se escribe de nuevo, y se omiten o reemplazan partes"
    },
    Cause::WaitsForClose => {
        en: "the backend's answer is read until it closes or a time is over, instead of as many bytes as Content-Length says",
        es: "la respuesta del backend se lee hasta que cierra o se acaba un plazo, en vez de tantos bytes como diga Content-Length"
    },
    Cause::NeverCloses => {
        en: "the connection to the client is never closed, so an answer that ends with it never ends",
        es: "la conexión con el cliente nunca se cierra, así que una respuesta que termina con ella nunca termina"
    },
    Cause::BodilessIgnored => {
        en: "answers to HEAD, and 204 and 304, are treated as if a body followed",
        es: "las respuestas a HEAD, y los 204 y 304, se tratan como si siguiera un cuerpo"
    },
    Cause::BackendErrorIgnored => {
        en: "an error of connect or recv towards a backend is not handled: no other backend is tried, or the client is not told",
        es: "no se trata el error de connect o recv hacia un backend: no se intenta con otro, o no se le avisa al cliente"
    },
    Cause::StatusNotLookedAt => {
        en: "everything that comes is stored, whatever its status",
        es: "se guarda todo lo que llega, sin mirar su estado"
    },
    Cause::DirectivesIgnored => {
        en: "Cache-Control of the answer and Authorization of the request are not read before storing",
        es: "antes de guardar no se leen Cache-Control de la respuesta ni Authorization de la petición"
    },
    Cause::StoredTogether => {
        en: "several clients that store the same resource at once write into one file: write a temporary file each, then rename it",
        es: "varios clientes que guardan el mismo recurso a la vez escriben en un solo archivo: conviene un archivo temporal por cada uno y luego renombrarlo"
    },
    Cause::PartStored => {
        en: "what had come until the client left is stored as if it were the whole",
        es: "lo que había llegado hasta que el cliente se fue se guarda como si fuera todo"
    },
    Cause::PartOfAnswerStored => {
        en: "what had come until the backend's connection ended is stored as if it were the whole: compare its length with `Content-Length` first",
        es: "lo que había llegado hasta que terminó la conexión del backend se guarda como si fuera todo: conviene comparar antes su longitud con `Content-Length`"
    },
    Cause::LogNotWritten => {
        en: "the log is printed and not written to a file, or the other way round, or it stays in a buffer: flush after every line",
        es: "el log se muestra y no se escribe en un archivo, o al revés, o se queda en un búfer: conviene vaciarlo tras cada línea"
    },
    Cause::HalfLogged => {
        en: "only one half of the exchange is logged: the answer is given without a line about it",
        es: "se registra solo la mitad del intercambio: la respuesta se entrega sin una línea sobre ella"
    },
    Cause::LogOfOneBranch => {
        en: "the line is written in one branch of the program alone (what comes from the cache takes another), twice, or by threads that overwrite each other",
        es: "la línea se escribe en una sola rama del programa (lo servido desde el caché toma otra), dos veces, o por hilos que se pisan"
    },
    Cause::ListInSource => {
        en: "the number of backends or their addresses are constants in the source instead of coming from the configuration",
        es: "el número de backends o sus direcciones son constantes del código en vez de venir de la configuración"
    },
    Cause::PortInSource => {
        en: "the port is a constant of the program, or was kept from an earlier start: read it from the configuration at every start, before `bind`",
        es: "el puerto es una constante del programa, o quedó de un arranque anterior: conviene leerlo de la configuración en cada arranque, antes de `bind`"
    },
    Cause::NamesOfFiles => {
        en: "the name of the file is the target as it is, or the list of entries is split at a character that targets contain: encode or hash the whole target",
        es: "el nombre del archivo es el destino tal cual, o la lista de lo guardado se parte en un carácter que los destinos contienen: conviene codificar el destino completo o usar su hash"
    },
    Cause::ExceptionUncaught => {
        en: "an exception that nobody catches ends what serves the client: catch it around one client, answer 500 or 502, and close the connection",
        es: "una excepción que nadie captura termina lo que atiende al cliente: conviene capturarla alrededor de cada cliente, responder 500 o 502 y cerrar la conexión"
    },
    Cause::BrokenPipe => {
        en: "it writes to a connection that its other end has closed, and SIGPIPE ends the whole process: ignore SIGPIPE, or send with MSG_NOSIGNAL, and look at what send returns",
        es: "escribe en una conexión que el otro extremo cerró, y SIGPIPE termina todo el proceso: conviene ignorar SIGPIPE, o enviar con MSG_NOSIGNAL, y mirar lo que devuelve send"
    },
    Cause::MemoryFault => {
        en: "it reads or writes memory that is not its own: past the end of a buffer, freed before, or shared by two threads; `-fsanitize=address` shows where",
        es: "lee o escribe memoria que no es suya: más allá del final de un búfer, liberada antes, o compartida por dos hilos; `-fsanitize=address` muestra dónde"
    },
    Cause::TurnTakenTwice => {
        en: "the turn is taken twice for one request (once to look or to log, once to send): ask for the next backend once and keep it",
        es: "el turno se toma dos veces por petición (una para mirar o registrar, otra para enviar): conviene pedir el siguiente backend una vez y guardarlo"
    },
    Cause::NamesOfThisProcess => {
        en: "the name of a cached file is made of something that is new in each process: `hash()` of Python gives another number after every start",
        es: "el nombre de cada archivo guardado sale de algo que cambia con el proceso: el `hash()` de Python da otro número en cada arranque"
    },
    Cause::CacheElsewhere => {
        en: "the files of the cache lie outside the directory of the program",
        es: "los archivos del caché están fuera del directorio del programa"
    },
    Cause::LeftNotNoticed => {
        en: "a client that has left is not noticed (recv returns 0), so its thread or its loop goes on",
        es: "no se nota que un cliente se fue (recv devuelve 0), así que su hilo o su ciclo sigue"
    },
});

/// The likely cause as a sentence to print below a failed check.
pub fn explanation(cause: Cause, language: Language) -> String {
    cause.in_words(language)
}
