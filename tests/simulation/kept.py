"""Runs that once broke a promise, made small. They are always run.

Kept as plans, not as seeds: a seed's plan changes with the generator. `python -m tests.simulation SEED --small` prints
a plan that can be pasted here.
"""

from __future__ import annotations

from tests.simulation.plan import Item, Plan

KEPT: dict[str, Plan] = {
    "the gateway can't be reached at the first connect": Plan(
        31, level="STANDARD", items=(Item(0.0, "gateway", "away", 30.0, key=1), Item(0.0, "history", "ada", key=2)),
    ),
    "Discord takes an acknowledgement, and its answer is lost": Plan(
        7, api="v2", items=(
            Item(10.0, "ack", "answer lost", 60.0, key=1), Item(20.0, "remove", "dana", number=4, key=2),
        ),
    ),
    "one of several removals waits for the rate limit while Discord takes no edits": Plan(
        169, api="v2", items=(
            Item(10.0, "edit", "404", 90.0, key=4), Item(18.0, "list", "kim", 3.25, server=2, key=1),
            *(Item(8.0 + n, "remove", "dana", number=n, key=10 + n) for n in (7, 6, 5, 4)),
        ),
    ),
    "the disk is locked as the bot starts, with entries left open": Plan(
        55, api="v2", items=(
            Item(10.0, "disk", "locked", 200.0, share=0.5, key=0),
            *(Item(20.0 + n, "remove", "omar", number=n, key=n) for n in range(1, 9)),
            Item(30.0, "process", "kill", 5.0, mark="interaction", key=20),
            Item(31.0, "remove", "omar", number=10, key=10),
        ),
    ),
    "Discord's edge answers an audit post with a page": Plan(
        165, items=(Item(10.0, "audit", "odd", 60.0, key=1), Item(20.0, "remove", "kim", number=16, key=2)),
    ),
    "Discord does not answer the look-ups of a status": Plan(
        12, items=(Item(10.0, "other", "hang", 60.0, key=1), Item(20.0, "status", "ada", key=2)),
    ),
    "a 200 that says no": Plan(
        33, items=(Item(10.0, "cad", "no in words", 90.0, key=1), Item(20.0, "remove", "kim", number=9, key=2)),
    ),
    "a call's number is open again": Plan(
        5, items=(Item(20.0, "remove", "lee", number=1, key=1), Item(40.0, "call", number=1, key=2),
                  Item(60.0, "remove", "omar", number=1, key=3), Item(70.0, "remove", "omar", number=1, key=4)),
    ),
    "Discord takes an acknowledgement that was given up, as the question expires": Plan(
        2006233, api="v2", level="PRO", default_server=1, items=(
            Item(122.08, "post", "dana", 59.5, number=3, key=6), Item(180.35, "ack", "slow", 400.0, share=0.5, key=7),
        ),
    ),
    "a list is refused, and another request for one of its calls leaves before all of that is read": Plan(
        17, default_server=1, items=(
            Item(20.0, "list", "omar", 1.0, key=1), Item(22.0, "disk", "locked", 3.0, key=2),
            Item(23.9, "remove", "kim", number=2, key=4),
        ),
    ),
    "the answer to the second of two open questions is refused": Plan(
        3, items=(Item(30.0, "recreate", "dana", 2.0, number=1, key=1), Item(36.0, "edit", "404", 30.0, key=99)),
    ),
    "the journal's file is deleted, and the bot is stopped before it has noticed": Plan(
        1, items=(Item(20.0, "remove", "dana", number=1, key=1), Item(45.0, "file", "deleted", key=2),
                  Item(52.0, "process", "stop", key=3)),
    ),
    "a re-creation is refused, in words with a number": Plan(
        21, level="PRO", default_server=1, items=(
            Item(200.0, "cad", "no with a number", 100.0, mark="CREATE", key=14),
            Item(220.0, "recreate", "lee", 1.0, number=2, key=1),
        ),
    ),
    "a yes names the server's number as a call's": Plan(
        80, level="STANDARD", items=(
            Item(225.3, "cad", "yes of another call", 150.0, mark="REMOVE", key=8),
            Item(251.3, "remove", "omar", 1.0, number=8, key=11),
        ),
    ),
    "something in front of the CAD answers a list with a bare 404": Plan(
        392, api="v2", items=(
            Item(10.0, "cad", "bare 404", 60.0, mark="CALLS", key=1), Item(20.0, "list", "lee", 1.0, server=2, key=2),
        ),
    ),
    "a server is added after the list of servers was read": Plan(
        45, items=(Item(10.0, "list", "dana", server=0, key=1), Item(30.0, "server", server=3, key=2),
                   Item(60.0, "list", "kim", 1.0, server=3, key=3),
                   Item(90.0, "post", "omar", number=4, server=3, key=4)),
    ),
    "the journal's file is deleted once more, right after it was put back": Plan(
        31020822, api="v2", items=(
            Item(117.0, "process", "kill", 20.55, number=20, mark="ack", key=8),
            Item(145.52, "remove", "omar", 1.0, number=4, key=11),
            Item(197.73, "disk", "stuck", 30.0, share=0.1, key=18), Item(204.18, "file", "deleted", key=19),
            Item(207.17, "list", "omar", 1.0, number=10, server=2, key=21),
            Item(227.46, "clock", "freeze", 3816.7, key=25), Item(260.15, "file", "deleted", key=32),
        ),
    ),
    "an entry of the list of servers can't be read": Plan(
        59, api="v2", items=(
            Item(0.0, "servers", "unreadable", 600.0, key=1), Item(10.0, "list", "dana", server=0, key=2),
            Item(30.0, "list", "kim", 1.0, server=2, key=3), Item(60.0, "post", "omar", number=4, server=2, key=4),
        ),
    ),
}  # fmt: skip
"""By what went wrong."""
