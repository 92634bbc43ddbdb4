"""The gate: one test per claim, one per planted bug, one per null target. Runs on any target.

pytest --pyargs mission_critical                    the bundled backend
pytest --pyargs mission_critical --isolation-target=path/to/file.py:attribute
"""
