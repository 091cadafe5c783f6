"""A telephone network in a box: vendors' HTTP doors, handsets, receipts, and the failures of real life.

A process of its own that shares nothing with Crier but the vendors' documents: no Django, no project imports.
It speaks MessageWhiz (document 004), BulkVS messaging (001), Mx2 Group (000), Mobiz (003) and Ogangi (002), keeps
what arrived on handsets in memory, and posts delivery reports and replies to the webhooks that the caller named.

Start: `python -m providers.sandbox --port 8001`. Outcomes are chosen by the last two digits of the number,
see `outcomes`; the whole is described in docs/sandbox.md.

    app          the list of doors, cutting the line    control     JSON door for tests and the Handset page
    doors        what a vendor's door is and offers     people      who hold the handsets: replies, clicks
    messagewhiz  document 004, all operations           bulkvs      document 001, all five operations
    mx2          document 000 and its webhook           mobiz       document 003, all four operations
    ogangi       document 002, all eight operations     faults      trouble at a path of one's choice
    callbacks    receipts and replies, when due         state       handsets, counters
    later        what waits for its time                batches     several texts in one request
    forms        fields and files of a form             sheets      .csv and .xlsx
    outcomes     magic numbers                          dials       latency, throttle, down, hang, faults
    wire         requests, answers                      parts       PDUs of a text
"""
