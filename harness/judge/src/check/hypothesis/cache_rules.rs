//! What a mistake of the cache looks like in the source: what is stored, under which key, until when.

use super::look::{CACHE, FILE_TIME, INDEX, KEY, LOOKED_UP, Look, NOW, TTL, WRITE_OPEN, numbers, yes};
use crate::check::Cause;

/// Points for a line, as the one that a cause would be at.
pub(super) fn points(cause: Cause, look: &Look<'_>) -> i32 {
    match cause {
        Cause::CacheInMemory | Cause::IndexInMemory => {
            let table = look
                .has("= {}|={}|dict()|hashmap::new|btreemap::new|new hashmap|make(map|new map(|ordereddict(")
                || (look.has("struct |static ") && look.has("[") && look.text.ends_with(';'));
            let cleared =
                cause == Cause::IndexInMemory && look.has("rmtree|remove_dir_all|removeall|rm -rf|rmsync");
            yes(cleared, 9)
                + yes(table && (look.has(CACHE) || look.file(INDEX)), 4)
                + yes(table && look.has(INDEX), 2)
                - yes(look.has("header|cabecera|encabezado|campo|config"), 4)
        }
        Cause::CacheElsewhere => {
            yes(
                look.has(
                    "\"/tmp|'/tmp|temp_dir|gettempdir|\"/var|mkdtemp|tempfile|expanduser|tmpdir|\"..|'..",
                ),
                4,
            ) + yes(look.has(CACHE) || look.near(CACHE, 2), 2)
        }
        Cause::WrittenInPlace => {
            yes(look.has(WRITE_OPEN), 3) + yes(look.has(CACHE) || look.inside(CACHE) || look.file(CACHE), 2)
                - yes(look.of_log() || look.has("tmp|temp|config"), 4)
                + yes(look.in_loop(), -1)
        }
        Cause::TtlNeverCompared | Cause::TtlMiscounted => {
            let compares = look.has(" < | > | <= | >= |<=|>=") && look.has(TTL);
            let counts = look.has(NOW) && (look.has(TTL) || look.has("-|+"));
            let looked_up = look.inside(LOOKED_UP);
            let unit = cause == Cause::TtlMiscounted
                && look.has(TTL)
                && look.has(
                    "* 60|*60|* 1000|*1000|* 2|*2|from_secs|from_millis|time.second|time.minute|/ 1000|/ 60|int(",
                );
            yes(compares, 4)
                + yes(counts, 2)
                + yes(looked_up && (compares || counts), 1)
                + yes(unit, 3)
                + yes(
                    cause == Cause::TtlNeverCompared
                        && looked_up
                        && (look.has(CACHE) || look.file(CACHE))
                        && look.has("open(|.get(|[|read("),
                    3,
                )
                - yes(look.of_log() || look.has("argv|argparse|config"), 2)
        }
        Cause::TtlConstant => {
            let constant = look.has(TTL)
                && look.has("=|define|const |:")
                && numbers(look.text).any(|n| n >= 1)
                && !look.has("==|argv|args|.get(|getint|parse");
            yes(constant, 5) + yes(look.has("const |define|static "), 1)
        }
        Cause::HitRenewsEntry => {
            let touches = look.has("os.utime|utime(|utimes(|chtimes|touch|set_modified|ultimo|último|last_use|last_access|acceso");
            let assigns = look.has(NOW) && look.text.contains('=') && !look.has("==| < | > | - |>=|<=| + ");
            let looked_up = look.inside(LOOKED_UP);
            // The age of an entry: a field of it, or what stands under a name in it.
            let left = look.text.split('=').next().unwrap_or_default();
            let of_entry = (left.contains('[') || left.contains('.') || left.contains("->"))
                && [
                    "hora", "save", "stored", "guard", "fecha", "cuando", "stamp", "time", "tiempo", "born",
                    "nac", "age", "creado", "created", "acces", "use",
                ]
                .iter()
                .any(|word| left.contains(word));
            yes(touches, 4)
                + yes(assigns && looked_up, 4)
                + yes(assigns && look.has("[|.|->"), 1)
                + yes(assigns && of_entry, 4)
        }
        Cause::CacheEmptiedAtOnce => {
            let each = look.has("os.remove(|os.unlink(|unlink(|remove_file(")
                && (look.near("listdir|glob|scandir|read_dir|readdir", 4)
                    || look.inside("limpi|vaci|purg|clean|borra|barr|sweep"));
            yes(each, 5)
                + yes(look.has("rmtree|.clear()|remove_dir_all|removeall|vaciar|purg|limpiar"), 4)
                + yes(look.has(CACHE) || look.inside(CACHE), 1)
        }
        Cause::ClockRestarted => {
            let loaded = look.inside("carg|load|restor|recuper|init|start|abrir|leer_indice|new");
            yes(look.has(FILE_TIME), 4)
                + yes(look.has(NOW) && loaded, 4)
                + yes(look.has(CACHE) || look.near(CACHE, 3), 1)
        }
        Cause::MethodNotInKey => {
            let key = look.has(KEY) && look.text.contains('=') && !look.has("==|import|header|cabecera");
            let looked_up = look.has("cache.get(|cache.buscar(|lookup(|buscar_cache(|leer_cache(|cache_get(|cache_buscar(|obtener(|consultar(") && !look.text.starts_with("def ")
                && !look.text.starts_with("fn ");
            // Where the key is made: of the host and the target, and of nothing else.
            let left = look.text.split('=').next().unwrap_or_default();
            let made = look.text.contains('=')
                && !look.has("==|md5|sha")
                && ["clave", "llave", "key"].iter().any(|word| left.contains(word))
                && look.has("host|url|ruta|path|destino|target|p[1]|uri");
            yes(key && (look.has(CACHE) || look.inside(CACHE) || look.inside(KEY) || look.file(CACHE)), 4)
                + yes(looked_up, 4)
                + yes(made, 9)
        }
        Cause::KeysCollide | Cause::NamesOfFiles => {
            let cut = look.has("replace(|split('?')|split(\"?\")|[:|split_once('?')|'?'|strchr(|partition('?')|partition(\"?\")|basename|urlparse|.path|quote(|strtok(|gsub|'_'|\"_\"");
            let key = look.has(KEY)
                || look.inside(KEY)
                || look.inside(CACHE)
                || look.file(CACHE)
                || look.has("ruta|path|archivo|fichero");
            yes(cut && key, 4)
                + yes(look.has("'_'|\"_\""), 2)
                + yes(look.inside(KEY) || look.inside("ruta|archivo|path|file"), 1)
                - yes(
                    look.of_log()
                        || look.has("config|header|cabecera|import|argv|os.path|os.replace|os.rename"),
                    3,
                )
        }
        Cause::TreatedAsText | Cause::StoredIncompletely => {
            let text_only = look.has("'\\0|\"\\0|\\x00|errors='ignore'|errors=\"ignore\"|'ignore'|\"ignore\"|'replace'|\"replace\"|from_utf8|strlen(|strcpy(|strncpy(|strcat(|strdup(|latin|tostring(|setencoding|\"%s\"|fputs(");
            let body = look.has("cuerpo|body|datos|data|resp|respuesta|buf|contenido|content");
            let decoded =
                look.has(".decode(|.encode(") && body && !look.has("head|cabec|encab|linea|línea|line");
            let at_nul = look.has("split(") && look.has("\\0|\\x00");
            yes(at_nul, 5)
                + yes(text_only, 3)
                + yes(text_only && body, 2)
                + yes(decoded, 4)
                + yes(text_only && (look.inside(CACHE) || look.file(CACHE)), 1)
                - yes(look.has("head|cabec|encab|linea|método|metodo|config|argv") || look.of_log(), 3)
        }
        Cause::StatusNotLookedAt
        | Cause::DirectivesIgnored
        | Cause::PartOfAnswerStored
        | Cause::PartStored
        | Cause::StoredTogether => {
            let stores = look.has("cache.poner(|cache.meter(|cache_poner(|guardar|cache.set|cache.put|cache.guard|store(|almacen|put(|insert(|save(|cache[|cache_put|cache_store|guarda(|cache_escrib|cache_write|cache_meter|cache_add|escribir_cache") && look.text.contains('(') | look.has("] =");
            let called = !look.inside("guard|store|put|set|almac|save|escrib");
            let asks = look.text.starts_with("if ")
                || look.text.starts_with("if(")
                || look.text.starts_with("} else if");
            yes(stores && !look.defines() && (called || cause == Cause::StoredTogether), 4)
                + yes(stores && asks, 1)
                + yes(
                    cause == Cause::StatusNotLookedAt
                        && asks
                        && look.has("status|codigo|código|estado|200")
                        && look.near("guardar|store|cache.|poner(|put(|insert(|save(", 4),
                    3,
                )
                + yes(
                    cause == Cause::PartOfAnswerStored
                        && look.has("on('close'|on(\"close\"|on('end'|on(\"end\"")
                        && look.has("back|resp|upstream|origen|remot|srv|proxyres")
                        && look.near(".end()|closesync|fd|archivo", 2),
                    7,
                )
                // Where it is decided whether something is stored, and not where it was decided already.
                + yes(
                    look.has("cacheable|storable|guardable|almacenable|se_guarda|se_puede_guardar|cachear")
                        && !matches!(cause, Cause::PartOfAnswerStored | Cause::PartStored)
                        && (look.has("\"get\"|'get'|&& |and | or ")
                            || (look.defines() && look.text.contains('('))),
                    7,
                )
                // Of what is asked of a request it is the one, of what is asked of an answer the other.
                + yes(cause == Cause::DirectivesIgnored && look.has("\"get\"|'get'"), 1)
                + yes(
                    cause == Cause::StatusNotLookedAt && look.has("no-store|set-cookie|\"vary|'vary"),
                    2,
                )
                + yes(asks && cause == Cause::DirectivesIgnored && look.has("\"get\"|'get'|no-store"), 2)
                - yes(look.of_log() || look.has("header|cabecera|map[|dict"), 3)
        }
        Cause::NamesOfThisProcess => {
            // The function of the language, and none of a library or of the program.
            let at = look.text.find("hash(");
            let own = at.is_some_and(|at| {
                !look.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
            });
            let python = look.file(".py") && own && !look.defines();
            yes(python && !look.program.any("def hash("), 2)
                + yes(
                    python
                        && (look.has(KEY)
                            || look.inside(KEY)
                            || look.inside(CACHE)
                            || look.has("ruta|path|url")),
                    2,
                )
        }
        // One buffer for all: of the whole program, or of all calls of a function.
        Cause::SharedState => {
            let buffer = look.has("static ") && look.has("char ") && look.has("[") && !look.has("(|const ");
            yes(buffer, 5)
                + yes(look.text.starts_with("global "), 4)
                + yes(buffer && look.has("resp|buf|body|cuerpo|datos|data"), 1)
        }
        _ => 0,
    }
}
