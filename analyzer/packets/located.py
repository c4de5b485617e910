"""Where headers lie in a batch: what the columns pass on to whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Located:
    """Frames whose TCP (or UDP) header was found, in frame order.

    Attributes:
        frame: ``int64[n]``, position in the batch.
        ip: ``int64[n]``, offset of the IP header in the batch's bytes.
        tcp: ``int64[n]``, offset of the TCP or UDP header.
        version6: ``bool[n]``, IPv6.
        link: ``int64[n]``, offset of the Ethernet header or -1.
    """

    frame: Ints
    ip: Ints
    tcp: Ints
    version6: Mask
    link: Ints
