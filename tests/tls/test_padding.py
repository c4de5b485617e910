"""Padding shows in what lengths have in common; a few lengths have a small divisor in common by chance."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analyzer.tls.code_points import TLS_1_3
from analyzer.tls.inference.turns import Dialogue, RecordLog, Unreadable, dialogue_of
from analyzer.tls.sides import CLIENT, SERVER

AES_128_GCM = 0x1301
OVERHEAD, FINISHED = 17, 36
GREETING, EHLO, OFFER, QUIT, BYE = 48, 27, 139, 6, 15


def read(server: Iterable[int], client: Iterable[int]) -> Dialogue:
    """A dialogue of TLS 1.3 with records of these lengths, alternating, the server first."""
    log = RecordLog()
    log.application_data(SERVER, 442 + OVERHEAD)
    log.application_data(CLIENT, FINISHED + OVERHEAD)
    for heard, said in zip(server, client, strict=True):
        log.application_data(SERVER, heard + OVERHEAD)
        log.application_data(CLIENT, said + OVERHEAD)
    return dialogue_of(log, TLS_1_3, AES_128_GCM, client_first=False)


def padded(length: int, block: int) -> int:
    """What ``length`` is padded to, with its content type (RFC 8446 section 5.4)."""
    return -(-(length + 1) // block) * block - 1


@pytest.mark.parametrize("block", [16, 64, 256])
def test_lengths_that_all_are_multiples_of_a_block_are_padded(block: int) -> None:
    server = [padded(length, block) for length in (GREETING, OFFER * 3, BYE)]
    with pytest.raises(Unreadable, match="padding"):
        read(server, [EHLO, QUIT, QUIT])


def test_a_small_divisor_that_a_few_lengths_have_in_common_is_chance() -> None:
    # With the content type all of the server's are multiples of seven: seen in a session without padding.
    server = [48, 139, 6, 34, 20]
    assert all((length + 1) % 7 == 0 for length in server)
    assert len(read(server, [27, 12, 58, 6, 3])) == 6


def test_lengths_without_a_common_divisor_are_taken_as_they_are() -> None:
    exchanges = read([GREETING, OFFER, BYE], [EHLO, QUIT, QUIT])
    assert [exchange.client for exchange in exchanges] == [None, (EHLO, EHLO), (QUIT, QUIT), (QUIT, QUIT)]
