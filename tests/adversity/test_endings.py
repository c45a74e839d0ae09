"""How processes, interpreters, threads and loops end while a client is in use: no crash, no hang, one warning at most.

Each program says of itself what it expects; its status and what it prints are looked at here.
"""

import re

import pytest
from fixtures.program import run_program


def only_warning(done, *, wanted=None):
    """A program warned of nothing, or once of what is wanted; nothing else went wrong."""
    warned = [line for line in done.stderr.splitlines() if re.match(r"\S+: \w*Warning: ", line)]
    assert len(warned) == (wanted is not None), done.stderr
    assert wanted is None or wanted in warned[0]
    for word in ("Fatal", "Traceback", "Exception ignored", "core dumped"):
        assert word not in done.stderr


def test_a_subinterpreter_is_refused_with_a_clear_error(hosts):
    done = run_program(
        hosts,
        """
        CODE = '''
        import sys
        sys.path[:] = {path!r}
        try:
            import aerospike_py
        except ImportError as error:
            assert "interpreter" in str(error), error
        else:
            raise SystemError("a subinterpreter got in")
        '''
        CODE = "\\n".join(line[8:] if line.startswith(" " * 8) else line for line in CODE.splitlines())
        CODE = CODE.format(path=sys.path)

        def run(code):
            if sys.version_info >= (3, 14):
                from concurrent import interpreters
                one = interpreters.create()
                one.exec(code)
                one.close()
                return
            if sys.version_info >= (3, 13):
                import _interpreters
                one = _interpreters.create()
                failed = _interpreters.exec(one, code)
                assert failed is None, failed
                _interpreters.destroy(one)
                return
            import _xxsubinterpreters
            one = _xxsubinterpreters.create()
            _xxsubinterpreters.run_string(one, code)
            _xxsubinterpreters.destroy(one)

        with aerospike_py.client({"hosts": HOSTS}).connect() as client:
            client.put(KEY, {"a": 1})
            for _ in range(3):
                run(CODE)
                assert client.get(KEY).bins == {"a": 1}
        """,
    )
    only_warning(done)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing(hosts, tmp_path, method):
    (tmp_path / "work_of_test.py").write_text(
        """
import os
import aerospike_py

client = None

def begin(hosts):
    global client
    if client is None:
        client = aerospike_py.client({"hosts": hosts}).connect()

def work(number):
    client.put(("test", "endings", number), {"n": number})
    return os.getpid(), client.get(("test", "endings", number)).bins["n"]
"""
    )
    done = run_program(
        hosts,
        f"""
        import multiprocessing
        sys.path.insert(0, {str(tmp_path)!r})
        os.environ["PYTHONPATH"] = {str(tmp_path)!r}
        import work_of_test

        work_of_test.begin(HOSTS)  # forked workers inherit a client in use
        work_of_test.work(0)
        with multiprocessing.get_context({method!r}).Pool(3, work_of_test.begin, (HOSTS,)) as pool:
            ends = pool.map(work_of_test.work, range(60), 2)
            pool.close()
            pool.join()
        assert [n for _, n in ends] == list(range(60))
        assert os.getpid() not in {{pid for pid, _ in ends}}
        work_of_test.work(1)
        work_of_test.client.close()
        """,
    )
    only_warning(done)


def test_a_server_that_preloads_its_application_and_then_forks_workers(hosts):
    """Like gunicorn with preload: the master connects, forks, and replaces a worker that died by a signal."""
    done = run_program(
        hosts,
        """
        import signal

        client = aerospike_py.client({"hosts": HOSTS}).connect()
        loop_client = aerospike_py.async_client({"hosts": HOSTS})
        client.put(KEY, {"a": 1})

        def worker():
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())

            async def serve():
                await loop_client.connect()
                assert (await loop_client.get(KEY)).bins == {"a": 1}
                await loop_client.close()

            asyncio.run(serve())
            os.write(ready_writer, b".")
            while not stop.is_set():
                assert client.get(KEY).bins == {"a": 1}
                time.sleep(0.01)

        def start():
            child = os.fork()
            if child:
                return child
            try:
                worker()
                sys.exit(0)  # as a worker ends: with everything that runs at exit
            except SystemExit:
                raise
            except BaseException:
                traceback.print_exc()
                os._exit(1)

        ready_reader, ready_writer = os.pipe()
        workers = [start() for _ in range(3)]
        for _ in workers:
            assert os.read(ready_reader, 1) == b"."
        os.kill(workers[0], signal.SIGKILL)
        assert os.waitpid(workers[0], 0)[1] == signal.SIGKILL
        workers[0] = start()
        assert os.read(ready_reader, 1) == b"."
        for each in workers:
            os.kill(each, signal.SIGTERM)
        for each in workers:
            assert os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) == 0
        assert client.get(KEY).bins == {"a": 1}
        client.close()
        """,
    )
    only_warning(done)


