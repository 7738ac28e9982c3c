"""One way to run a function over many arguments on N workers, in local processes, on SLURM or on Ray.

    pool.py     the line's side: posts tasks, gives a dead worker's task to another one, ends them all
    member.py   a worker's side: claims a task, runs it, says what came of it
    board.py    the shared folder through which both speak
    crews.py    how workers are started and seen to end; local.py, slurm.py and on_ray.py are the three ways
    leftovers.py what a line that was killed left behind

A worker is a process that lives as long as its line and takes one task after another, so that a model is
loaded once and a cluster is asked for a place once. Everything they say to each other is a file in a folder
that both see: what a cluster has in any case, and what SLURM, Ray and a killed line have in common. The price
is some tenths of a second a task.
"""
