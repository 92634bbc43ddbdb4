"""From what a service says of itself to a first adapter: written down by `harness init`, or in memory.

The data flows one way: a source (a URL, a file, an application) is read into a `Document`; its operations become
routes, channels and a way to sign in; those become an `Adapter`, or three files. Only `reading` reads anything; only
`files` writes.
"""

from harness.drafting.adapters import drafted_adapter
from harness.drafting.document import DraftError
from harness.drafting.reading import is_application

__all__ = ["DraftError", "drafted_adapter", "is_application"]
