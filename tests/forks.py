"""Processes of ours that start in a moment: forks of one that has imported what they need."""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["starter", "tests.shell", "tests.chaos.workers"])
