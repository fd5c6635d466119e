"""What ./cartwheel bench measures.

runner      the scenarios one after the other, the table, JSON and plots
rig         the system under test: addresses, databases, processes
load        the load generators: wrk, pgbench, load/loadgen.c (constant rate), load/pqreads.c
placing     orders placed and followed to their end, with the proof that none was lost
meter       what processes use: time, memory, bytes
replicas    more processes of one kind
exact       what must hold after every scenario
figures     figures and their bars
plots       figures as SVG
scenarios/  one file each
"""
