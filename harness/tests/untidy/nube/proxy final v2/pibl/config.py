"""lee el .env (sin python-dotenv porque no se permiten librerias)"""
import os
from pathlib import Path
from typing import NamedTuple


class ConfigError(Exception):
    pass


class Config(NamedTuple):
    port: int
    backends: list
    ttl: float
    cache_dir: Path
    log: Path
    connect_timeout: float
    read_timeout: float


def leer_env(path):
    out = {}
    try:
        texto = Path(path).read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigError(f"no se pudo leer {path}: {e}")
    for n, linea in enumerate(texto.splitlines(), 1):
        linea = linea.strip()
        if not linea or linea[0] == "#":
            continue
        k, ok, v = linea.partition("=")
        if not ok:
            raise ConfigError(f"{path}:{n}: falta '='")
        out[k.strip()] = v.strip().strip("'\"")
    # las variables de entorno ganan
    out.update({k: v for k, v in os.environ.items() if k.startswith("PIBL_")})
    return out


def cargar(path, ttl=None):
    e = leer_env(path)
    try:
        backends = []
        for x in e["PIBL_BACKENDS"].split(","):
            host, _, port = x.strip().rpartition(":")
            backends.append((host, int(port)))
        return Config(
            int(e.get("PIBL_PORT", 8080)), backends,
            float(ttl if ttl is not None else e.get("PIBL_TTL", 60)),
            Path(e.get("PIBL_CACHE_DIR", "./.cache")), Path(e.get("PIBL_LOG", "pibl.jsonl")),
            float(e.get("PIBL_CONNECT_TIMEOUT", 2)), float(e.get("PIBL_READ_TIMEOUT", 20)))
    except (KeyError, ValueError) as x:
        raise ConfigError(f"configuracion mala: {x!r}")
