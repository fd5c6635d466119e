"""The fault plan: seeded load, a fault, healing, quiet, then every invariant. See docs/reliability.md."""
