"""The gate: one test per claim, one per planted bug, one per null target. Runs on any target.

pytest mission_critical                             the bundled backend
pytest mission_critical --target=path/to/file.py:attribute
"""
