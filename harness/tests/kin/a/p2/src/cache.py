import sqlite3
import threading
import time


class Cache:
    """Cache on disk with sqlite, survives a crash."""

    def __init__(self, path, ttl):
        self.ttl = ttl
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE TABLE IF NOT EXISTS res (key TEXT PRIMARY KEY, head BLOB, body BLOB, born REAL)")
        self.db.commit()

    def get(self, key):
        with self.lock:
            row = self.db.execute("SELECT head, body, born FROM res WHERE key=?", (key,)).fetchone()
            if row is None:
                return None
            age = time.time() - row[2]
            if age >= self.ttl:
                self.db.execute("DELETE FROM res WHERE key=?", (key,))
                self.db.commit()
                return None
            return row[0], row[1], int(age)

    def put(self, key, head, body):
        with self.lock:
            self.db.execute("REPLACE INTO res VALUES (?,?,?,?)", (key, head, body, time.time()))
            self.db.commit()
