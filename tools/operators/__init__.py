"""What operators do to a running system, here or elsewhere; commands of ./cartwheel.

dlq, dead_letters   dead letters: look at them, replay them, discard them; the workers' admin API
reconcile           what the services know of each order, compared
doctor              whether servers, processes and settings are as they have to be
"""
