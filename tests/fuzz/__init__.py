"""Parsers of what strangers send, for fuzzers: what may come out of them, and nothing else.

The suite feeds them with hypothesis, for seconds. For longer, with coverage as the guide:

    .venv/bin/pip install atheris
    .venv/bin/python -m tests.fuzz aws_request -max_total_time=600
    .venv/bin/python -m tests.fuzz jwt -max_total_time=600

What is found goes to `var/fuzz`; add what matters to `tests/fuzz/corpus`, from where both start. A
file there whose name begins with `good` is accepted, every other is refused.
"""
