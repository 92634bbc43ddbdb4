"""The adapter that the documentation shows is one."""

from __future__ import annotations

import re
from pathlib import Path

from harness.adapter import Adapter, Channel, Delivery, Message, Pushes
from harness.claims.statements import Description, claims_shown

HOWTO = (Path(__file__).parents[2] / "docs" / "howto-adapter.md").read_text(encoding="utf-8")
ADAPTER, CHANNEL = re.findall(r"```python\n(.*?)```", HOWTO, re.DOTALL)


def shown() -> Adapter:
    """Return the adapter of the page."""
    known = {"my_token": str}
    exec(ADAPTER, known)
    adapter = known["adapter"]
    assert isinstance(adapter, Adapter)
    return adapter


def test_the_adapter_can_be_made_and_shows_what_is_said() -> None:
    """Every name that it uses is imported from `harness.adapter`; by its `shows` and `lists` SES-5 can be shown."""
    assert ("SES-2", "SES-5", "ERR-1", "AUT-1", "AUT-2") == claims_shown(Description(promises=shown().promises))


def test_the_channel_can_be_made() -> None:
    """And says of its frames what the table below it lists."""
    names = {"Channel": Channel, "Message": Message, "Pushes": Pushes, "Delivery": Delivery}
    channel = eval(CHANNEL, names)
    assert isinstance(channel, Channel)
    assert ("note", "room", Delivery.EXACTLY_ONCE) == (
        channel.pushes.of,
        channel.pushes.within,
        channel.pushes.delivery,
    )
