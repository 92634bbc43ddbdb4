"""The text of an exported test, but for what differs from one to the next: see `harness.schedules.export`."""

from __future__ import annotations

from string import Template

FILE = Template(
    '''"""$story
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

TARGET = $target
$hint


def $test() -> None:
    """$truth"""
    finding = replay()
    assert not finding, finding


# What was recorded: who asks what, and who took the next step at which choice where asyncio would have let another.
WITNESS = r"""
$witness
"""

OTHER_ORDERS = $orders
"""How many are tried where the recorded one shows nothing: an await more in the target moves all choices after it."""


def replay() -> str:
    """Perform the story in a process of its own; return what the checker finds, or "" when it finds nothing."""
    here = Path(__file__).resolve()
    asked = json.loads("".join(WITNESS.split("\\n")))
    asked |= {"target": TARGET, "folders": list(map(str, here.parents)), "other_orders": OTHER_ORDERS}
    with tempfile.TemporaryDirectory() as folder:
        engine, question, answer = (Path(folder, name) for name in ("engine.zip", "asked.json", "answer.json"))
        engine.write_bytes(base64.b64decode(ENGINE))
        question.write_text(json.dumps(asked), encoding="utf-8")
        # It was recorded in a process that hashes strings in this way; only so are sets of them walked alike.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", RUN, str(engine), str(question), str(answer)]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        if process.returncode:
            raise RuntimeError(process.stderr.strip()[-4000:])
        return json.loads(answer.read_text(encoding="utf-8"))["finding"]


RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from harness.schedules.exported import main; main()"

# The engine that performs it: modules of isolation-harness $version (Apache License 2.0), as a zip, in base64.
# Nothing has to be unpacked to run the test. To read it all the same: python THIS_FILE unpack FOLDER
ENGINE = """
$engine
"""

if __name__ == "__main__":
    if sys.argv[1:2] == ["unpack"]:
        zipfile.ZipFile(io.BytesIO(base64.b64decode(ENGINE))).extractall(sys.argv[2])
    else:
        sys.exit(replay() or None)
'''
)
"""Fill in: story, target, hint, test, truth, witness, orders, version, engine."""
