"""Makes the captures a lab cannot record: rare encapsulations, damage, and the forms capture files come in.

Each is a recorded session of ``captures/mechanisms`` wrapped, damaged or stored in another way, so its label is the
recorded one. Nothing here depends on the clock or on chance: a second run writes the same bytes.
"""
