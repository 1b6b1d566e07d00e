"""The worker in the pane: starts one process, owns its log, its time limit, its tree and its exit record.

Standard library only, and nothing of the rest of the package: it starts in milliseconds and outlives every upgrade.
"""
