"""./cartwheel doctor: whether a system, here or elsewhere, is as it has to be; read only, unless --fix.

checks     what a check is, and how one is asked
command    which are asked, and the exit code
patient    the system that is looked at: its addresses, sessions, settings; each asked for once
database   what each service finds in its database: schema, rights, transactions, tables
server     what the servers under them are set to, and what room they have
broker     queues, bindings, policies and rights, against what is declared; declared has that
views      who can be asked about the broker
processes  our own: ready, of one build, with one clock
settings   names that nothing reads, passwords that everybody knows, plain text
expiry     certificates, keys and tokens that end soon
report     the lines, as text or JSON

A module per area has its checks in a table CHECKS.
"""

from .command import add_arguments, check, run

__all__ = ["add_arguments", "check", "run"]
