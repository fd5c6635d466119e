"""The launcher behind ./cartwheel: a private PostgreSQL, a private RabbitMQ and our processes.

catalogue   which services there are, and what each says of itself
layout      where things are; the folder's lock; atomic files
settings    what is decided once and kept: ports, passwords, names
usage       wrong uses and what was meant; asking before what cannot be undone
terminal    colours, tables, progress
processes   starting, finding, stopping operating system processes; processes.json
issuer      access tokens, for APIs that ask for them
accounts    which user a server runs as and where its data may be
broker_users   the broker's users and their rights, here and on Kubernetes
postgres, rabbitmq, services   the three kinds of process
build       meson and ninja
debian      this machine's way to Debian's packages
release     a bare Debian of another release, with confine to run commands in it
spans, otlp, observe   spans as files and trees, as OTLP carries them; what takes them
watchers    Prometheus and its like, which up --observe starts too
system      all of it together: up, down, start, stop, restart
watch       what up does once everything is ready
failures, slow_mail, poison   what break makes, and mend ends
logs, trace, completion, demo, deployment, suites, cli   the commands; those of tools/operators are called from cli
"""
