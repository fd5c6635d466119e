"""Where the former version comes from."""

import pytest

import former


def test_a_history_that_lacks_the_version_is_said():
    with pytest.raises(former.NoHistory, match="does not hold commit 0{40}, .* git fetch --unshallow"):
        former.demand_history("0" * 40)
    former.demand_history(former.REFERENCE)
