"""A telephone network in a box: vendors' HTTP doors, handsets, receipts, and the failures of real life.

A process of its own that shares nothing with Crier but the vendors' documents: no Django, no project imports.
It speaks MessageWhiz `POST /sms` (document 004) and BulkVS messaging (document 001), keeps what arrived on
handsets in memory, and posts delivery reports and replies to the webhooks that the caller named.

Start: `python -m providers.sandbox --port 8001`. Outcomes are chosen by the last two digits of the number,
see `outcomes`; the whole is described in docs/sandbox.md.

    app          routing, cutting the line              control     JSON door for tests and the Handset page
    messagewhiz  document 004, section Fast Single      bulkvs      document 001, all five operations
    callbacks    receipts and replies, when due         state       handsets, counters
    outcomes     magic numbers                          dials       latency, throttle, down, hang
    wire         requests, answers                      parts       PDUs of a text
"""
