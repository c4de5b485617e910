"""Grades what the analyzer says of logins inside TLS against labels; see ``scripts/accuracy --help``.

``labels``     what really happened, one entry per connection
``recordings`` captures as segments in memory, by connection
``damage``     packets that a capture may lack, chosen by seed
``answers``    sessions beside their labels: right, wrong, unknown
``bounds``     what so many right answers prove
``sections``   answers -> tables
``render``     tables -> text, Markdown, JSON
``document``   tables between the markers of a document
"""