def test_threads_that_end_leave_nothing_behind(hosts):
    done = run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})
        keys = [("test", "endings", n) for n in range(300)]

        def work(fails):
            client.get(KEY)
            client.batch_read(keys).to_list()
            if fails:
                raise RuntimeError("this thread dies")

        def threads(count):
            made = [threading.Thread(target=work, args=(n % 2,)) for n in range(count)]
            for each in made:
                each.start()
            for each in made:
                each.join()

        threading.excepthook = lambda _: None
        def resident():
            with open("/proc/self/statm") as status:
                return int(status.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        threads(200)
        before, descriptors = resident(), len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            threads(200)
        assert resident() - before < 30 << 20, "what a thread kept is not given back"
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 32
        assert client.get(KEY).bins == {"a": 1}
        client.close()
        """,
    )
    only_warning(done)


def test_a_client_collected_without_close_warns_once(hosts):
    done = run_program(
        hosts,
        """
        import gc
        warnings.simplefilter("always")
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})
        del client
        gc.collect()
        """,
    )
    only_warning(done, wanted="ResourceWarning")


@pytest.mark.parametrize("ending", ["sys.exit(0)", "raise SystemExit", "", "os._exit(0)"])
def test_a_program_that_ends_with_everything_under_way(hosts, ending):
    done = run_program(
        hosts,
        f"""
        client = aerospike_py.client({{"hosts": HOSTS}}).connect()
        loop_client = aerospike_py.async_client({{"hosts": HOSTS}})
        client.put(KEY, {{"a": 1}})
        began = threading.Barrier(6)

        def work():
            began.wait(10)
            while True:
                client.get(KEY)

        async def loop_work():
            await loop_client.connect()
            await loop_client.get(KEY)
            began.wait(10)
            while True:
                await asyncio.gather(*[loop_client.get(KEY) for _ in range(50)])

        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        threading.Thread(target=lambda: asyncio.run(loop_work()), daemon=True).start()
        began.wait(10)
        time.sleep(0.05)
        {ending}
        """,
    )
    for word in ("Fatal", "core dumped", "terminate called"):
        assert word not in done.stderr


def test_loops_that_are_closed_before_their_client(hosts):
    done = run_program(
        hosts,
        """
        client = aerospike_py.async_client({"hosts": HOSTS})
        kept = []

        async def main():
            if not client.is_connected():
                await client.connect()
                await client.put(KEY, {"a": 1})
            kept.extend(client.get(KEY) for _ in range(100))
            await client.get(KEY)

        for _ in range(5):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            loop.close()
        kept.clear()
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(client.get(KEY)).bins == {"a": 1}
        loop.close()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.close())
        loop.close()
        """,
    )
    only_warning(done)


def test_exceptions_in_callbacks_reach_their_handlers_and_nobody_else(hosts):
    done = run_program(
        hosts,
        """
        import logging

        class Failing(logging.Handler):
            seen = 0
            def emit(self, record):
                Failing.seen += 1
                raise ValueError("a handler fails")
            def handleError(self, record):
                pass

        class Worse(logging.Handler):
            def handle(self, record):
                raise RuntimeError("a handler fails outright")

        unraisable = []
        sys.unraisablehook = lambda what: unraisable.append(what.exc_value)
        logger = logging.getLogger("aerospike_core")
        logger.addHandler(Failing())
        logger.addHandler(Worse())
        logger.setLevel(1)
        aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)

        def used():
            with aerospike_py.client({"hosts": HOSTS}).connect() as client:
                client.put(KEY, {"a": 1})
                assert client.get(KEY).bins == {"a": 1}

        used()
        assert Failing.seen > 0
        reported = []

        async def main():
            asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
            async with aerospike_py.async_client({"hosts": HOSTS}) as client:
                await client.connect()
                calls = [client.get(KEY) for _ in range(20)]

                def fail(call):
                    raise LookupError("a callback fails")

                for each in calls:
                    each.add_done_callback(fail)
                for each in await asyncio.gather(*calls):
                    assert each.bins == {"a": 1}
                await asyncio.sleep(0)
                assert (await client.get(KEY)).bins == {"a": 1}

        asyncio.run(main())
        assert sum(isinstance(each, LookupError) for each in reported) == 20, reported
        """,
    )
    only_warning(done)
