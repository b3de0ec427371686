import threading
import warnings

from tenfold.reading.hush import hushed


def test_warnings_are_as_before_however_threads_come_and_go():
    """One thread enters first and leaves first, the other enters and leaves after it."""
    before = list(warnings.filters)
    second_is_in, first_is_out = threading.Event(), threading.Event()

    def second():
        with hushed():
            second_is_in.set()
            first_is_out.wait()

    thread = threading.Thread(target=second)
    with warnings.catch_warnings(record=True) as told:
        with hushed():
            thread.start()
            second_is_in.wait()
        warnings.warn("of the picture", UserWarning, stacklevel=1)
        first_is_out.set()
        thread.join()
        warnings.warn("of something else", UserWarning, stacklevel=1)
    assert [str(each.message) for each in told] == ["of something else"]
    assert warnings.filters == before
