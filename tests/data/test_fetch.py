"""A server may be slow, but not for ever; time is a number here, and nobody waits."""

from __future__ import annotations

import http.client
import io
import itertools

import pytest
from tests.refusals import refusal

from justright.data import fetch
from justright.data.fetch import GRACE_SECONDS, FetchError, Patience, stream_bytes


class OneByteEach(io.RawIOBase):
    """A connection that brings one byte whenever it is asked."""

    def readinto(self, buffer):
        """Bring it."""
        buffer[:1] = b"x"
        return 1


def test_a_byte_per_second_ends_after_the_grace():
    """The time is that spent waiting, by the clock that was given."""
    ticks = itertools.count(0.0, 1.0)
    patience = Patience("http://x/t.csv", lambda: next(ticks))
    buffer = memoryview(bytearray(10))
    for _ in range(int(GRACE_SECONDS)):
        assert patience.read(OneByteEach(), buffer) == 1
    assert refusal(patience.read, OneByteEach(), buffer, error=FetchError) == (
        "Cannot read 'http://x/t.csv': a server must send 1,000 bytes per second; it sent 61 in 61 s. "
        "Try again later, or download the file first."
    )


def test_a_large_file_may_take_days():
    """2.8 GB at 3 kB per second are 11 days."""
    patience = Patience("http://x/HIGGS.csv.gz", iter([0.0, 950_000.0]).__next__)
    patience.received_bytes = 2_800_000_000
    assert patience.read(OneByteEach(), memoryview(bytearray(10))) == 1


@pytest.mark.parametrize("path", ["/t.csv", "/missing.csv"])
def test_every_byte_of_an_answer_is_timed(server, monkeypatch, path):
    """Those of its headers and of a refusal, too: a server could stretch them as well."""
    server.files["/t.csv"] = b"x,y\n1,0\n" * 1_000
    started = []
    original = Patience.read

    def read(self, connection, buffer):
        started.append(len(buffer))
        return original(self, connection, buffer)

    monkeypatch.setattr(Patience, "read", read)
    if path == "/t.csv":
        assert b"".join(stream_bytes(server.address + path)) == server.files[path]
    else:
        with pytest.raises(FetchError, match="the server answers 404"):
            list(stream_bytes(server.address + path))
    assert started


def test_a_slow_server_is_given_up_however_often_it_connects(server, monkeypatch):
    """Patience is for the file, not for a connection."""
    monkeypatch.setattr(fetch, "LEAST_BYTES_PER_SECOND", 10_000_000)
    server.files["/t.csv"] = bytes(200_000)
    ticks = itertools.count(0.0, 20.0)  # every read takes 20 s by this clock
    server.drop_after = [20_000] * 20
    with pytest.raises(FetchError, match="a server must send 10,000,000 bytes per second; it sent "):
        list(stream_bytes(server.address + "/t.csv", clock=lambda: next(ticks)))


def test_https_is_as_patient_as_http():
    """Both handlers make connections whose responses are timed."""
    handlers = [kind for kind in fetch.HANDLERS if issubclass(kind, fetch._Patient)]
    assert [kind.__name__ for kind in handlers] == ["_PatientHTTP", "_PatientHTTPS"]
    assert issubclass(fetch._PatientResponse, http.client.HTTPResponse)
