"""The app as a person has it: a process in a pseudo-terminal, keys in, bytes out."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


class Terminal:
    """The app in a pseudo-terminal of its own."""

    def __init__(self, rows=24, columns=80, start=("-m", "newleaf")):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, *start])
        self.resize(rows, columns)
        self.output = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.descriptor], [], [], left)[0]:
                try:
                    data = os.read(self.descriptor, 65536)
                except OSError:
                    return
                if not data:
                    return
                self.output += data

    def wait_for(self, text, patience=60):
        deadline = time.monotonic() + patience
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-3000:]
            self.read()

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for_end(self, patience=30):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.2)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("it does not end")
