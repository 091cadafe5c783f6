"""Entities of the apps above, kept in step with a vendor that has them, too.

    local_only ──push──▶ same ◀──pull── remote_only
                          │ ▲
              changed on  ▼ │ push or pull
              either side differs          failed: with the vendor's words; the next push tries again

An app says in its sync.py how its entity becomes a neutral payload (registry, payloads); a vendor says in its connector how
a payload becomes its own requests (remotes). Neither knows the other. What is linked to what stands in RemoteRecord.
"""
