"""Does what honest submissions do, and says of each whether it went well. Not a proxy."""
import os
import pathlib
import pwd
import socket
import subprocess
import sys
import tempfile
import threading


def ways():
    def opens_its_output_by_name():
        for name in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1"):
            with open(name, "a") as output:
                output.write("")

    def opens_its_input_by_name():
        os.close(os.open("/dev/stdin", os.O_RDONLY | os.O_NONBLOCK))

    def writes_beside_itself():
        pathlib.Path("cache").mkdir(exist_ok=True)
        pathlib.Path("cache/one").write_text("x")
        pathlib.Path("cache/one").rename("cache/two")
        os.chmod("cache/two", 0o600)
        os.utime("cache/two")

    def appends_to_what_was_there():
        with open("touched.log", "a") as log:
            log.write("line\n")

    def writes_what_the_judge_wrote():
        settings = pathlib.Path("settings.conf")
        settings.write_text(settings.read_text() + "# seen\n")

    def has_temporary_files():
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            pathlib.Path(folder, "x").write_text("x")

    def has_a_home():
        home = pathlib.Path(pwd.getpwuid(os.getuid()).pw_dir)
        for folder in (".cache", ".config", ".local/share"):
            (home / folder / "mine").mkdir(parents=True, exist_ok=True)
            (home / folder / "mine" / "file").write_text("x")

    def binds_a_low_port():
        with socket.create_server(("127.0.0.1", 80)):
            pass

    def resolves_names():
        assert socket.getaddrinfo("localhost", 80, socket.AF_INET)

    def starts_others():
        assert subprocess.run(["/bin/sh", "-c", "echo yes | cat"], capture_output=True).stdout == b"yes\n"
        assert subprocess.run([sys.executable, "-c", "print('yes')"], capture_output=True).stdout == b"yes\n"

    def starts_threads():
        threads = [threading.Thread(target=lambda: None) for _ in range(200)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

    def shares_memory_with_its_own():
        import multiprocessing
        with multiprocessing.Pool(2) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]

    def sends_signals_to_its_own():
        child = subprocess.Popen(["sleep", "60"])
        child.terminate()
        assert child.wait() == -15

    def talks_by_sockets_of_its_own():
        for name in ("own.socket", "\0of-my-own"):
            with socket.socket(socket.AF_UNIX) as there, socket.socket(socket.AF_UNIX) as here:
                there.bind(name)
                there.listen()
                here.connect(name)

    def sees_itself():
        assert os.path.exists(f"/proc/{os.getpid()}/status")

    return {name: way for name, way in locals().items() if callable(way)}


for name, way in ways().items():
    try:
        way()
        print(f"{name}: well", flush=True)
    except BaseException as error:
        print(f"{name}: in vain ({error!r})", flush=True)
print("all tried", flush=True)
