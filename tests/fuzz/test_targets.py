"""Do the fuzzer's targets hold what its seeds and some thousand random inputs throw at them?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import CORPUS, SEEDS
from tests.fuzz.targets import TARGETS, one_input


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_reach_their_targets_without_a_fault(seed: bytes) -> None:
    one_input(seed)


def test_what_earlier_runs_kept_finds_no_fault() -> None:
    for kept in CORPUS:
        one_input(kept)


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_no_bytes_find_a_fault(data: bytes) -> None:
    for target in TARGETS:
        target(data)


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4))
@settings(max_examples=500)
def test_no_change_of_a_seed_finds_a_fault(seed: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(seed)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    one_input(bytes(changed))
