"""Work inside one process, done when a line says how often: "COUNT" on standard input, "key value" pairs on standard output.

    asyncio_probe.py [--uvloop] timers-cancel|timers-fire|calls-flood|calls-ping
"""
import asyncio
import resource
import sys
import threading
import time


def nothing():
    pass


def delays(count, longest):
    """The same pseudo-random order as the other probes': seconds, evenly spread."""
    state = 1
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield longest * ((state >> 8) / (1 << 24))


def timers_cancel(count):
    waits = list(delays(count, 60.0))

    async def main():
        begin()
        call_later = asyncio.get_running_loop().call_later
        for handle in [call_later(wait, nothing) for wait in waits]:
            handle.cancel()

    loop.run_until_complete(main())


def timers_fire(count):
    waits = list(delays(count, 1.0))

    async def main():
        running = asyncio.get_running_loop()
        done = running.create_future()
        left = count

        def fire():
            nonlocal left
            left -= 1
            if left == 0:
                done.set_result(None)

        begin()
        for wait in waits:
            running.call_later(wait, fire)
        await done

    loop.run_until_complete(main())


def with_loop_thread(work):
    """The loop runs on a thread of its own, the caller is another."""
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        work()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def calls_flood(count):
    done = threading.Event()
    left = count

    def call():
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    def work():
        begin()
        for _ in range(count):
            loop.call_soon_threadsafe(call)
        done.wait()

    with_loop_thread(work)


def calls_ping(count):
    ran = threading.Semaphore(0)

    def work():
        begin()
        for _ in range(count):
            loop.call_soon_threadsafe(ran.release)
            ran.acquire()

    with_loop_thread(work)


def begin():
    global started, before
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)


started = before = None
if "--uvloop" in sys.argv:
    import uvloop

    loop = uvloop.new_event_loop()
else:
    loop = asyncio.new_event_loop()
probe = {"timers-cancel": timers_cancel, "timers-fire": timers_fire, "calls-flood": calls_flood, "calls-ping": calls_ping}[sys.argv[-1]]
print("ready", flush=True)
for line in sys.stdin:
    operations = int(line)
    probe(operations)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    cpu = user + system
    share = user / cpu if cpu > 0 else 0
    print(f"operations {operations};seconds {seconds:.6f};cpu_us {cpu * 1e6:.3f};user_share {share:.4f}", flush=True)
