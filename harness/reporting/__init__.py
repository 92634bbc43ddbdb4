"""Report to text: JSON, Markdown, HTML and JUnit XML. Adds no facts.

Rules:

- Whatever is said follows from a `harness.claims.evidence.Report`, and from the histories that it names.
- Pure: no clock, no randomness, no file but the package's own templates; one report gives the same bytes each
  time.
- What is wrong or missing is said first, and every count carries what it was counted on and its upper bound.
- Text that came from a target is hostile until `harness.reporting.escaping` has been through it.

How it works: `wording` turns numbers into words; `derive`, `trust`, `issues` and `summary` turn a report into
statements; `explored` reads what the schedules suite went through, and `schedule_words`, `injected_lines`, `growth`,
`told` and `first_findings` say it; `swimlanes`, `matrix` and `growth` turn histories and counts into figures; each
`as_*` module is one format; `render` is all four.
"""

from harness.reporting.render import Judge, ReadHistory, render

__all__ = ["Judge", "ReadHistory", "render"]
