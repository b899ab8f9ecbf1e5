"""Tries to get out of where a submission is kept, one way after the other, and says of each whether it was held. Not a proxy.

Usage: escapes.py NEIGHBOUR PID SOCKET ABSTRACT SEGMENT: a file of somebody else, a process outside, a socket with a name in the file
system and one without, and a segment of shared memory."""
import ctypes
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys

neighbour, pid, named, abstract, segment = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
KEYCTL, OPEN_BY_HANDLE, IO_URING_SETUP, IO_URING_ENTER, SETNS = 250, 304, 425, 426, 308


def check(result):
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def ways():
    def signals():
        os.kill(pid, 0)
        return os.readlink(f"/proc/{pid}/exe") != ""

    def traces():
        return check(libc.ptrace(16, pid, 0, 0)) == 0  # PTRACE_ATTACH

    def descriptors():
        return any("ns" not in os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd"))

    def environment():
        return len(open(f"/proc/{pid}/environ", "rb").read()) > 0

    def memory():
        return len(open(f"/proc/{pid}/mem", "rb").read(1)) > 0

    def guard():
        # The first process of its own world is the guard.
        os.close(os.open("/proc/1/mem", os.O_RDWR))
        return True

    def reports_of_guard():
        # Whoever wrote into the pipe that the guard reports through could say what it liked of itself.
        for number in range(10):
            try:
                os.close(os.open(f"/proc/1/fd/{number}", os.O_RDWR | os.O_NONBLOCK))
                return number
            except OSError:
                pass
        return False

    def roots():
        return any(os.path.exists(f"/proc/{who}/root{neighbour}") and open(f"/proc/{who}/root{neighbour}").read()
                   for who in ("self", "1", str(pid)))

    def reads():
        return open(neighbour).read() != ""

    def names():
        return os.path.exists(neighbour)

    def hard_link():
        for there in (neighbour, "/etc/hostname", "/usr/bin/env"):
            try:
                os.link(there, "mine")
                return there
            except OSError:
                pass
        return False

    def link():
        os.symlink(neighbour, "link")
        return open("link").read() != ""

    def mounts():
        os.makedirs("there", exist_ok=True)
        return check(libc.mount(b"none", b"there", b"tmpfs", 0, None)) == 0

    def binds():
        os.makedirs("root", exist_ok=True)
        return check(libc.mount(b"/", b"root", None, 4096 | 16384, None)) == 0

    def unmounts():
        return check(libc.umount2(b"/tmp", 2)) == 0

    def new_user():
        # Whoever is root of a world of its own might uncover what lies beneath.
        if check(libc.unshare(0x10000000 | 0x00020000)):
            return False
        return check(libc.umount2(b"/tmp", 2)) == 0

    def enters():
        for kind in ("mnt", "net", "user", "pid"):
            for who in (1, pid):
                try:
                    there = os.open(f"/proc/{who}/ns/{kind}", os.O_RDONLY)
                except OSError:
                    continue
                if os.fstat(there).st_ino != os.stat(f"/proc/self/ns/{kind}").st_ino:
                    return check(libc.syscall(SETNS, there, 0)) == 0
        return False

    def changes_root():
        return check(libc.chroot(b".")) == 0

    def device():
        for mode, numbers in ((0o020666, (1, 1)), (0o060666, (254, 0))):
            os.mknod("device", mode, os.makedev(*numbers))
            return True

    def devices():
        shown = [f"/dev/{name}" for name in os.listdir("/dev")] if os.access("/dev", os.R_OK) else []
        shown += ["/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/loop0", "/dev/fuse", "/dev/kvm"]
        allowed = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd", "stdin", "stdout", "stderr"}
        opened = []
        for path in shown:
            if os.path.basename(path) in allowed or os.path.isdir(path):
                continue
            try:
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                opened.append(path)
            except OSError:
                pass
        return opened

    def kernel_log():
        text = ctypes.create_string_buffer(4096)
        return check(libc.klogctl(3, text, 4096)) > 0

    def kernel_settings():
        for file in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches"):
            try:
                os.close(os.open(file, os.O_WRONLY))
                return file
            except OSError:
                pass
        return False

    def leaves_its_group():
        for folder, _, files in os.walk("/sys/fs/cgroup"):
            if "cgroup.procs" in files:
                try:
                    open(os.path.join(folder, "cgroup.procs"), "w").write(str(os.getpid()))
                    return folder
                except OSError:
                    pass
        return False

    def keys():
        text = ctypes.create_string_buffer(4096)
        # The keyring of the session of whoever runs the harness holds a key of this name.
        return check(libc.syscall(KEYCTL, 10, -3, b"user", b"harness-test", 0)) > 0  # KEYCTL_SEARCH

    def raw():
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) is not None

    def packets():
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW) is not None

    def socket_by_name():
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(named)
            return True

    def socket_without_name():
        with socket.socket(socket.AF_UNIX) as there:
            there.connect("\0" + abstract)
            return True

    def shared_memory():
        libc.shmat.restype = ctypes.c_void_p
        return libc.shmat(segment, None, 4096) not in (None, ctypes.c_void_p(-1).value)

    def by_handle():
        handle = struct.pack("II", 8, 1) + struct.pack("II", 2, 0)
        return check(libc.syscall(OPEN_BY_HANDLE, os.open("/", os.O_RDONLY), handle, os.O_RDONLY)) > 0

    def ring():
        """The same by a ring of the kernel, past every system call that a filter could see."""
        parameters = ctypes.create_string_buffer(120)
        ring = check(libc.syscall(IO_URING_SETUP, 4, parameters))
        fields = struct.unpack("30I", parameters.raw)
        submission, completion = fields[10:20], fields[20:30]
        # Of the offsets these are array, and of the completions tail and entries.
        queue = mmap.mmap(ring, submission[6] + 4 * fields[0], offset=0)
        done = mmap.mmap(ring, completion[5] + 16 * fields[1], offset=0x8000000)
        entries = mmap.mmap(ring, 64 * fields[0], offset=0x10000000)
        path = ctypes.create_string_buffer(neighbour.encode() + b"\0")
        # IORING_OP_OPENAT of the file of somebody else, to be read.
        entries[0:64] = struct.pack("BBHiQQIIQ", 18, 0, 0, -100, 0, ctypes.addressof(path), 0, 0, 7) + bytes(24)
        queue[submission[6]:submission[6] + 4] = struct.pack("I", 0)
        queue[submission[1]:submission[1] + 4] = struct.pack("I", 1)
        check(libc.syscall(IO_URING_ENTER, ring, 1, 1, 1, None, 0))
        result = struct.unpack("i", done[completion[5] + 8:completion[5] + 12])[0]
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return True

    def terminal():
        # What is pushed into the terminal of the instructor would be a command of the instructor's.
        there = os.open("/dev/tty", os.O_RDWR)
        import fcntl
        import termios
        fcntl.ioctl(there, termios.TIOCSTI, b"\n")
        return True

    def more_rights():
        # A program that becomes root when it is executed, had it been made so.
        os.close(os.open("becomes", os.O_CREAT | os.O_WRONLY, 0o755))
        for su in ("/usr/bin/su", "/bin/su", "/usr/bin/mount", "/usr/bin/passwd"):
            if os.path.exists(su) and os.stat(su).st_mode & 0o4000:
                said = subprocess.run(["/bin/sh", "-c", f"exec {su} --version"], capture_output=True).returncode
                status = open("/proc/self/status").read()
                return "NoNewPrivs:\t1" not in status and said == 0
        return False

    def is_root():
        return os.geteuid() == 0 and os.stat("/proc/self").st_uid == 0

    def limits():
        import resource
        wanted = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return wanted != resource.RLIM_INFINITY

    def sooner():
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        return True

    def host():
        socket.sethostname("mine")
        return True

    return {name: way for name, way in locals().items() if callable(way)}


for name, way in ways().items():
    # Each in a process of its own: some of them change what the next one would be.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            out = way()
            said = f"got out ({out})" if out else "held"
        except Exception as error:
            said = f"held ({error})"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read().decode() or "held (ended)"
    os.waitpid(child, 0)
    print(f"{name}: {said}", flush=True)
print("all ways tried", flush=True)
