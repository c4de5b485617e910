"""The parts of ``scripts/lab``: a mail world of network namespaces, real servers and clients, and its recorder.

Order of use: :mod:`labkit.material` fetches the software, :mod:`labkit.sealed` shuts the process in,
:mod:`labkit.network` builds what :mod:`labkit.world` describes, :mod:`labkit.servers` starts the servers,
:mod:`labkit.clients` and :mod:`labkit.mailers` send, on the :mod:`labkit.bench`, what :mod:`labkit.cases`,
:mod:`labkit.office` and :mod:`labkit.tls_cases` list, :mod:`labkit.recorder` records it, :mod:`labkit.transcript`
and :mod:`labkit.labels` say what took place; :mod:`labkit.record` does all this.
"""
