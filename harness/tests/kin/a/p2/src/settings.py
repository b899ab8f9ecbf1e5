import os
import sys
from types import SimpleNamespace


def load(path):
    """reads KEY=VALUE lines; real environment variables win"""
    values = {}
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                line = line.split("#")[0].strip()
                if line:
                    k, _, v = line.partition("=")
                    values[k.strip()] = v.strip().strip('"')
    except FileNotFoundError:
        sys.exit(f"config file {path} not found")
    values.update({k: v for k, v in os.environ.items() if k.startswith("PIBL_")})
    try:
        port = int(values.get("PIBL_PORT", 8080))
        backends = []
        for b in values["PIBL_BACKENDS"].split(","):
            h, p = b.strip().rsplit(":", 1)
            backends.append((h, int(p)))
    except (KeyError, ValueError) as e:
        sys.exit(f"bad config file {path}: {e!r}")
    return SimpleNamespace(port=port, backends=backends, logfile=values.get("PIBL_LOG", "pibl.log"))
