"""Isolation Harness: shows whether the users of one process can see, change or disturb each other.

Read the modules in the order the data flows: `model`, `canary`, `spec`, `verdict`, `evidence`, `claims`,
`plan`, `store`, then `checkers`, `runner`, `targets`, `taps`, `nemesis`, `mutants`, the suites, and `cli`.
"""
