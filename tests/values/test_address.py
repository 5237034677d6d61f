"""Where a server listens."""

from howdah.values.address import Address


def test_an_address_is_written_so_that_host_and_port_can_be_told_apart() -> None:
    assert str(Address("db.example", 5432)) == "db.example:5432"
    assert str(Address("fd00::1", 5432)) == "[fd00::1]:5432"
