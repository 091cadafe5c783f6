"""Speed as ratios: each subject against something that anybody can judge, side by side in one run.

`python -m benchmarks` (or `make bench`) measures all rows of goals.py through the real code paths. Each subject runs in
a process and a database of its own; absolute figures move from machine to machine, ratios hardly do.
"""
