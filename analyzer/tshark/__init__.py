"""The tshark program, run through pyshark: finding it, starting it in a thread of its own, reading its lines.

What is asked of it, and what its lines mean, is its users' business (``decryption`` and ``verify``). Only
:mod:`~analyzer.tshark.capture` imports pyshark, which takes a while: whoever may not need it imports that late.
"""
