"""Does a stopped process do nothing any more once the call has returned?"""

import signal
import subprocess
import sys

from tests.signals import send, threads_that_run

BUSY = """
import hashlib, threading
def work():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 20_000)
for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
print("works", flush=True)
work()
"""


def test_no_thread_of_a_busy_process_runs_once_it_is_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "works\n"
            for _ in range(5):
                assert threads_that_run(process.pid)
                send((process.pid,), signal.SIGSTOP)
                assert not threads_that_run(process.pid)
                send((process.pid,), signal.SIGCONT)
        finally:
            process.kill()


def test_a_process_that_is_gone_is_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    send((process.pid,), signal.SIGSTOP)
