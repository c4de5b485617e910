"""What was said inside TLS, where the user has the keys: tshark decrypts, our own parser reads.

``keylog`` reads key logs; ``tap`` finds, in the conversations of a run, the TLS connections whose keys are there;
``wire`` writes those, and no others, as packets of our own making into tshark's standard input; ``decryptor`` runs
tshark; ``rows`` reads its lines, and ``plaintext`` follows the SMTP dialogue in them; ``amend`` puts what it was into
the session; and ``stage`` joins all this into the run.

tshark is not given the captures. It gets the bytes as our reassembly delivers them, so both read the same
conversations: whatever the encapsulation, the port, the compression, the number of files or the order of packets.
Nothing is written to disk, neither keys nor plain text; and where no connection fits the keys, tshark is not started.
"""
