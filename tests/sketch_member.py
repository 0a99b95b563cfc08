"""One process of a run of the recipe ``sketched`` that the tests start by ``accelerate launch``.

    accelerate launch ... -m tests.sketch_member inker|sketcher [options of that script]

It computes in double precision, for the reason that ``tests/crew_member.py`` gives.
"""

from __future__ import annotations

import sys
from functools import partial

from albumjudge.models.autoencoder import Encoder
from tests.crew_member import be_precise
from tests.quick_features import QuickFeatures
from training import train_autoencoder as train_inker
from training import train_flow as train_sketcher

if __name__ == "__main__":
    be_precise()
    narrow = partial(Encoder, width=4)
    vars(train_inker).update(LiteFeatures=QuickFeatures, Encoder=narrow)
    vars(train_sketcher).update(Encoder=narrow)
    script = {"inker": train_inker.main, "sketcher": train_sketcher.main}[sys.argv[1]]
    sys.exit(script(sys.argv[2:]))
