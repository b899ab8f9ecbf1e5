"""Notes what a Python program does, with the line that did it: one JSON list a line, appended to a file of its own folder.

The harness puts this on the path of a private copy that is watched. It changes nothing for the program: every wrapper calls what it
wraps, gives back what that gave, and swallows its own errors.
"""


def _watch():
    import builtins
    import io
    import json
    import os
    import socket
    import sys
    import threading
    import time

    folder = os.environ.get("HARNESS_WATCH")
    if not folder:
        return
    here = os.path.abspath(__file__)
    root = os.environ.get("HARNESS_WATCH_ROOT", os.getcwd())
    most = 40000
    state = {"left": most, "pid": 0, "file": -1}
    names = {}
    real_open, real_write, get_pid = os.open, os.write, os.getpid
    clock, identity = time.time_ns, threading.get_native_id
    busy = threading.local()

    def out():
        # A forked child writes into a file of its own.
        pid = get_pid()
        if state["pid"] != pid:
            path = os.path.join(folder, "python-%d.jsonl" % pid)
            state["file"] = real_open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            state["pid"] = pid
        return state["file"]

    def own(name):
        return name.startswith(root) and name != here and "site-packages" not in name

    def places(frame):
        found = []
        while frame is not None and len(found) < 6:
            name = names.get(frame.f_code.co_filename)
            if name is None:
                name = names[frame.f_code.co_filename] = os.path.abspath(frame.f_code.co_filename)
            if own(name):
                found.append([name, frame.f_lineno, frame.f_code.co_name])
            frame = frame.f_back
        return found

    def note(call, subject, figure=None, error=None, where=None):
        if state["left"] <= 0 or getattr(busy, "on", False):
            return
        busy.on = True
        try:
            where = where or places(sys._getframe(2))
            if not where:
                return
            state["left"] -= 1
            line = json.dumps([clock(), get_pid(), identity(), call, str(subject)[:300], figure, error, where])
            real_write(out(), (line + "\n").encode("utf-8", "replace"))
        except Exception:
            pass
        finally:
            busy.on = False

    def said(error):
        import errno as numbers
        number = getattr(error, "errno", None)
        return numbers.errorcode.get(number) or type(error).__name__

    sides = {}

    def side(sock):
        try:
            number = sock.fileno()
            return "%s %d" % (sides.get(number, "socket"), number)
        except Exception:
            return "socket"

    def size(value):
        if isinstance(value, int):
            return value
        try:
            return len(value)
        except Exception:
            return None

    real = socket.socket

    def wrap(name, call, figure, subject=lambda sock, arguments: side(sock), before=False):
        original = getattr(real, name, None)
        if original is None:
            return

        def wrapped(self, *arguments, **named):
            about = subject(self, arguments)
            if before:
                note(call, about, figure(None, arguments))
            try:
                value = original(self, *arguments, **named)
            except BaseException as error:
                # A socket that waits for nobody says so all the time.
                if not isinstance(error, (BlockingIOError, InterruptedError)):
                    note(call, about, None, said(error))
                raise
            if not before:
                note(call, about, figure(value, arguments))
            return value

        wrapped.__name__ = name
        setattr(real, name, wrapped)

    def first(arguments):
        return arguments[0] if arguments else None

    options = {v: n for n, v in vars(socket).items() if n.startswith("SO_") and isinstance(v, int)}

    def option(_sock, arguments):
        known = len(arguments) > 1 and arguments[0] == socket.SOL_SOCKET
        return options.get(arguments[1], str(arguments[1])) if known else "option"

    def address(_sock, arguments):
        return ":".join(str(part) for part in arguments[0][:2]) if arguments and isinstance(arguments[0], tuple) else "address"

    wrap("bind", "bind", lambda value, arguments: None, address)
    wrap("listen", "listen", lambda value, arguments: first(arguments) if arguments else 128, lambda s, a: "")
    wrap("setsockopt", "set_option", lambda value, arguments: arguments[2] if len(arguments) > 2 and isinstance(arguments[2], int) else None, option)
    wrap("recv", "receive", lambda value, arguments: size(value))
    wrap("recv_into", "receive", lambda value, arguments: size(value))
    wrap("recvfrom", "receive", lambda value, arguments: size(value[0]))
    wrap("send", "send", lambda value, arguments: size(value))
    wrap("sendall", "send", lambda value, arguments: size(first(arguments)))
    wrap("shutdown", "shutdown", lambda value, arguments: None)

    original_connect = real.connect

    def connect(self, where):
        about = address(self, (where,))
        try:
            value = original_connect(self, where)
        except BaseException as error:
            if said(error) == "EINPROGRESS":
                sides[self.fileno()] = "backend"
            note("connect", about, None, said(error))
            raise
        sides[self.fileno()] = "backend"
        note("connect", about)
        return value

    real.connect = connect
    original_connect_ex = real.connect_ex

    def connect_ex(self, where):
        value = original_connect_ex(self, where)
        sides[self.fileno()] = "backend"
        note("connect", address(self, (where,)), value)
        return value

    real.connect_ex = connect_ex
    original_accept = real.accept

    def accept(self):
        connection, peer = original_accept(self)
        sides[connection.fileno()] = "client"
        note("accept", side(connection))
        return connection, peer

    real.accept = accept
    original_close = real.close

    def close(self):
        about = side(self)
        number = self.fileno()
        value = original_close(self)
        sides.pop(number, None)
        if number >= 0:
            note("close", about)
        return value

    real.close = close

    original_read = socket.SocketIO.readinto

    def readinto(self, buffer):
        value = original_read(self, buffer)
        sock = getattr(self, "_sock", None)
        if value is not None and sock is not None:
            note("receive", side(sock), value)
        return value

    socket.SocketIO.readinto = readinto

    def of_streams(module):
        # A loop of events reads for the program: its own line is on the way to the stream, not to the socket.
        def about(stream):
            return getattr(stream, "_harness_side", "client")

        opened = module.open_connection

        async def open_connection(host=None, port=None, **named):
            where = "%s:%s" % (host, port)
            try:
                reader, writer = await opened(host, port, **named)
            except BaseException as error:
                note("connect", where, None, said(error))
                raise
            reader._harness_side = writer._harness_side = "backend"
            note("connect", where)
            return reader, writer

        module.open_connection = open_connection

        def reads(name):
            original = getattr(module.StreamReader, name)

            async def wrapped(self, *arguments, **named):
                try:
                    value = await original(self, *arguments, **named)
                except BaseException as error:
                    note("receive", about(self), None, said(error))
                    raise
                note("receive", about(self), size(value))
                return value

            wrapped.__name__ = name
            setattr(module.StreamReader, name, wrapped)

        for name in ("read", "readexactly", "readuntil"):
            reads(name)
        original_stream_write = module.StreamWriter.write

        def write(self, data):
            value = original_stream_write(self, data)
            note("send", about(self), size(data))
            return value

        module.StreamWriter.write = write

    class Streams:
        """Wraps the streams of asyncio when, and only when, the program takes them in."""

        def find_spec(self, name, path, target=None):
            if name != "asyncio.streams":
                return None
            sys.meta_path.remove(self)
            from importlib.machinery import PathFinder
            spec = PathFinder.find_spec(name, path, target)
            if spec is None:
                return None
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                try:
                    of_streams(module)
                except Exception:
                    pass

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Streams())

    def hook(event, arguments):
        if getattr(busy, "on", False):
            return
        try:
            if event == "open":
                path, mode, flags = arguments
                if isinstance(path, int):
                    return
                path = os.path.abspath(os.fsdecode(path))
                if folder in path or path.endswith((".pyc", ".py")) or path.startswith(("/usr/", "/lib", "/proc/")):
                    return
                flags = flags or 0
                if flags & os.O_APPEND:
                    note("open_to_append", path)
                elif flags & (os.O_TRUNC | os.O_CREAT):
                    note("open_to_write", path)
                else:
                    note("open_to_read", path)
            elif event == "os.rename":
                note("rename", "%s -> %s" % (os.path.abspath(os.fsdecode(arguments[0])), os.path.abspath(os.fsdecode(arguments[1]))))
            elif event in ("os.remove", "os.rmdir", "shutil.rmtree"):
                note("remove", os.path.abspath(os.fsdecode(arguments[0])))
            elif event == "os.fork":
                note("fork", "")
            elif event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
                note("execute", str(arguments[0]))
            elif event == "_thread.start_new_thread":
                note("thread", getattr(arguments[0], "__name__", ""))
        except Exception:
            pass

    sys.addaudithook(hook)
    original_start = threading.Thread.start

    # Where audit hooks know nothing of threads (before 3.12).
    if sys.version_info < (3, 12):

        def start(self, *arguments):
            note("thread", getattr(getattr(self, "_target", None), "__name__", ""))
            return original_start(self, *arguments)

        threading.Thread.start = start

    def innermost(traceback):
        found = []
        while traceback is not None:
            name = os.path.abspath(traceback.tb_frame.f_code.co_filename)
            if own(name):
                found.insert(0, [name, traceback.tb_lineno, traceback.tb_frame.f_code.co_name])
            traceback = traceback.tb_next
        return found

    def uncaught(kind, error, traceback):
        try:
            note("exception", kind.__name__, None, str(error)[:200], innermost(traceback))
        except Exception:
            pass

    before, before_thread = sys.excepthook, threading.excepthook

    def excepthook(kind, error, traceback):
        uncaught(kind, error, traceback)
        before(kind, error, traceback)

    def threadhook(arguments):
        if arguments.exc_type is not SystemExit:
            uncaught(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        before_thread(arguments)

    sys.excepthook, threading.excepthook = excepthook, threadhook


def _others():
    """Runs the sitecustomize that this one stands in front of."""
    import os
    import sys
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in sys.path:
        path = os.path.join(folder or ".", "sitecustomize.py")
        if os.path.abspath(folder or ".") != here and os.path.isfile(path):
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec"), {"__name__": "sitecustomize", "__file__": path})
            return


try:
    _others()
except Exception:
    pass
try:
    _watch()
except Exception:
    pass
